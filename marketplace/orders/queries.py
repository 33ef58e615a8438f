"""Orders and their parts, as each party may see them: every SELECT of this room."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, not_

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Actor, given, prepared, visible
from marketplace.kernel.db import db
from marketplace.kernel.history import HistoryLine
from marketplace.orders.models import Order, OrderDelivery, OrderLine, OrderMoney, OrderStep, VendorOrder
from marketplace.orders.refusals import OrderUnknown, VendorOrderUnknown
from marketplace.orders.states import ENDED, STARTED, OrderState, VendorOrderState, order_state


@dataclass(frozen=True, slots=True)
class WholeOrder:
    """An order with all that belongs to it, each in its frozen order."""

    order: Order
    parts: Sequence[VendorOrder]
    lines: Sequence[OrderLine]
    deliveries: Sequence[OrderDelivery]
    net_paid_minor: int = 0

    @property
    def state(self) -> OrderState:
        return order_state([part.state for part in self.parts], on_terms=self.order.payment_terms is not None)

    def lines_of(self, part: VendorOrder) -> list[OrderLine]:
        return [line for line in self.lines if line.vendor_order_id == part.id]


@dataclass(frozen=True, slots=True)
class VendorPart:
    """What a vendor may know of an order: his part, his lines, his deliveries, whom it is for."""

    part: VendorOrder
    company_name: str
    reference: str
    delivery_address: dict[str, str]
    placed_at: datetime
    lines: Sequence[OrderLine]
    deliveries: Sequence[OrderDelivery] = field(default=())


def order(actor: Actor, order_id: uuid.UUID, *, locked: bool = False) -> Order:
    """One order. Raises OrderUnknown."""
    row = db.session.scalars(_order(actor, locked), given(actor, order_id=order_id)).one_or_none()
    if row is None:
        raise OrderUnknown
    return row


@prepared
def _order(viewer: Actor, locked: bool) -> Select[Any]:
    statement = visible(viewer, Order).where(Order.id == bindparam("order_id"))
    return _locked(statement) if locked else statement


def _locked(statement: Select[Any]) -> Select[Any]:
    # A key that nobody changes may be pointed at meanwhile: who records a refund of the order does not wait for it.
    return statement.with_for_update(key_share=True).execution_options(populate_existing=True)


def vendor_order(actor: Actor, vendor_order_id: uuid.UUID, *, locked: bool = False) -> VendorOrder:
    """One vendor order. Raises VendorOrderUnknown. Who needs the order's lock as well takes that first."""
    statement = _vendor_order(actor, locked)
    row = db.session.scalars(statement, given(actor, vendor_order_id=vendor_order_id)).one_or_none()
    if row is None:
        raise VendorOrderUnknown
    return row


def parts_of(order_id: uuid.UUID, *, locked: bool = False) -> list[VendorOrder]:
    return list(db.session.scalars(_parts(SYSTEM, locked), {"order_id": order_id}))


@prepared
def _vendor_order(viewer: Actor, locked: bool) -> Select[Any]:
    statement = visible(viewer, VendorOrder).where(VendorOrder.id == bindparam("vendor_order_id"))
    return _locked(statement) if locked else statement


@prepared
def _parts(viewer: Actor, locked: bool) -> Select[Any]:
    statement = visible(viewer, VendorOrder).where(VendorOrder.order_id == bindparam("order_id"))
    statement = statement.order_by(VendorOrder.position)
    return _locked(statement) if locked else statement


def lines_of(order_id: uuid.UUID, vendor_order_id: uuid.UUID | None = None) -> list[OrderLine]:
    """The lines of an order, or of one vendor's part, as they are now. The caller has checked who may see them."""
    values = {"order_id": order_id, "vendor_order_id": vendor_order_id}
    return list(db.session.scalars(_lines(SYSTEM, vendor_order_id is not None), values))


