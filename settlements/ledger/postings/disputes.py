"""What a chargeback takes and gives back, and who bears it once it is lost.

The buyer has paid his order all the same: what a chargeback moves is no money of the order.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from marketplace.kernel.money import Money
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line, without_zeros

A, K = AccountKind, PostingKind


class Bearer(NamedTuple):
    """A vendor's part of a loss, on the account that holds his money of the order."""

    account: AccountKind
    vendor_id: uuid.UUID
    vendor_order_id: uuid.UUID
    amount_minor: int


def moved(order_id: uuid.UUID, amount_minor: int, fee_minor: int, currency: str) -> list[Line]:
    """One balance transaction of a dispute: below zero taken from us, above zero given back; the fee is ours."""
    return without_zeros(
        [
            Line(A.DISPUTES_IN_PROCESS, order_id, K.CHARGEBACK, -amount_minor, currency, order_id),
            Line(A.PSP_DISPUTE_FEES, None, K.CHARGEBACK_FEE, fee_minor, currency),
            Line(A.PSP_CLEARING, None, K.CHARGEBACK, amount_minor - fee_minor, currency),
        ]
    )


def shares(loss_minor: int, buyer_owes_minor: int, vendors_minor: Mapping[str, int], currency: str) -> dict[str, int]:
    """The vendors' parts of a loss, as the formula parts what the buyer paid: each by what he is entitled to, the rest
    (commission, deliveries, less what the marketplace pays of discounts) is the marketplace's own.

    Vendors together never bear more than was lost, nor anything for whom the order leaves nothing.
    """
    entitled = {vendor: due for vendor, due in vendors_minor.items() if due > 0}
    weights = [*entitled.values(), max(0, buyer_owes_minor - sum(entitled.values()))]
    if not sum(weights):
        return {}
    parts = Money(loss_minor, currency).split(weights)
    return {vendor: part.minor for vendor, part in zip(entitled, parts, strict=False) if part.minor}


def lost(
    order_id: uuid.UUID, currency: str, loss_minor: int, covered_minor: int, bearers: Sequence[Bearer]
) -> list[Line]:
    """A lost chargeback leaves the process: `covered_minor` of it is a refund that was owed anyway and is now paid, the
    rest is borne by the vendors as far as told, and by the marketplace."""
    own = loss_minor - covered_minor - sum(bearer.amount_minor for bearer in bearers)
    return without_zeros(
        [
            Line(A.DISPUTES_IN_PROCESS, order_id, K.CHARGEBACK, -loss_minor, currency, order_id),
            Line(A.REFUNDS_PAYABLE, order_id, K.CHARGEBACK, covered_minor, currency),
            Line(A.CHARGEBACK_LOSS, None, K.CHARGEBACK, own, currency, order_id),
            *_borne(order_id, currency, bearers, 1),
        ]
    )


def covered_later(order_id: uuid.UUID, currency: str, covered_minor: int, bearers: Sequence[Bearer]) -> list[Line]:
    """A refund decided after the chargeback was lost: the buyer has it already, so the loss is less."""
    own = covered_minor - sum(bearer.amount_minor for bearer in bearers)
    return without_zeros(
        [
            Line(A.REFUNDS_PAYABLE, order_id, K.CHARGEBACK, covered_minor, currency),
            Line(A.CHARGEBACK_LOSS, None, K.CHARGEBACK, -own, currency, order_id),
            *_borne(order_id, currency, bearers, -1),
        ]
    )


def _borne(order_id: uuid.UUID, currency: str, bearers: Sequence[Bearer], sign: int) -> list[Line]:
    return [
        Line(
            bearer.account,
            bearer.vendor_id,
            K.CHARGEBACK,
            sign * bearer.amount_minor,
            currency,
            order_id,
            bearer.vendor_order_id,
        )
        for bearer in bearers
    ]
