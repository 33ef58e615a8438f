"""Catalogue, price and stock files of vendors, taken in by the background."""
