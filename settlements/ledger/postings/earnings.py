"""A vendor's shares on their way from pending to payable: each stage hands over what it holds, kind by kind."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line, without_zeros
from settlements.ledger.postings.orders import DELIVERY_EARNED, DELIVERY_PENDING, Stage

A, K = AccountKind, PostingKind


@dataclass(frozen=True, slots=True)
class Part:
    """A vendor order as postings name it."""

    order_id: uuid.UUID
    vendor_order_id: uuid.UUID
    vendor_id: uuid.UUID
    currency: str


@dataclass(frozen=True, slots=True)
class Share:
    """What one kind of posting of a vendor order comes to on one kind of account; debit above zero."""

    account: AccountKind
    kind: PostingKind
    amount_minor: int


def moved(part: Part, shares: Iterable[Share], before: Stage, after: Stage, kind: PostingKind) -> list[Line]:
    """The vendor's shares go from the accounts of one stage to those of the next.

    What leaves the vendor's account is one posting of `kind`, what arrives keeps its kinds, so that the statement of
    what is due tells goods from tax and commission.
    """
    held = list(shares)
    own = [share for share in held if share.account is before.vendor]
    lines = [_line(part, before.vendor, part.vendor_id, kind, -sum(share.amount_minor for share in own))]
    lines += [_line(part, after.vendor, part.vendor_id, share.kind, share.amount_minor) for share in own]
    for source, target in ((before.commission, after.commission), (before.promotion, after.promotion)):
        if source is not target:
            for share in held:
                if share.account is source:
                    lines.append(_line(part, source, None, share.kind, -share.amount_minor))
                    lines.append(_line(part, target, None, share.kind, share.amount_minor))
    return without_zeros(lines)


def reserve_held(part: Part, amount_minor: int) -> list[Line]:
    """Part of what is due is held back."""
    return without_zeros(
        [
            _line(part, A.VENDOR_PAYABLE, part.vendor_id, K.RESERVE_HELD, amount_minor),
            _line(part, A.VENDOR_RESERVE, part.vendor_id, K.RESERVE_HELD, -amount_minor),
        ]
    )


def reserve_released(part: Part, amount_minor: int) -> list[Line]:
    """What was held back is due."""
    return without_zeros(
        [
            _line(part, A.VENDOR_RESERVE, part.vendor_id, K.RESERVE_RELEASED, amount_minor),
            _line(part, A.VENDOR_PAYABLE, part.vendor_id, K.RESERVE_RELEASED, -amount_minor),
        ]
    )


def delivery_earned(order_id: uuid.UUID, currency: str, net_minor: int, tax_minor: int) -> list[Line]:
    """The operator has delivered what he sold the delivery of."""
    before, after = DELIVERY_PENDING, DELIVERY_EARNED
    return without_zeros(
        [
            Line(before.shipping, None, K.DELIVERY, net_minor, currency, order_id),
            Line(before.tax, None, K.TAX, tax_minor, currency, order_id),
            Line(after.shipping, None, K.DELIVERY, -net_minor, currency, order_id),
            Line(after.tax, None, K.TAX, -tax_minor, currency, order_id),
        ]
    )


def owed(shares: Sequence[Share], account: AccountKind) -> int:
    """What the shares on one kind of account come to in the vendor's favour."""
    return -sum(share.amount_minor for share in shares if share.account is account)


def _line(part: Part, account: AccountKind, party: uuid.UUID | None, kind: PostingKind, amount_minor: int) -> Line:
    return Line(account, party, kind, amount_minor, part.currency, part.order_id, part.vendor_order_id)
