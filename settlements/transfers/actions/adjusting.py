"""What an operator books by hand has a reason, and is booked when another operator approves it."""

import uuid

from marketplace.companies import queries as companies
from marketplace.kernel import clock, history, outbox
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db, new_id
from settlements.ledger import books
from settlements.ledger.postings import transfers as postings
from settlements.transfers.actions import owing
from settlements.transfers.events import PayableLowered
from settlements.transfers.models import Adjustment, VendorDebt
from settlements.transfers.queries import debts
from settlements.transfers.refusals import (
    NotAVendor,
    NothingOwed,
    PersonNeeded,
    SecondPersonNeeded,
    WriteOffUnderWay,
)
from settlements.transfers.states import OPEN_DEBTS, AdjustmentKind, AdjustmentVerb, DebtVerb

ADJUSTED, WRITTEN_OFF = "adjustment", "debt_written_off"


def propose(actor: Actor, vendor_id: uuid.UUID, amount_minor: int, currency: str, reason: str) -> Adjustment:
    """Propose to give a vendor an amount, or below zero to take it. Raises NotAVendor, PersonNeeded."""
    company = companies.companies_by_id([vendor_id]).get(vendor_id)
    if company is None or not (company.may_sell or debts.has_accounts(vendor_id)):
        raise NotAVendor(pointer="/vendor_id")
    return _proposed(actor, AdjustmentKind.ADJUSTMENT, vendor_id, amount_minor, currency, reason)


def propose_write_off(actor: Actor, debt_id: uuid.UUID, reason: str) -> Adjustment:
    """Propose to give a debt up. Raises DebtUnknown, NothingOwed, WriteOffUnderWay, PersonNeeded."""
    seen = debts.debt(actor, debt_id)
    owing.hold(seen.vendor_id, seen.currency)
    debt = debts.debt(actor, debt_id, locked=True)
    owed_minor = debts.accounts(debt.vendor_id, debt.currency).owed_minor
    if debt.state not in OPEN_DEBTS or not owed_minor:
        raise NothingOwed
    known = debts.waiting_write_off(debt.id)
    if known is not None:
        raise WriteOffUnderWay(adjustment_id=known.id)
    return _proposed(actor, AdjustmentKind.WRITE_OFF, debt.vendor_id, owed_minor, debt.currency, reason, debt.id)


def _proposed(
    actor: Actor,
    kind: AdjustmentKind,
    vendor_id: uuid.UUID,
    amount_minor: int,
    currency: str,
    reason: str,
    debt_id: uuid.UUID | None = None,
) -> Adjustment:
    if actor.person_id is None:
        raise PersonNeeded
    adjustment = Adjustment(
        id=new_id(),
        kind=kind.value,
        vendor_id=vendor_id,
        amount_minor=amount_minor,
        currency=currency,
        reason=reason,
        debt_id=debt_id,
        proposed_by=actor.person_id,
    )
    db.session.add(adjustment)
    db.session.flush()
    return adjustment


def approve(actor: Actor, adjustment_id: uuid.UUID) -> Adjustment:
    """Book what another person proposed. Raises AdjustmentUnknown, SecondPersonNeeded, IllegalMove, NothingOwed."""
    seen = debts.adjustment(actor, adjustment_id)
    owing.hold(seen.vendor_id, seen.currency)
    adjustment = debts.adjustment(actor, adjustment_id, locked=True)
    if actor.person_id is None:
        raise PersonNeeded
    if actor.person_id == adjustment.proposed_by:
        raise SecondPersonNeeded
    _decide(actor, adjustment, AdjustmentVerb.APPROVE, "")
    if adjustment.debt_id is None:
        lines = postings.adjusted(adjustment.vendor_id, adjustment.amount_minor, adjustment.currency)
        books.post(f"adjustment:{adjustment.id}", ADJUSTED, lines)
    else:
        _write_off(actor, adjustment, debts.debt(actor, adjustment.debt_id, locked=True))
    if adjustment.amount_minor < 0:
        outbox.publish(PayableLowered(vendor_id=adjustment.vendor_id, currency=adjustment.currency))
    return adjustment


def decline(actor: Actor, adjustment_id: uuid.UUID, note: str = "") -> Adjustment:
    """Book nothing of it; who proposed it may take it back so. Raises AdjustmentUnknown, IllegalMove, PersonNeeded."""
    adjustment = debts.adjustment(actor, adjustment_id, locked=True)
    if actor.person_id is None:
        raise PersonNeeded
    _decide(actor, adjustment, AdjustmentVerb.DECLINE, note)
    return adjustment


def _decide(actor: Actor, adjustment: Adjustment, verb: AdjustmentVerb, note: str) -> None:
    history.move(adjustment, verb, actor, note=note)
    adjustment.decided_by, adjustment.decided_at, adjustment.note = actor.person_id, clock.now(), note


def _write_off(actor: Actor, adjustment: Adjustment, debt: VendorDebt) -> None:
    """Rows 5d and 5e, of what is still owed: a debt that was paid meanwhile is not given up."""
    owed = owing.settle(debt.vendor_id, debt.currency)
    amount = min(owed, adjustment.amount_minor)
    if not amount or debt.state not in OPEN_DEBTS:
        raise NothingOwed
    adjustment.amount_minor = amount
    claimed = debts.accounts(debt.vendor_id, debt.currency).claimed_minor
    owing.claim(debt, at_most=max(0, amount - claimed))
    lines = postings.debt_written_off(debt.vendor_id, amount, debt.currency)
    books.post(f"adjustment:{adjustment.id}", WRITTEN_OFF, lines)
    if amount == owed:
        history.move(debt, DebtVerb.WRITE_OFF, actor, note=adjustment.reason)
        debt.closed_at = clock.now()
