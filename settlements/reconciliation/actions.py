"""A difference is booked by somebody who says why; what costs the marketplace or a vendor is approved by another."""

import uuid
from collections.abc import Mapping

from marketplace.kernel import clock, history, outbox
from marketplace.kernel.access import Actor, Permission, check
from marketplace.kernel.db import db
from settlements.ledger import books
from settlements.ledger.chart import CHART, AccountKind, Party
from settlements.ledger.postings import reconciliation as postings
from settlements.ledger.postings.reconciliation import Lacking
from settlements.reconciliation import queries
from settlements.reconciliation.kinds import Action, Booked, Kind
from settlements.reconciliation.models import BalanceDifference
from settlements.reconciliation.recording import SMALL_MINOR
from settlements.reconciliation.refusals import (
    ActionDoesNotFit,
    NotWaitedFor,
    ReasonNeeded,
    SecondPersonNeeded,
    StillDiffers,
)
from settlements.reconciliation.states import DifferenceState, DifferenceVerb
from settlements.transfers.events import PayableLowered

A = AccountKind
OWN_ACCOUNTS = (A.OPERATOR_LOSS, A.CHARGEBACK_LOSS, A.PSP_FEES, A.PSP_DISPUTE_FEES, A.BANK, A.ROUNDING)
FEES = (A.PSP_FEES, A.PSP_DISPUTE_FEES)
BY_ONE: dict[Action, AccountKind] = {
    Action.BOOK_FEES: A.PSP_FEES,
    Action.BOOK_BANK: A.BANK,
    Action.ROUND_OFF: A.ROUNDING,
}
BY_TWO = (Action.BOOK_VENDOR, Action.BOOK_OWN)
_FITS: dict[Action, tuple[Kind, ...]] = {
    Action.BOOK_FEES: (Kind.PROVIDER_FEE, Kind.FEE_DIFFERS),
    Action.BOOK_BANK: (Kind.OWN_PAYOUT, Kind.OWN_PAYOUT_RETURNED, Kind.TOP_UP),
    Action.ROUND_OFF: (Kind.BALANCE_DIFFERS, Kind.AMOUNT_DIFFERS),
    Action.BOOK_VENDOR: (Kind.UNKNOWN_TRANSFER, Kind.UNKNOWN_REVERSAL),
    Action.BOOK_OWN: tuple(kind for kind in Kind if kind is not Kind.BALANCE_DIFFERS),
}


def resolve(actor: Actor, difference_id: uuid.UUID, action: Action, reason: str) -> BalanceDifference:
    """Book what needs one person. Raises DifferenceUnknown, ReasonNeeded, ActionDoesNotFit, NotWaitedFor,
    SecondPersonNeeded, IllegalMove."""
    check(actor, Permission.RECONCILE)
    row = queries.difference(actor, difference_id, locked=True)
    _check(row, action, reason)
    if action in BY_TWO:
        raise SecondPersonNeeded("This posting is proposed first, and approved by another person.")
    if action is Action.ROUND_OFF and abs(row.difference_minor) > SMALL_MINOR:
        raise ActionDoesNotFit(f"No more than {SMALL_MINOR} is rounded off.", action=action.value, kind=row.kind)
    row.note, row.account = reason.strip(), BY_ONE[action].value
    _post(row, BY_ONE[action], None)
    _resolved(actor, row, action)
    return row


def propose(
    actor: Actor,
    difference_id: uuid.UUID,
    action: Action,
    reason: str,
    *,
    account: AccountKind | None = None,
    vendor_id: uuid.UUID | None = None,
) -> BalanceDifference:
    """Say what is to be booked; another person approves it. Raises DifferenceUnknown, ReasonNeeded, ActionDoesNotFit,
    NotWaitedFor, IllegalMove."""
    check(actor, Permission.RECONCILE)
    row = queries.difference(actor, difference_id, locked=True)
    _check(row, action, reason)
    if action not in BY_TWO or (action is Action.BOOK_OWN) != (account in OWN_ACCOUNTS):
        raise ActionDoesNotFit(action=action.value, kind=row.kind)
    if account in FEES and row.facts.get("fee_minor"):
        raise ActionDoesNotFit("This movement has a fee of its own beside it.", action=action.value, kind=row.kind)
    if action is Action.BOOK_VENDOR and vendor_id is None:
        raise ActionDoesNotFit("No vendor here has this account.", action=action.value, kind=row.kind)
    history.move(row, DifferenceVerb.PROPOSE, actor, note=reason.strip())
    row.action, row.note, row.proposed_by = action.value, reason.strip(), actor.person_id
    row.account = account.value if account else f"{A.VENDOR_PAYABLE.value}:{vendor_id}"
    db.session.flush()
    return row


