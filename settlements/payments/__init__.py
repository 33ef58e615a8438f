"""A payment, from asking the provider to the money in the books."""
