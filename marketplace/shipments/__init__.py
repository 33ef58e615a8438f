"""Parcels: what of a vendor order has left, and what has arrived."""
