"""The buyer's order and its vendor orders, with everything agreed frozen on them."""
