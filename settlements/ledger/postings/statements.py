"""What the closing of a statement books: the tax on its commission, and what is held back for good."""

import uuid

from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line, without_zeros

A, K = AccountKind, PostingKind


def commission_tax(vendor_id: uuid.UUID, currency: str, tax_minor: int) -> list[Line]:
    """The vendor owes the tax on the operator's commission; below zero, on commission given back, he gets it."""
    return without_zeros(
        [
            Line(A.VENDOR_PAYABLE, vendor_id, K.COMMISSION_TAX, tax_minor, currency),
            Line(A.TAX_PAYABLE, None, K.COMMISSION_TAX, -tax_minor, currency),
        ]
    )


def reserve_minimum(vendor_id: uuid.UUID, currency: str, amount_minor: int) -> list[Line]:
    """So much more is held back for good; below zero it is given free."""
    return without_zeros(
        [
            Line(A.VENDOR_PAYABLE, vendor_id, K.RESERVE_MINIMUM, amount_minor, currency),
            Line(A.VENDOR_RESERVE, vendor_id, K.RESERVE_MINIMUM, -amount_minor, currency),
        ]
    )
