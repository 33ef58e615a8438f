"""Vendors' accounts at the payment provider: what they may receive, what is due, and who blocked them."""
