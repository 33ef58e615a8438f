"""Sums, quantities and days as documents write them."""

from datetime import date
from decimal import Decimal

from marketplace.kernel.fields import plain_decimal
from marketplace.kernel.money import Money, minor_digits

# How the units that goods are sold in are called in UN/ECE recommendation 20; what has no name there counts as one.
UNIT_CODES = {
    "piece": "H87",
    "pair": "PR",
    "metre": "MTR",
    "meter": "MTR",
    "litre": "LTR",
    "liter": "LTR",
    "kilogram": "KGM",
    "kg": "KGM",
    "gram": "GRM",
    "box": "XBX",
    "carton": "XCT",
    "reel": "XRL",
    "roll": "XRO",
    "pack": "XPK",
    "pallet": "XPX",
    "bag": "XBG",
    "set": "SET",
    "hour": "HUR",
}


def unit_code(unit: str) -> str:
    return UNIT_CODES.get(unit.strip().lower(), "C62")


def major(minor: int, currency: str) -> Decimal:
    """`1250, EUR` -> `Decimal("12.50")`."""
    return Decimal(minor).scaleb(-minor_digits(currency))


def money(minor: int, currency: str) -> str:
    """`-123450, EUR` -> `-1,234.50 EUR`."""
    return Money(minor, currency).format()


def percent(rate: Decimal) -> str:
    """`Decimal("0.055")` -> `5.5`."""
    text = f"{rate * 100:.4f}".rstrip("0").rstrip(".")
    return text or "0"


def price(rate: Decimal) -> str:
    return plain_decimal(rate)


def day(on: date | None) -> str:
    return "" if on is None else f"{on:%d %b %Y}"
