"""What every posting to be is made of."""

import uuid
from typing import NamedTuple

from settlements.ledger.chart import AccountKind, PostingKind


class Line(NamedTuple):
    """One posting to be: amount in minor units, debit above zero. `party` as the chart says for the account."""

    account: AccountKind
    party: uuid.UUID | None
    kind: PostingKind
    amount_minor: int
    currency: str
    order_id: uuid.UUID | None = None
    vendor_order_id: uuid.UUID | None = None


def without_zeros(lines: list[Line]) -> list[Line]:
    """The lines that move something; the books refuse a posting of nothing."""
    return [line for line in lines if line.amount_minor]
