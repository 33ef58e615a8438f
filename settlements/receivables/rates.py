"""What debtors owe by law for paying late, as data by date: yearly interest between companies, and a flat sum; pure.

Interest is the base rate and nine points over it (section 288 of the German civil code, which carries out directive
2011/7/EU); the flat sum is 40 euros an invoice. The base rate is the Bundesbank's, announced each half year (section
247); the last one known here holds until the operator adds another, which stands in the table late_interest_rate.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from settlements.receivables.arithmetic import Since

POINTS = Decimal("0.09")
BASE_RATES = (
    (date(2023, 1, 1), Decimal("0.0162")),
    (date(2023, 7, 1), Decimal("0.0312")),
    (date(2024, 1, 1), Decimal("0.0362")),
    (date(2024, 7, 1), Decimal("0.0337")),
    (date(2025, 1, 1), Decimal("0.0227")),
    (date(2025, 7, 1), Decimal("0.0127")),  # unchanged by 1 January 2026; later ones are the operator's to add
)
FLAT_MINOR = {"EUR": 4000}  # in other currencies no flat sum is claimed


def rates_with(added: Sequence[Since]) -> list[Since]:
    """The yearly rates by date; what was added wins over what is known here from the same day on."""
    found = {day: base + POINTS for day, base in BASE_RATES}
    found.update({row.day: Decimal(row.value) for row in added})
    return [Since(day, found[day]) for day in sorted(found)]
