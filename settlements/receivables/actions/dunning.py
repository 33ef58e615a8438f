"""Who does not pay in time is reminded once at each level, owes interest and a flat sum, and buys nothing more on
account until he has paid."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask import current_app
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from marketplace.credit import actions as credit
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Actor, Permission
from marketplace.kernel.db import db, new_id
from marketplace.kernel.money import Money
from marketplace.notifications.actions import notify
from marketplace.orders import queries as order_queries
from settlements.ledger import books
from settlements.ledger.postings import terms as postings
from settlements.receivables import queries
from settlements.receivables.actions.entries import claim_of, enter
from settlements.receivables.arithmetic import interest
from settlements.receivables.models import DunningNotice, LateInterestRate, Receivable
from settlements.receivables.rates import FLAT_MINOR, rates_with
from settlements.receivables.references import key_of
from settlements.receivables.refusals import RateBackDated, RateExists
from settlements.receivables.states import STILL_OPEN


@dataclass(frozen=True, slots=True)
class Ladder:
    """`days`: so many days after the due day each level is reached; fees are claimed from `fee_level` on, and from
    `freeze_level` on nothing new is sold on account."""

    days: Sequence[int]
    fee_level: int
    freeze_level: int

    def level(self, days_overdue: int) -> int:
        return sum(days_overdue >= days for days in self.days)


def ladder() -> Ladder:
    """As the settings say."""
    settings = current_app.extensions["kontor_settings"]
    days = sorted(int(text) for text in settings.dunning_days.split(","))
    return Ladder(days, settings.dunning_fee_level, settings.dunning_freeze_level)


def remind(receivable_id: uuid.UUID, day: date) -> DunningNotice | None:
    """Bring one invoice to the level that its days have reached; levels passed in the meantime are skipped.

    None where it is there already, was paid or is disputed: a second run, or two at once, remind nobody twice.
    """
    seen = queries.receivable(SYSTEM, receivable_id)
    order_queries.order(SYSTEM, seen.order_id, locked=True)
    item = queries.receivable(SYSTEM, receivable_id, locked=True)
    steps, overdue = ladder(), (day - item.due_on).days
    level = steps.level(overdue)
    if item.state not in STILL_OPEN or item.open_minor <= 0 or item.paused_reason or level <= item.level:
        return None
    notice_id = _noted(item, level, overdue, day, steps)
    if notice_id is None:
        return None
    item.level = level
    notice = db.session.get(DunningNotice, notice_id)
    assert notice is not None
    if notice.fee_minor:
        _claim(item, notice.fee_minor, level, day)
    freeze_again(item)
    _write(item, notice, frozen=level >= steps.freeze_level)
    db.session.flush()
    return notice


def freeze_again(item: Receivable) -> None:
    """Nothing new is sold on account to who was reminded often enough of an invoice, and has not paid it after all."""
    overdue = item.open_minor > 0 and item.due_on < queries.today() and not item.paused_reason
    if item.kind != "late_fee" and overdue and item.level >= ladder().freeze_level:
        reason = f"{item.number} was due on {item.due_on.isoformat()} and is not paid."
        credit.freeze_overdue(item.company_id, item.currency, reason)


def _noted(item: Receivable, level: int, overdue: int, day: date, steps: Ladder) -> uuid.UUID | None:
    fee = late_fee(item, day) if level >= steps.fee_level else 0
    statement = insert(DunningNotice).values(
        id=new_id(),
        receivable_id=item.id,
        company_id=item.company_id,
        level=level,
        open_minor=item.open_minor,
        days_overdue=overdue,
        fee_minor=fee,
        at=clock.now(),
    )
    statement = statement.on_conflict_do_nothing(index_elements=["receivable_id", "level"])
    return db.session.scalar(statement.returning(DunningNotice.id))


def late_fee(item: Receivable, day: date) -> int:
    """What is owed for paying so late beyond what was claimed: interest up to this day, and the flat sum once."""
    sums = queries.open_sums(item.id)
    accrued = interest(sums, rates_with(queries.late_rates()), item.due_on, day)
    return max(0, accrued + FLAT_MINOR.get(item.currency, 0) - queries.claimed_late(item.id))


def _claim(item: Receivable, amount_minor: int, level: int, day: date) -> Receivable:
    """An item of its own, so that the invoice stays what it was."""
    number = f"{item.number}/L{level}"
    late = Receivable(
        id=new_id(),
        kind="late_fee",
        late_of=item.id,
        company_id=item.company_id,
        company_name=item.company_name,
        order_id=item.order_id,
        order_number=item.order_number,
        order_key="",  # who names his order pays his invoices
        issuer_name=current_app.extensions["kontor_settings"].operator_name,
        number=number,
        number_key=key_of(number),
        currency=item.currency,
        amount_minor=amount_minor,
        open_minor=0,
        issued_on=day,
        due_on=day,
    )
    db.session.add(late)
    db.session.flush()
    source = f"late:{item.id}:{level}"
    books.post(source, "paid_late", postings.paid_late(claim_of(late), amount_minor))
    enter(late, "issued", amount_minor, source, on=day)
    return late


def _write(item: Receivable, notice: DunningNotice, *, frozen: bool) -> None:
    facts: Mapping[str, Any] = {
        "number": item.number,
        "order": item.order_number,
        "issuer": item.issuer_name,
        "open": Money(notice.open_minor, item.currency).format(),
        "due_on": item.due_on.isoformat(),
        "days": notice.days_overdue,
        "level": notice.level,
        "fee": Money(notice.fee_minor, item.currency).format() if notice.fee_minor else "",
        "frozen": frozen,
    }
    source = f"receivable:{item.id}:reminder:{notice.level}"
    notify(item.company_id, "payment_reminder", source, facts, to=Permission.ORDER_PAY)


def pause(actor: Actor, receivable_id: uuid.UUID, reason: str) -> Receivable:
    """Disputed: nobody is reminded of it until an empty reason ends that. Raises ReceivableUnknown."""
    item = queries.receivable(actor, receivable_id, locked=True)
    item.paused_reason = reason
    db.session.flush()
    return item


def add_rate(actor: Actor, valid_from: date, rate: Decimal) -> LateInterestRate:
    """The yearly rate from a day on. Raises RateBackDated, RateExists."""
    if valid_from < queries.today():
        raise RateBackDated(pointer="/valid_from")
    row = LateInterestRate(valid_from=valid_from, rate=rate, created_by=actor.person_id, created_at=clock.now())
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as failure:
        raise RateExists(pointer="/valid_from") from failure
    return row