def withdraw(actor: Actor, difference_id: uuid.UUID) -> BalanceDifference:
    """A proposal is not booked after all. Raises DifferenceUnknown, IllegalMove."""
    check(actor, Permission.RECONCILE)
    row = queries.difference(actor, difference_id, locked=True)
    history.move(row, DifferenceVerb.WITHDRAW, actor)
    row.action = row.account = row.note = row.proposed_by = None
    db.session.flush()
    return row


def approve(actor: Actor, difference_id: uuid.UUID) -> BalanceDifference:
    """Book what another person proposed. Raises DifferenceUnknown, SecondPersonNeeded, ActionDoesNotFit."""
    check(actor, Permission.RECONCILE)
    row = queries.difference(actor, difference_id, locked=True)
    if row.state is not DifferenceState.PROPOSED or row.account is None:
        raise ActionDoesNotFit("Nothing is proposed about this difference.", kind=row.kind)
    if actor.person_id is None or actor.person_id == row.proposed_by:
        raise SecondPersonNeeded
    name, _, vendor = row.account.partition(":")
    _post(row, AccountKind(name), uuid.UUID(vendor) if vendor else None)
    if vendor and row.difference_minor < 0:
        outbox.publish(PayableLowered(vendor_id=uuid.UUID(vendor), currency=row.currency))
    _resolved(actor, row, Action(row.action))
    return row


def looked_again(actor: Actor, difference_id: uuid.UUID, still: str | None) -> BalanceDifference:
    """What caused it was fetched and recorded; `still`: how it differs even so. Raises StillDiffers."""
    row = queries.difference(actor, difference_id, locked=True)
    if still is not None:
        raise StillDiffers(reason=still)
    if row.state is not DifferenceState.RESOLVED:
        row.note = "looked at again, and booked by it"
        _resolved(actor, row, Action.LOOK_AGAIN)
    return row


def _check(row: BalanceDifference, action: Action, reason: str) -> None:
    if not reason.strip():
        raise ReasonNeeded
    if action is Action.WAIT:
        raise NotWaitedFor
    if Kind(row.kind) not in _FITS.get(action, ()):
        raise ActionDoesNotFit(action=action.value, kind=row.kind)


def _post(row: BalanceDifference, account: AccountKind, vendor_id: uuid.UUID | None) -> None:
    assert (CHART[account].party is Party.OWN) == (vendor_id is None)
    if row.movement_id is None:
        number = len(history.lines_of(row.__tablename__, row.id))
        lacking = {row.currency: Lacking(row.difference_minor, 0)}
        source, corrects = f"reconciliation:{row.id}:{number}", None
    else:
        made = queries.corrections_of(row.movement_id)
        journal = queries.journal_of(row.movement_id)
        lacking = _lacking(row, queries.booked_of([row.movement_id], made + 1).get(row.movement_id, {}))
        source = f"psp:{row.movement_id}" if journal is None else f"psp:{row.movement_id}:{made + 1}"
        corrects = journal.id if journal else None
    lines = postings.settled(lacking, account, vendor_id)
    if lines:
        books.post(source, "reconciled", lines, occurred_at=row.at, corrects_id=corrects)


def _lacking(row: BalanceDifference, booked: Mapping[str, Booked]) -> dict[str, Lacking]:
    """What the movement's journal needs, to say what the provider says; all of it back where there is no movement."""
    lacking = {currency: Lacking(-sums.net_minor, -sums.fee_minor) for currency, sums in booked.items()}
    if row.kind != Kind.MISSING_AT_PROVIDER.value:
        own = lacking.get(row.currency, Lacking(0, 0))
        net, fee = int(row.facts["net_minor"]), int(row.facts["fee_minor"])
        # A movement without a fee may itself have been booked as one.
        lacking[row.currency] = Lacking(own.clearing_minor + net, own.fee_minor + fee if fee else 0)
    return lacking


def _resolved(actor: Actor, row: BalanceDifference, action: Action) -> None:
    row.action = action.value
    history.move(row, DifferenceVerb.RESOLVE, actor, note=row.note or "")
    row.resolved_by, row.resolved_at = actor.person_id, clock.now()
    db.session.flush()
