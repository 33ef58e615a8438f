"""What kind of difference a movement is, and what is suggested about it: pure, and never a posting by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from marketplace.kernel.money import Money
from settlements.gateway.connect import BalanceTransaction


class Kind(StrEnum):
    UNKNOWN_CHARGE = "unknown_charge"
    UNKNOWN_REFUND = "unknown_refund"
    REFUND_RETURNED = "refund_returned"
    UNKNOWN_TRANSFER = "unknown_transfer"
    UNKNOWN_REVERSAL = "unknown_reversal"
    OWN_PAYOUT = "own_payout"
    OWN_PAYOUT_RETURNED = "own_payout_returned"
    TOP_UP = "top_up"
    DISPUTE_NOT_BOOKED = "dispute_not_booked"
    PROVIDER_FEE = "provider_fee"
    RESERVE = "reserve"
    ADJUSTMENT = "adjustment"
    OTHER = "other"
    DUPLICATE = "duplicate"
    AMOUNT_DIFFERS = "amount_differs"
    FEE_DIFFERS = "fee_differs"
    CURRENCY_DIFFERS = "currency_differs"
    MISSING_AT_PROVIDER = "missing_at_provider"
    BALANCE_DIFFERS = "balance_differs"  # beyond all that is listed


class Action(StrEnum):
    """What may be done about a difference. All but the first two need a reason, the last two a second person."""

    LOOK_AGAIN = "look_again"  # fetch what caused it, and book it as if its web hook had come
    WAIT = "wait"  # it goes away by itself: money held that is released, an answer that is on its way
    BOOK_FEES = "book_fees"  # to psp_fees
    BOOK_BANK = "book_bank"  # the platform's own money to or from its bank
    ROUND_OFF = "round_off"  # to rounding, up to a small limit
    BOOK_VENDOR = "book_vendor"  # a vendor got it, or gave it back
    BOOK_OWN = "book_own"  # to an account of the marketplace's own


@dataclass(frozen=True, slots=True)
class Booked:
    """What the journal of a movement, with its corrections, put on psp_clearing and on the provider's fees."""

    net_minor: int
    fee_minor: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference of one movement. `difference_minor`: what psp_clearing lacks in the movement's currency; `elsewhere`
    in others."""

    kind: Kind
    suggestion: Action
    reason: str
    difference_minor: int
    elsewhere: Mapping[str, int] = field(default_factory=dict)


_BY_TYPE: dict[str, tuple[Kind, Action, str]] = {
    "charge": (Kind.UNKNOWN_CHARGE, Action.LOOK_AGAIN, "a charge that was not asked for here, or not booked"),
    "refund": (Kind.UNKNOWN_REFUND, Action.LOOK_AGAIN, "a refund that was not asked for here, or not booked"),
    "refund_failure": (Kind.REFUND_RETURNED, Action.LOOK_AGAIN, "a refund came back, which was not booked"),
    "transfer": (Kind.UNKNOWN_TRANSFER, Action.BOOK_VENDOR, "a transfer that was not ordered here, or not booked"),
    "transfer_refund": (Kind.UNKNOWN_REVERSAL, Action.BOOK_VENDOR, "a transfer was taken back, which was not booked"),
    "payout": (Kind.OWN_PAYOUT, Action.BOOK_BANK, "our own balance was paid out to the bank"),
    "payout_failure": (Kind.OWN_PAYOUT_RETURNED, Action.BOOK_BANK, "a payout of our own balance came back"),
    "topup": (Kind.TOP_UP, Action.BOOK_BANK, "own money was sent to the provider"),
    "topup_reversal": (Kind.TOP_UP, Action.BOOK_BANK, "own money went back from the provider"),
    "stripe_fee": (Kind.PROVIDER_FEE, Action.BOOK_FEES, "a fee of the provider beside those of charges"),
    "tax_fee": (Kind.PROVIDER_FEE, Action.BOOK_FEES, "tax on a fee of the provider"),
    "adjustment": (Kind.ADJUSTMENT, Action.BOOK_OWN, "the provider adjusted our balance"),
    "reserve_transaction": (Kind.RESERVE, Action.WAIT, "held for accounts below zero; it comes back with them"),
    "reserve_hold": (Kind.RESERVE, Action.WAIT, "held back by the provider; it comes back by its release"),
    "reserve_release": (Kind.RESERVE, Action.WAIT, "released by the provider; it belongs to what was held before"),
}  # fmt: skip
_ALIKE = {
    "payment": "charge",
    "payment_refund": "refund",
    "payment_failure_refund": "refund",
    "transfer_cancel": "transfer_refund",
    "transfer_failure": "transfer_refund",
    "payout_cancel": "payout_failure",
    "reserved_funds": "reserve_hold",
}
_DISPUTES = ("dp_", "du_")
_CHARGES = ("charge", "payment")
_FEES = ("stripe_fee", "tax_fee")  # booked as fees themselves


def find(
    movement: BalanceTransaction, booked: Mapping[str, Booked] | None, *, twin_is_booked: bool = False
) -> Finding | None:
    """How a movement differs from its journal; None: it does not. `booked` by currency, None: it has no journal."""
    if booked is None:
        return _without_journal(movement, twin_is_booked)
    own = booked.get(movement.currency, Booked(0, 0))
    lacks = movement.net_minor - own.net_minor
    foreign = {currency: sums for currency, sums in booked.items() if currency != movement.currency and sums.net_minor}
    if foreign:
        said = ", ".join(Money(sums.net_minor, currency).format() for currency, sums in sorted(foreign.items()))
        reason = f"booked as {said}, moved {_said(movement, movement.net_minor)}"
        too_much = {currency: -sums.net_minor for currency, sums in foreign.items()}
        return Finding(Kind.CURRENCY_DIFFERS, Action.BOOK_OWN, reason, lacks, too_much)
    if own.fee_minor != movement.fee_minor and (lacks or movement.kind in _CHARGES) and movement.kind not in _FEES:
        reason = f"booked with a fee of {_said(movement, own.fee_minor)}, charged {_said(movement, movement.fee_minor)}"
        return Finding(Kind.FEE_DIFFERS, Action.BOOK_FEES, reason, lacks)
    if lacks:
        reason = f"booked {_said(movement, own.net_minor)}, moved {_said(movement, movement.net_minor)}"
        return Finding(Kind.AMOUNT_DIFFERS, Action.BOOK_OWN, reason, lacks)
    return None


def _said(movement: BalanceTransaction, minor: int) -> str:
    return Money(minor, movement.currency).format()


def _without_journal(movement: BalanceTransaction, twin_is_booked: bool) -> Finding:
    if movement.kind == "adjustment" and (movement.source_id or "").startswith(_DISPUTES):
        reason = "a dispute moved money, which was not booked"
        return Finding(Kind.DISPUTE_NOT_BOOKED, Action.LOOK_AGAIN, reason, movement.net_minor)
    if twin_is_booked:
        reason = f"a second {movement.kind} of {movement.source_id}, the first of which is booked"
        return Finding(Kind.DUPLICATE, Action.BOOK_OWN, reason, movement.net_minor)
    name = _ALIKE.get(movement.kind, movement.kind)
    unheard = (Kind.OTHER, Action.BOOK_OWN, f"a {movement.kind} of the provider that has no journal")
    kind, suggestion, reason = _BY_TYPE.get(name, unheard)
    return Finding(kind, suggestion, reason, movement.net_minor)
