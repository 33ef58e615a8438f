"""In which stage money is: every SELECT of this room.

What is read here decides about money, so rows that the session holds already are read again.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, exists, false, func, or_, text

from marketplace.kernel.access import SYSTEM, Actor, prepared, visible
from marketplace.kernel.db import db
from marketplace.orders import queries as orders
from marketplace.orders.models import Order, OrderDelivery, OrderLine, VendorOrder
from marketplace.orders.states import VendorOrderState
from marketplace.shipments.models import Parcel
from settlements.earnings.models import DeliveryEarned, Earning
from settlements.earnings.states import ACCOUNTS, EarningState
from settlements.ledger import books
from settlements.ledger.books import Difference
from settlements.ledger.chart import PostingKind
from settlements.ledger.postings.orders import DELIVERY_EARNED, PENDING, Stages
from settlements.payments.actions import ORDER_PAID

AFRESH = {"populate_existing": True}
_ARRIVED = [VendorOrderState.DELIVERED, VendorOrderState.CLOSED, VendorOrderState.CANCELLED]


def stages_of(order_id: uuid.UUID) -> Stages:
    """The stage of each part of an order, for its postings; the caller has locked the order with its parts."""
    rows = db.session.scalars(_earnings(SYSTEM), {"order_id": order_id}, execution_options=AFRESH)
    stages = {row.id: ACCOUNTS[row.state] for row in rows}
    if not stages:
        return Stages()
    deliveries = db.session.scalars(_deliveries(SYSTEM), {"order_id": order_id})
    return Stages(stages, {str(delivery_id): DELIVERY_EARNED for delivery_id in deliveries})


@prepared
def _earnings(viewer: Actor) -> Select[Any]:
    return visible(viewer, Earning).where(Earning.order_id == bindparam("order_id"))


@prepared
def _deliveries(viewer: Actor) -> Select[Any]:
    made = visible(viewer, DeliveryEarned).where(DeliveryEarned.order_id == bindparam("order_id"))
    return made.with_only_columns(DeliveryEarned.id)


def earning(vendor_order_id: uuid.UUID) -> Earning | None:
    """The stage of a vendor order's money, None while nothing was said of it; its vendor order is locked."""
    return db.session.scalars(
        visible(SYSTEM, Earning).where(Earning.id == vendor_order_id), execution_options=AFRESH
    ).one_or_none()


def locked_part(vendor_order_id: uuid.UUID) -> VendorOrder:
    return orders.vendor_order(SYSTEM, vendor_order_id, locked=True)


def on_terms(order_id: uuid.UUID) -> bool:
    """Was the order bought on account?"""
    statement = visible(SYSTEM, Order).with_only_columns(Order.payment_terms.is_not(None)).where(Order.id == order_id)
    return bool(db.session.scalar(statement))


def ended_parts(order_id: uuid.UUID) -> list[VendorOrder]:
    """The parts of an order that were cancelled, or have arrived, and whose money is still pending."""
    stages = stages_of(order_id)
    return [part for part in orders.parts_of(order_id) if part.state in _ARRIVED and stages.of(part.id) is PENDING]


def operator_deliveries(order_id: uuid.UUID) -> list[uuid.UUID]:
    """The deliveries that the operator sells with an order and has not earned, locked."""
    earned = exists().where(DeliveryEarned.id == OrderDelivery.id)
    statement = visible(SYSTEM, OrderDelivery).where(
        OrderDelivery.order_id == order_id, OrderDelivery.vendor_id.is_(None), ~earned
    )
    rows = db.session.scalars(statement.order_by(OrderDelivery.position).with_for_update())
    return [row.id for row in rows]


def arrived_deliveries(order_id: uuid.UUID) -> list[uuid.UUID]:
    """Those of the operator's deliveries that are not earned and of which nothing is under way any more.

    Two parts that arrive at once wait for each other at the lock of the delivery, so that the later one sees both.
    Empty where the order is not in the books by its payment.
    """
    waiting = operator_deliveries(order_id)
    if not waiting or not books.order_is_booked(order_id, ORDER_PAID):
        return []
    arrived = or_(VendorOrder.state.in_(_ARRIVED), Earning.state.in_([EarningState.EARNED, EarningState.DUE]))
    under_way = (
        visible(SYSTEM, OrderLine)
        .with_only_columns(OrderLine.delivery_id)
        .join(VendorOrder, VendorOrder.id == OrderLine.vendor_order_id)
        .outerjoin(Earning, Earning.id == VendorOrder.id)
        .where(OrderLine.delivery_id.in_(waiting), ~func.coalesce(arrived, false()))
    )
    held = set(db.session.scalars(under_way))
    return [delivery_id for delivery_id in waiting if delivery_id not in held]


def order_and_valuation(order_id: uuid.UUID) -> tuple[Order, dict[str, Any]]:
    """An order and the JSON of its present valuation."""
    return orders.order(SYSTEM, order_id), orders.last_step(order_id).valuation


def locked_to_fall_due(before: datetime, limit: int) -> list[tuple[Earning, VendorOrder]]:
    """Earned vendor orders whose return window ended by then, the longest ago first; those that somebody else works on
    are left to their next turn."""
    statement = (
        visible(SYSTEM, VendorOrder)
        .add_columns(Earning)
        .join(Earning, Earning.id == VendorOrder.id)
        .where(Earning.state == EarningState.EARNED, Earning.due_at <= before)
        .order_by(Earning.due_at)
        .limit(limit)
        .with_for_update(of=(VendorOrder, Earning), skip_locked=True)
    )
    return [(row[1], row[0]) for row in db.session.execute(statement, execution_options=AFRESH)]


