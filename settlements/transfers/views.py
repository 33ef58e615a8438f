"""Transfers, payouts and debts in the shape of the party that reads them."""

from collections.abc import Sequence
from typing import Any

from marketplace.kernel.access import Actor
from marketplace.kernel.money import Money
from settlements.transfers.models import Adjustment, Transfer, TransferReversal, VendorDebt, VendorPayout
from settlements.transfers.queries import debts, transfers
from settlements.transfers.states import AdjustmentKind, TransferState

_EVERYONES = ("id", "reversed_minor", "state", "cause", "requested_at", "made_at")
_OPERATORS = ("vendor_id", "payment_id", "charge_id", "replaces_id", "payable_minor", "trouble", "next_at")
_OF_REVERSAL = ("id", "state", "cause", "reason", "requested_at", "made_at")
_OF_PAYOUT = ("id", "vendor_id", "state", "arrives_on", "failure_code", "seen_at")
_OF_DEBT = ("id", "vendor_id", "state", "since", "reminded_at", "closed_at")
_OF_ADJUSTMENT = (
    "id",
    "vendor_id",
    "amount_minor",
    "currency",
    "reason",
    "debt_id",
    "state",
    "proposed_by",
    "proposed_at",
    "decided_by",
    "decided_at",
    "note",
)


def seen_by(actor: Actor, found: Sequence[Transfer]) -> list[dict[str, Any]]:
    """The fields that this actor may read, with what was taken back; attempts in one query, for the operator."""
    names = _EVERYONES + (_OPERATORS if actor.sees_all else ())
    ids = [transfer.id for transfer in found]
    reversals = transfers.reversals_of(ids)
    attempts = transfers.attempts_of(ids) if actor.sees_all else None
    views = []
    for transfer in found:
        view = _fields(transfer, names)
        view["refused_because"] = transfer.trouble if transfer.state is TransferState.REFUSED else None
        view["reversals"] = [_reversal(row, actor) for row in reversals[transfer.id]]
        if attempts is not None:
            view["attempts"] = attempts[transfer.id]
        views.append(view)
    return views


def _reversal(row: TransferReversal, actor: Actor) -> dict[str, Any]:
    """Which of the operator's people asked for it is his matter."""
    cause = row.cause if actor.sees_all else row.cause.partition(":")[0]
    return _fields(row, _OF_REVERSAL) | {"cause": cause}


def of_payouts(found: Sequence[VendorPayout]) -> list[dict[str, Any]]:
    return [_fields(payout, _OF_PAYOUT) for payout in found]


def of_debts(found: Sequence[VendorDebt]) -> list[dict[str, Any]]:
    """Debts with what is left of each, read in one query."""
    owed = debts.owed_by(found)
    return [
        {name: getattr(debt, name) for name in _OF_DEBT} | {"owed": Money(owed[debt.id], debt.currency)}
        for debt in found
    ]


def of_adjustments(found: Sequence[Adjustment]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in _OF_ADJUSTMENT} | {"kind": AdjustmentKind(row.kind)} for row in found]


def _fields(row: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names} | {"amount": Money(row.amount_minor, row.currency)}
