"""The vendor's own view of his orders: confirm, ship, deliver."""
