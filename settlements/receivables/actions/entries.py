"""An open item changes by an entry, and its state follows what is open."""

from datetime import date

from marketplace.kernel import clock, history, outbox
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import db, new_id
from settlements.ledger.postings.terms import Claim
from settlements.receivables import queries
from settlements.receivables.events import ReceivableReopened, ReceivableSettled
from settlements.receivables.models import Receivable, ReceivableEntry
from settlements.receivables.states import STILL_OPEN, ReceivableState, ReceivableVerb


def enter(
    item: Receivable, kind: str, amount_minor: int, source: str, *, actor: Actor = SYSTEM, on: date | None = None
) -> None:
    """The locked item rises by so much (below zero: falls); nothing is written where nothing changes."""
    if not amount_minor:
        return
    db.session.add(
        ReceivableEntry(
            id=new_id(),
            receivable_id=item.id,
            company_id=item.company_id,
            kind=kind,
            amount_minor=amount_minor,
            source=source,
            day=on or queries.today(),
            at=clock.now(),
        )
    )
    item.open_minor += amount_minor
    follow(item, actor)


def follow(item: Receivable, actor: Actor = SYSTEM, *, given_up: bool = False) -> None:
    """Move the locked item to where what is open of it says; tells when it is settled, and when no more."""
    was_open = item.state in STILL_OPEN
    history.move(item, ReceivableVerb.WRITE_OFF if given_up else _verb(item), actor)
    is_open = item.state in STILL_OPEN
    if was_open and not is_open:
        item.settled_at = clock.now()
    elif is_open and not was_open:
        item.settled_at = None
    _tell(item, was_open, is_open)
    db.session.flush()


def _verb(item: Receivable) -> ReceivableVerb:
    written_off = item.state is ReceivableState.WRITTEN_OFF
    if item.open_minor <= 0:
        return ReceivableVerb.WRITE_OFF if written_off else ReceivableVerb.SETTLE
    if item.open_minor < item.amount_minor or written_off:
        return ReceivableVerb.SETTLE_PART
    return ReceivableVerb.UNSETTLE


def _tell(item: Receivable, was_open: bool, is_open: bool) -> None:
    if item.invoice_id is None or was_open == is_open:
        return
    facts = (item.id, item.invoice_id, item.order_id, item.vendor_order_id)
    given_up = item.state is ReceivableState.WRITTEN_OFF
    outbox.publish(ReceivableReopened(*facts) if is_open else ReceivableSettled(*facts, given_up, item.kind))


def claim_of(item: Receivable) -> Claim:
    """What the books call it: what is owed for paying late is of no order's money."""
    if item.kind == "late_fee":
        return Claim(item.company_id, item.currency)
    return Claim(item.company_id, item.currency, item.order_id, item.vendor_order_id)
