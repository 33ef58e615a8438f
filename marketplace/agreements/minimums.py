"""The least that is paid out to a vendor, where his terms do not say it."""

from marketplace.kernel.money import minor_digits

USUAL = 25  # of the currency's major unit


def usual_minimum(currency: str) -> int:
    """In minor units: 25.00 EUR, 25 JPY."""
    return USUAL * 10 ** minor_digits(currency)