def locked_to_release(before: datetime, limit: int) -> list[Earning]:
    """What is still held back and was to be released by then, the longest ago first."""
    statement = visible(SYSTEM, Earning).where(Earning.reserve_left_minor > 0, Earning.release_at <= before)
    statement = statement.order_by(Earning.release_at).limit(limit).with_for_update(skip_locked=True)
    return list(db.session.scalars(statement, execution_options=AFRESH))


def locked_reserves(vendor_id: uuid.UUID, currency: str) -> list[Earning]:
    """What is held back of a vendor's orders in a currency, the oldest first."""
    statement = visible(SYSTEM, Earning).where(
        Earning.vendor_id == vendor_id, Earning.currency == currency, Earning.reserve_left_minor > 0
    )
    statement = statement.order_by(Earning.release_at, Earning.id).with_for_update()
    return list(db.session.scalars(statement, execution_options=AFRESH))


def untracked(before: datetime, limit: int, last: uuid.UUID | None = None) -> list[uuid.UUID]:
    """Vendor orders that shipped by then without any parcel, and are still pending: nobody will report them delivered,
    where of a parcel its buyer may say that it did not arrive. By id, those after `last`."""
    tracked = exists().where(Parcel.vendor_order_id == VendorOrder.id)
    said = exists().where(Earning.id == VendorOrder.id, Earning.delivered_at.is_not(None))
    statement = (
        visible(SYSTEM, VendorOrder)
        .with_only_columns(VendorOrder.id)
        .where(VendorOrder.state == VendorOrderState.SHIPPED, VendorOrder.shipped_at <= before, ~tracked, ~said)
    )
    if last is not None:
        statement = statement.where(VendorOrder.id > last)
    return list(db.session.scalars(statement.order_by(VendorOrder.id).limit(limit)))


# What a vendor is entitled to lies on the account of his order's stage and on no other before it: sums by order.
_STAGES = text("""
WITH booked AS (
    SELECT posting.vendor_order_id AS id, account.currency,
        -sum(amount_minor) FILTER (WHERE account.kind = 'vendor_pending') AS pending,
        -sum(amount_minor) FILTER (WHERE account.kind = 'vendor_earned') AS earned,
        -sum(amount_minor) FILTER (WHERE posting.kind = ANY(:entitled)) AS entitled
    FROM posting JOIN account ON account.id = posting.account_id
    WHERE account.kind IN ('vendor_pending', 'vendor_earned', 'vendor_payable') AND vendor_order_id IS NOT NULL
    GROUP BY posting.vendor_order_id, account.currency
)
SELECT vendor_order.number AS subject, booked.currency, coalesce(earning.state, 'pending') AS state,
       coalesce(pending, 0) AS pending, coalesce(earned, 0) AS earned, coalesce(entitled, 0) AS entitled,
       vendor_order.payable_minor AS payable
FROM booked JOIN vendor_order USING (id) LEFT JOIN earning USING (id)
WHERE coalesce(entitled, 0) <> vendor_order.payable_minor
   OR (coalesce(pending, 0) <> 0 AND coalesce(earning.state, 'pending') IN ('earned', 'due'))
   OR (coalesce(earned, 0) <> 0 AND coalesce(earning.state, 'pending') <> 'earned')
""")
_ENTITLED = [
    kind.value
    for kind in (
        PostingKind.GOODS,
        PostingKind.VENDOR_DISCOUNT,
        PostingKind.MARKET_DISCOUNT,
        PostingKind.TAX,
        PostingKind.DELIVERY,
        PostingKind.RESTOCKING_FEE,
        PostingKind.COMMISSION,
        PostingKind.COMPENSATION,
        PostingKind.CHARGE,
        PostingKind.LABEL,
        PostingKind.EARNED,
        PostingKind.DUE,
    )
]


@books.proof
def check_stages() -> list[Difference]:
    """Every vendor order's money lies where its stage says, and comes to what the formula gives its vendor."""
    found = []
    for row in db.session.execute(_STAGES, {"entitled": _ENTITLED}):
        if row.entitled != row.payable:
            found.append(Difference("vendor's share", row.subject, row.currency, row.payable, int(row.entitled)))
        else:
            rest = int(row.pending if row.state in {"earned", "due"} else row.earned)
            found.append(Difference(f"money of a {row.state} order", row.subject, row.currency, 0, rest))
    return found


_RESERVES = text("""
WITH held AS (
    SELECT vendor_id, currency, sum(reserve_left_minor) AS held FROM earning WHERE reserve_left_minor > 0
    GROUP BY vendor_id, currency
)
SELECT vendor_id AS subject, held.currency, held AS expected, coalesce(-balance_minor, 0) AS found
FROM held LEFT JOIN account
    ON account.party = vendor_id AND account.currency = held.currency AND account.kind = 'vendor_reserve'
WHERE held > coalesce(-balance_minor, 0)
""")


@books.proof
def check_reserves() -> list[Difference]:
    """What is to be released of vendors' orders is on their reserves; more may be, held back for good."""
    rows = db.session.execute(_RESERVES)
    return [Difference("reserve held", str(row[0]), row[1], int(row[2]), int(row[3])) for row in rows]
