"""Buying on account: the payment terms granted to a company, and how much of its credit limit is in use."""