@prepared
def _lines(viewer: Actor, of_part: bool) -> Select[Any]:
    statement = visible(viewer, OrderLine).where(OrderLine.order_id == bindparam("order_id"))
    if of_part:
        statement = statement.where(OrderLine.vendor_order_id == bindparam("vendor_order_id"))
    return statement.order_by(OrderLine.position).execution_options(populate_existing=True)


def deliveries_of(order_id: uuid.UUID) -> list[OrderDelivery]:
    statement = visible(SYSTEM, OrderDelivery).where(OrderDelivery.order_id == order_id)
    return list(db.session.scalars(statement.order_by(OrderDelivery.position)))


def steps_of(order_id: uuid.UUID) -> list[OrderStep]:
    """The states of the order in the formula, placing first."""
    statement = visible(SYSTEM, OrderStep).where(OrderStep.order_id == order_id)
    return list(db.session.scalars(statement.order_by(OrderStep.number)))


def last_step(order_id: uuid.UUID) -> OrderStep:
    return db.session.scalars(_last_step(SYSTEM), {"order_id": order_id}).one()


@prepared
def _last_step(viewer: Actor) -> Select[Any]:
    statement = visible(viewer, OrderStep).where(OrderStep.order_id == bindparam("order_id"))
    return statement.order_by(OrderStep.number.desc()).limit(1)


def step(step_id: uuid.UUID) -> OrderStep:
    """One step, for those upstairs who heard of it."""
    return db.session.scalars(visible(SYSTEM, OrderStep).where(OrderStep.id == step_id)).one()


def moves_of(rows: Iterable[VendorOrder]) -> list[HistoryLine]:
    """The moves of some vendor orders, oldest first."""
    statement = visible(SYSTEM, HistoryLine).where(
        HistoryLine.table_name == VendorOrder.__tablename__, HistoryLine.row_id.in_([row.id for row in rows])
    )
    return list(db.session.scalars(statement.order_by(HistoryLine.id)))


def money_of(order_id: uuid.UUID) -> list[OrderMoney]:
    """What was paid for an order and given back, oldest first. The caller has checked who may see it."""
    statement = visible(SYSTEM, OrderMoney).where(OrderMoney.order_id == order_id)
    return list(db.session.scalars(statement.order_by(OrderMoney.at, OrderMoney.id)))


def net_paid(order_id: uuid.UUID) -> int:
    """What was paid for an order less what was refunded, in minor units of its currency."""
    return net_paid_of([order_id])[order_id]


