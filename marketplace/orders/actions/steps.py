"""An order moves from one state of the formula to the next under its lock: valued twice, frozen, announced."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from marketplace.credit import actions as credit
from marketplace.kernel import clock, outbox
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db, new_id
from marketplace.orders import queries
from marketplace.orders.actions.payments import record_refund
from marketplace.orders.events import OrderStepTaken
from marketplace.orders.formula import facts_of, valued
from marketplace.orders.models import Order, OrderLine, OrderStep, VendorOrder
from marketplace.orders.refusals import UnitsNotReturnable
from marketplace.pricing.answers import valuation_to_json
from marketplace.pricing.facts import State, Valuation
from marketplace.pricing.valuation import decide
from marketplace.pricing.wire import state_to_json


class Cause(StrEnum):
    """Why an order moved to another state of the formula."""

    PLACED = "placed"
    CANCELLED_BY_BUYER = "cancelled_by_buyer"
    CANCELLED_BY_VENDOR = "cancelled_by_vendor"
    PAYMENT_EXPIRED = "payment_expired"
    RETURNED = "returned"
    REJUDGED = "rejudged"
    CHARGED = "charged"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why and by whom a step is taken. `part_id`: the part that was cancelled; `source`: see OrderStep."""

    actor: Actor
    cause: Cause
    text: str = ""
    part_id: uuid.UUID | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class TakenStep:
    """A step with both valuations. `paid_minor`: net paid before its refund was decided, `net_paid_minor`: after."""

    step: OrderStep
    before: Valuation
    after: Valuation
    paid_minor: int
    net_paid_minor: int


def take_step(order: Order, parts: Sequence[VendorOrder], state_after: State, reason: Reason) -> TakenStep:
    """Move the order to `state_after`; the order and its parts are locked.

    What was paid beyond what is then owed is refunded by whoever hears of the step. Raises OrderCannotBeValued.
    """
    facts, policy, state = facts_of(order)
    before, after = valued(facts, policy, state), valued(facts, policy, state_after)
    paid = queries.net_paid(order.id)
    refund = decide(before, after, paid).refund_minor

    order.formula_state = state_to_json(state_after)
    order.owed_minor = after.buyer_owes_minor
    _revalue(parts, after)
    if order.payment_terms is not None:
        credit.follow(order.id, order.owed_minor - paid)
    row = _frozen(order, reason, after, refund)
    outbox.publish(OrderStepTaken(order_id=order.id, step_id=row.id, number=row.number))
    return TakenStep(row, before, after, paid, _refunded(order, row, paid))


def claim_returns(lines: Sequence[OrderLine], units: Mapping[uuid.UUID, int]) -> None:
    """Count units of some lines as coming back, or (below zero) as not coming back after all; the order is locked.

    Each unit comes back once: raises UnitsNotReturnable (pointer `/lines/<i>/quantity`, i counted in `units`) for what
    has not shipped, or is claimed already.
    """
    by_id = {line.id: line for line in lines}
    for index, (line_id, quantity) in enumerate(units.items()):
        line = by_id[line_id]
        if quantity > returnable_units(line):
            raise UnitsNotReturnable(
                f"{quantity} wanted, {returnable_units(line)} can still come back.",
                pointer=f"/lines/{index}/quantity",
                wanted=quantity,
                returnable=returnable_units(line),
            )
    for line_id, quantity in units.items():
        by_id[line_id].returned_quantity += quantity
    db.session.flush()


def returnable_units(line: OrderLine) -> int:
    """Units that have shipped and that no return case claims."""
    return line.shipped_quantity - line.returned_quantity


def _revalue(parts: Collection[VendorOrder], after: Valuation) -> None:
    """A step of a discount that was lost moves other vendors as well, so each part is written again."""
    commission = dict.fromkeys(after.vendors_minor, 0)
    for line in after.lines:
        commission[line.vendor] += line.commission_minor
    for part in parts:
        part.payable_minor = after.vendors_minor[str(part.vendor_id)]
        part.commission_minor = commission[str(part.vendor_id)]


def _frozen(order: Order, reason: Reason, after: Valuation, refund: int) -> OrderStep:
    row = OrderStep(
        id=new_id(),
        order_id=order.id,
        company_id=order.company_id,
        number=queries.last_step(order.id).number + 1,
        cause=reason.cause.value,
        source=reason.source,
        vendor_order_id=reason.part_id,
        person_id=reason.actor.person_id,
        reason=reason.text,
        formula_state=order.formula_state,
        valuation=valuation_to_json(after),
        refund_minor=refund,
        at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    return row


def _refunded(order: Order, row: OrderStep, paid: int) -> int:
    """Net paid after the step's refund was decided: whoever heard of the step has recorded it, else it is done here."""
    if row.refund_minor == 0:
        return paid
    now_paid = queries.net_paid(order.id)
    if now_paid == paid:
        record_refund(order.id, row.refund_minor, f"step:{row.id}")
        now_paid = paid - row.refund_minor
    return now_paid
