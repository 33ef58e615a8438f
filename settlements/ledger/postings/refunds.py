"""What leaves for a buyer, and what of it comes back."""

import uuid

from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line, without_zeros

A, K = AccountKind, PostingKind


def refund_sent(order_id: uuid.UUID, amount_minor: int, currency: str, fee_minor: int = 0) -> list[Line]:
    """The provider took a refund from our balance."""
    return without_zeros(
        [
            Line(A.REFUNDS_PAYABLE, order_id, K.REFUND, amount_minor, currency, order_id),
            Line(A.PSP_FEES, None, K.FEE, fee_minor, currency, order_id),
            Line(A.PSP_CLEARING, None, K.REFUND, -amount_minor - fee_minor, currency, order_id),
        ]
    )


def refund_bounced(order_id: uuid.UUID, amount_minor: int, currency: str) -> list[Line]:
    """A refund came back to our balance; it is owed as before."""
    return [
        Line(A.PSP_CLEARING, None, K.REFUND_RETURNED, amount_minor, currency, order_id),
        Line(A.REFUNDS_PAYABLE, order_id, K.REFUND_RETURNED, -amount_minor, currency, order_id),
    ]


def refund_by_bank(order_id: uuid.UUID, amount_minor: int, currency: str) -> list[Line]:
    """A refund left by bank transfer instead."""
    return [
        Line(A.REFUNDS_PAYABLE, order_id, K.REFUND, amount_minor, currency, order_id),
        Line(A.BANK, None, K.REFUND, -amount_minor, currency, order_id),
    ]
