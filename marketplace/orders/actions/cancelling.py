"""What is cancelled before it ships is a state of the formula more: valued before and after, frozen as a step."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marketplace.catalogue import stock
from marketplace.kernel import clock, history, outbox
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import db
from marketplace.orders import queries
from marketplace.orders.actions.payments import open_units, pay_if_covered
from marketplace.orders.actions.steps import Cause, Reason, take_step
from marketplace.orders.events import VendorOrderShipped
from marketplace.orders.formula import facts_of, in_words, with_units
from marketplace.orders.models import Order, OrderLine, VendorOrder
from marketplace.orders.queries import WholeOrder
from marketplace.orders.refusals import LineNamedTwice, LineNotInOrder, NothingIsOpen, UnitsNotOpen
from marketplace.orders.states import VendorOrderState, VendorOrderVerb
from marketplace.pricing.charges import as_far_as_owed
from marketplace.pricing.policy import Fault

_FAULT = {
    Cause.CANCELLED_BY_BUYER: Fault.CANCELLED,
    Cause.CANCELLED_BY_VENDOR: Fault.VENDOR,
    Cause.PAYMENT_EXPIRED: Fault.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Units:
    """Some units of an order line."""

    line_id: uuid.UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class _Step:
    """One cancellation: what of an order, why, by whom."""

    actor: Actor
    cause: Cause
    reason: str
    units: Mapping[uuid.UUID, int]
    part_id: uuid.UUID | None = None


def cancel(actor: Actor, order_id: uuid.UUID, wanted: Sequence[Units] | None = None, reason: str = "") -> WholeOrder:
    """The buyer cancels units that have not shipped; `wanted` None: all of them.

    What was paid beyond what is then owed is refunded. Raises OrderUnknown, LineNotInOrder, LineNamedTwice,
    UnitsNotOpen, NothingIsOpen.
    """
    order = queries.order(actor, order_id, locked=True)
    parts = queries.parts_of(order.id, locked=True)
    lines = queries.lines_of(order.id)
    units = _units(lines, wanted)
    return _take(order, parts, lines, _Step(actor, Cause.CANCELLED_BY_BUYER, reason, units))


def cancel_part(
    actor: Actor, vendor_order_id: uuid.UUID, wanted: Sequence[Units] | None = None, reason: str = ""
) -> WholeOrder:
    """The vendor declines units of his part that have not shipped, by his own fault; `wanted` None: all of them.

    The parts of other vendors stay as they are. Raises VendorOrderUnknown and what `cancel` raises.
    """
    seen = queries.vendor_order(actor, vendor_order_id)
    order = queries.order(SYSTEM, seen.order_id, locked=True)
    parts = queries.parts_of(order.id, locked=True)
    lines = queries.lines_of(order.id)
    units = _units([line for line in lines if line.vendor_order_id == seen.id], wanted)
    return _take(order, parts, lines, _Step(actor, Cause.CANCELLED_BY_VENDOR, reason, units, seen.id))


def cancel_unpaid(order_id: uuid.UUID) -> bool:
    """The time to pay is over: cancel all of it. False where it was paid, or cancelled, in the meantime."""
    order = queries.order(SYSTEM, order_id, locked=True)
    if order.pay_until is None or order.pay_until > clock.now():
        return False
    parts = queries.parts_of(order.id, locked=True)
    lines = queries.lines_of(order.id)
    _take(order, parts, lines, _Step(SYSTEM, Cause.PAYMENT_EXPIRED, "", _units(lines, None)))
    return True


def _units(lines: Sequence[OrderLine], wanted: Sequence[Units] | None) -> dict[uuid.UUID, int]:
    """{line id: units} as wanted, each checked against what is open; None: everything that is open."""
    if wanted is None:
        units = {line.id: open_units(line) for line in lines if open_units(line)}
        if not units:
            raise NothingIsOpen
        return units
    by_id = {line.id: line for line in lines}
    units = {}
    for index, want in enumerate(wanted):
        line = by_id.get(want.line_id)
        if line is None:
            raise LineNotInOrder(pointer=f"/lines/{index}/line_id")
        if want.line_id in units:
            raise LineNamedTwice(pointer=f"/lines/{index}/line_id")
        if want.quantity > open_units(line):
            raise UnitsNotOpen(
                f"{want.quantity} wanted, {open_units(line)} open.",
                pointer=f"/lines/{index}/quantity",
                wanted=want.quantity,
                open=open_units(line),
            )
        units[want.line_id] = want.quantity
    return units


def _take(order: Order, parts: Sequence[VendorOrder], lines: Sequence[OrderLine], step: _Step) -> WholeOrder:
    """The order, its parts and its lines are locked: move the lines, the state of the formula, and what follows."""
    facts, policy, state = facts_of(order)
    _lower_lines(lines, step.units)
    shipped = _move_parts(parts, lines, step)
    stock.release(order.id, step.units, step.actor)
    reason = Reason(step.actor, step.cause, step.reason, step.part_id)
    with in_words():
        after = as_far_as_owed(facts, policy, with_units(state, step.units, _FAULT[step.cause]))
    taken = take_step(order, parts, after, reason)
    for part in shipped:
        outbox.publish(VendorOrderShipped(order_id=order.id, vendor_order_id=part.id))
    if all(part.state == VendorOrderState.CANCELLED for part in parts):
        order.pay_until = None
    pay_if_covered(step.actor, order, taken.net_paid_minor)
    db.session.flush()
    return WholeOrder(order, parts, lines, queries.deliveries_of(order.id), taken.net_paid_minor)


def _lower_lines(lines: Sequence[OrderLine], units: Mapping[uuid.UUID, int]) -> None:
    for line in lines:
        if line.id in units:
            line.cancelled_quantity += units[line.id]
            line.short_quantity = min(line.short_quantity, open_units(line))


def _move_parts(parts: Sequence[VendorOrder], lines: Sequence[OrderLine], step: _Step) -> list[VendorOrder]:
    """Cancel the parts of which nothing is left, end those of which the rest has shipped; returns the latter."""
    verb = VendorOrderVerb.DECLINE if step.cause is Cause.CANCELLED_BY_VENDOR else VendorOrderVerb.CANCEL
    shipped = []
    for part in parts:
        own = [line for line in lines if line.vendor_order_id == part.id]
        if not any(line.id in step.units for line in own) or any(open_units(line) for line in own):
            continue
        if any(line.shipped_quantity for line in own):
            history.move(part, VendorOrderVerb.CLOSE_SHORT, step.actor, note=step.reason)
            part.shipped_at = clock.now()
            shipped.append(part)
        else:
            history.move(part, verb, step.actor, note=step.reason)
    return shipped
