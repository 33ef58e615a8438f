"""Categories, products, and the vendors' offers of them with their stock."""