def net_paid_of(order_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    rows = db.session.execute(_net_paid(SYSTEM), {"order_ids": list(order_ids)})
    sums = {row[0]: int(row[1]) for row in rows}
    return {order_id: sums.get(order_id, 0) for order_id in order_ids}


@prepared
def _net_paid(viewer: Actor) -> Select[Any]:
    return (
        visible(viewer, OrderMoney)
        .with_only_columns(OrderMoney.order_id, func.sum(OrderMoney.amount_minor))
        .where(OrderMoney.order_id.in_(bindparam("order_ids", expanding=True)))
        .group_by(OrderMoney.order_id)
    )


def whole(actor: Actor, order_id: uuid.UUID) -> WholeOrder:
    """One order with all that belongs to it. Raises OrderUnknown."""
    found = order(actor, order_id)
    return WholeOrder(found, parts_of(found.id), lines_of(found.id), deliveries_of(found.id), net_paid(found.id))


def orders(actor: Actor, *, state: OrderState | None = None) -> Select[tuple[Order]]:
    """The orders that the actor may see; newest first by id."""
    statement = visible(actor, Order)
    return statement if state is None else statement.where(in_state(state))


def in_state(state: OrderState) -> ColumnElement[bool]:
    """The condition under which order_state() of an order's parts is `state`."""

    def any_part(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(VendorOrder.order_id == Order.id, *conditions)

    living = VendorOrder.state != VendorOrderState.CANCELLED
    ended = VendorOrder.state.in_(ENDED)
    underway = any_part(living, not_(ended))
    begun = any_part(VendorOrder.state.in_(STARTED | ENDED))
    unpaid = not_(any_part(living, VendorOrder.state != VendorOrderState.PLACED))
    cancelled = any_part(VendorOrder.state == VendorOrderState.CANCELLED)
    may_begin = and_(underway, not_(begun), not_(unpaid))
    conditions = {
        OrderState.CANCELLED: not_(any_part(living)),
        OrderState.COMPLETED: and_(any_part(living), not_(underway), not_(cancelled)),
        OrderState.PARTLY_CANCELLED: and_(any_part(living), not_(underway), cancelled),
        OrderState.AWAITING_PAYMENT: and_(any_part(living), unpaid),
        OrderState.IN_FULFILMENT: and_(underway, begun),
        OrderState.ON_TERMS: and_(may_begin, Order.payment_terms.is_not(None)),
        OrderState.PAID: and_(may_begin, Order.payment_terms.is_(None)),
    }
    return conditions[state]


def with_parts(found: Sequence[Order]) -> list[WholeOrder]:
    """A page of orders with their parts and payments, without lines, in three queries however many they are."""
    ids = [row.id for row in found]
    parts: dict[uuid.UUID, list[VendorOrder]] = defaultdict(list)
    statement = visible(SYSTEM, VendorOrder).where(VendorOrder.order_id.in_(ids)).order_by(VendorOrder.position)
    for part in db.session.scalars(statement):
        parts[part.order_id].append(part)
    paid = net_paid_of(ids)
    return [WholeOrder(row, parts[row.id], (), (), paid[row.id]) for row in found]


def vendor_orders(
    actor: Actor, *, state: VendorOrderState | None = None, late: bool | None = None
) -> Select[tuple[VendorOrder]]:
    """The vendor orders that the actor may see. `late`: those whose vendor should have confirmed before now."""
    statement = visible(actor, VendorOrder)
    if state is not None:
        statement = statement.where(VendorOrder.state == state)
    if late is not None:
        condition = and_(VendorOrder.state == VendorOrderState.TO_CONFIRM, VendorOrder.confirm_by < clock.now())
        statement = statement.where(condition if late else not_(condition))
    return statement


def vendor_parts(found: Sequence[VendorOrder]) -> list[VendorPart]:
    """What their vendors may know of some vendor orders, in three queries however many they are."""
    orders_found = {row.id: row for row in _orders_of(found)}
    lines: dict[uuid.UUID, list[OrderLine]] = defaultdict(list)
    statement = visible(SYSTEM, OrderLine).where(OrderLine.vendor_order_id.in_([part.id for part in found]))
    for line in db.session.scalars(statement.order_by(OrderLine.position)):
        lines[line.vendor_order_id].append(line)
    deliveries: dict[tuple[uuid.UUID, uuid.UUID | None], list[OrderDelivery]] = defaultdict(list)
    statement_d = visible(SYSTEM, OrderDelivery).where(OrderDelivery.order_id.in_(list(orders_found)))
    for delivery in db.session.scalars(statement_d.order_by(OrderDelivery.position)):
        deliveries[delivery.order_id, delivery.vendor_id].append(delivery)
    return [
        VendorPart(
            part=part,
            company_name=orders_found[part.order_id].company_name,
            reference=orders_found[part.order_id].reference,
            delivery_address=orders_found[part.order_id].delivery_address,
            placed_at=orders_found[part.order_id].placed_at,
            lines=lines[part.id],
            deliveries=deliveries[part.order_id, part.vendor_id],
        )
        for part in found
    ]


def _orders_of(found: Sequence[VendorOrder]) -> Iterable[Order]:
    return db.session.scalars(visible(SYSTEM, Order).where(Order.id.in_({part.order_id for part in found})))


def unpaid_orders(before: datetime, limit: int) -> list[uuid.UUID]:
    """Orders whose time to pay was over `before`, the oldest first."""
    statement = visible(SYSTEM, Order).with_only_columns(Order.id).where(Order.pay_until <= before)
    return list(db.session.scalars(statement.order_by(Order.pay_until).limit(limit)))
