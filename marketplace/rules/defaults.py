"""The VAT rates that a new marketplace starts from; later changes are the operator's to enter.

Compared with the Commission's database of taxes (TEDB) as of 29 September 2026: every rate in force then stands here.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

_START = date(2024, 1, 1)
# Country: the standard rate and the reduced rate that most goods below it carry, in percent, on the first day.
_RATES: dict[str, tuple[str, str]] = {
    "AT": ("20", "10"), "BE": ("21", "6"), "BG": ("20", "9"), "HR": ("25", "13"), "CY": ("19", "9"),
    "CZ": ("21", "12"), "DK": ("25", "25"), "EE": ("22", "9"), "FI": ("24", "14"), "FR": ("20", "5.5"),
    "DE": ("19", "7"), "GR": ("24", "13"), "HU": ("27", "5"), "IE": ("23", "13.5"), "IT": ("22", "10"),
    "LV": ("21", "12"), "LT": ("21", "9"), "LU": ("17", "8"), "MT": ("18", "5"), "NL": ("21", "9"),
    "PL": ("23", "8"), "PT": ("23", "6"), "RO": ("19", "9"), "SK": ("20", "10"), "SI": ("22", "9.5"),
    "ES": ("21", "10"), "SE": ("25", "12"),
    "GB": ("20", "5"), "CH": ("8.1", "2.6"), "LI": ("8.1", "2.6"), "NO": ("25", "15"), "US": ("0", "0"),
}  # fmt: skip
_CHANGES: tuple[tuple[str, str, str, date], ...] = (
    ("FI", "standard", "25.5", date(2024, 9, 1)),
    ("SK", "standard", "23", date(2025, 1, 1)),
    ("SK", "reduced", "19", date(2025, 1, 1)),
    ("EE", "standard", "24", date(2025, 7, 1)),
    ("RO", "standard", "21", date(2025, 8, 1)),
    ("RO", "reduced", "11", date(2025, 8, 1)),
    ("FI", "reduced", "13.5", date(2026, 1, 1)),
    ("LT", "reduced", "12", date(2026, 1, 1)),
)


def default_tax_rates() -> Iterator[tuple[str, str, Decimal, date]]:
    """(country, tax category, rate as a fraction of one, valid from)."""
    for country, (standard, reduced) in _RATES.items():
        yield country, "standard", Decimal(standard) / 100, _START
        yield country, "reduced", Decimal(reduced) / 100, _START
    for country, category, percent, day in _CHANGES:
        yield country, category, Decimal(percent) / 100, day
