"""Promotions, tax rates, delivery rates and return policies: the versioned inputs of the formula."""
