"""The cart and its checkout: what a company is about to order from several vendors."""
