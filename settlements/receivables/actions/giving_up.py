"""A claim is given up by two people: one proposes, another decides; the loss is the marketplace's."""

import uuid

from marketplace.credit import actions as credit
from marketplace.kernel import clock, history
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import db, new_id
from marketplace.orders import queries as order_queries
from settlements.ledger import books
from settlements.ledger.postings import terms as postings
from settlements.receivables import queries
from settlements.receivables.actions.entries import claim_of, follow
from settlements.receivables.models import Receivable, ReceivableEntry, WriteOff
from settlements.receivables.refusals import NeedsSecondPerson, NothingIsOwed, SumHasChanged, WriteOffUnderWay
from settlements.receivables.states import WriteOffState, WriteOffVerb


def propose(actor: Actor, receivable_id: uuid.UUID, reason: str) -> WriteOff:
    """Propose to give up what is open of an item. Raises ReceivableUnknown, NothingIsOwed, WriteOffUnderWay."""
    item = queries.receivable(actor, receivable_id, locked=True)
    if item.open_minor <= 0:
        raise NothingIsOwed
    waiting = queries.write_offs(SYSTEM, WriteOffState.REQUESTED).where(WriteOff.receivable_id == item.id)
    if db.session.scalars(waiting).first() is not None:
        raise WriteOffUnderWay
    assert actor.person_id is not None
    row = WriteOff(
        id=new_id(),
        receivable_id=item.id,
        amount_minor=item.open_minor,
        reason=reason,
        requested_by=actor.person_id,
        requested_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    return row


def decide(actor: Actor, write_off_id: uuid.UUID, *, approved: bool) -> WriteOff:
    """Another person decides. Raises WriteOffUnknown, NeedsSecondPerson, SumHasChanged, IllegalMove."""
    seen = queries.write_off(actor, write_off_id)
    item = queries.receivable(actor, seen.receivable_id)
    order_queries.order(SYSTEM, item.order_id, locked=True)
    item = queries.receivable(actor, seen.receivable_id, locked=True)
    row = queries.write_off(actor, write_off_id, locked=True)
    if row.requested_by == actor.person_id:
        raise NeedsSecondPerson
    if approved and item.open_minor != row.amount_minor:
        raise SumHasChanged(proposed_minor=row.amount_minor, open_minor=item.open_minor)
    history.move(row, WriteOffVerb.APPROVE if approved else WriteOffVerb.DECLINE, actor)
    row.decided_by, row.decided_at = actor.person_id, clock.now()
    if approved:
        _give_up(actor, item, row)
    db.session.flush()
    return row


def _give_up(actor: Actor, item: Receivable, row: WriteOff) -> None:
    source, claim = f"write_off:{row.id}", claim_of(item)
    books.post(source, "written_off", postings.written_off(claim, row.amount_minor), order_id=claim.order_id)
    db.session.add(
        ReceivableEntry(
            id=new_id(),
            receivable_id=item.id,
            company_id=item.company_id,
            kind="written_off",
            amount_minor=-row.amount_minor,
            source=source,
            day=queries.today(),
            at=clock.now(),
        )
    )
    item.open_minor -= row.amount_minor
    follow(item, actor, given_up=True)
    if item.kind == "invoice":
        order = order_queries.order(SYSTEM, item.order_id)
        open_minor = order.owed_minor - order_queries.net_paid(order.id)
        credit.give_up(order.id, row.amount_minor, open_minor)
