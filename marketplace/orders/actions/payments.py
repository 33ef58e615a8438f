"""What was paid for an order is a sum over an append-only record; once it covers what is owed, vendors may begin."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app

from marketplace.catalogue import stock
from marketplace.credit import actions as credit
from marketplace.kernel import clock, history, outbox, reads
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import new_id
from marketplace.orders import queries
from marketplace.orders.events import OrderPaid
from marketplace.orders.models import Order, OrderLine
from marketplace.orders.refusals import AmountNotPositive, CurrencyDiffers
from marketplace.orders.states import VendorOrderState, VendorOrderVerb


@dataclass(frozen=True, slots=True)
class RecordedPayment:
    """How an order stands after a payment, in minor units of its currency.

    excess_minor is what was paid beyond what is owed, all payments together: whoever recorded it sends it back.
    repeated: this source was recorded before, so nothing was written.
    """

    net_paid_minor: int
    owed_minor: int
    excess_minor: int
    fully_paid: bool
    repeated: bool = False


def record_payment(
    actor: Actor, order_id: uuid.UUID, amount_minor: int, currency: str, source: str, *, locked: Order | None = None
) -> RecordedPayment:
    """Money has come in for an order; `source` names it once and for ever, a repeat writes nothing.

    When it covers what is owed, the reservations lose their end (those that had expired are made again while stock
    lasts; what is short stands on its line as `short_quantity`), the vendors may confirm and OrderPaid is announced.
    For a cancelled order everything is excess. `locked`: the order's row, where the caller has locked it in this
    transaction. Raises OrderUnknown, CurrencyDiffers, AmountNotPositive.
    """
    if amount_minor < 1:
        raise AmountNotPositive
    order = locked or queries.order(SYSTEM, order_id, locked=True)
    if currency != order.currency:
        raise CurrencyDiffers(f"The order is in {order.currency}, the payment in {currency}.", currency=order.currency)

    written, paid = record_money(order, "paid", amount_minor, source)
    if written:
        pay_if_covered(actor, order, paid)
    return RecordedPayment(
        net_paid_minor=paid,
        owed_minor=order.owed_minor,
        excess_minor=max(0, paid - order.owed_minor),
        fully_paid=paid >= order.owed_minor,
        repeated=not written,
    )


def record_refund(order_id: uuid.UUID, amount_minor: int, source: str) -> bool:
    """A refund was decided: net paid falls by it now, whenever the money arrives. False: `source` was recorded before.

    An inside handler of OrderStepTaken calls this for the step's refund; where none did, the step itself has recorded
    it as `step:{step id}`.
    """
    if amount_minor < 1:
        raise AmountNotPositive
    return record_money(queries.order(SYSTEM, order_id, locked=True), "refunded", -amount_minor, source)[0]


def record_unpaid(order_id: uuid.UUID, amount_minor: int, source: str) -> bool:
    """Money that was taken for a payment of this order belongs elsewhere: net paid falls again.

    What the vendors have begun they go on with. False: `source` was recorded before.
    """
    if amount_minor < 1:
        raise AmountNotPositive
    return record_money(queries.order(SYSTEM, order_id, locked=True), "unpaid", -amount_minor, source)[0]


def record_refund_failed(order_id: uuid.UUID, amount_minor: int, source: str) -> bool:
    """A refund that was decided will not reach the buyer: net paid rises again. False: `source` was recorded before."""
    if amount_minor < 1:
        raise AmountNotPositive
    return record_money(queries.order(SYSTEM, order_id, locked=True), "refund_failed", amount_minor, source)[0]


def pay_if_covered(actor: Actor, order: Order, paid: int) -> bool:
    """Let the vendors begin where what was paid covers what is owed and they wait for it; the order is locked."""
    if paid < order.owed_minor:
        return False
    waiting = [part for part in queries.parts_of(order.id, locked=True) if part.state == VendorOrderState.PLACED]
    if not waiting:
        return False
    order.pay_until = None
    for part in waiting:
        history.move(part, VendorOrderVerb.PAY, actor)
        part.confirm_by = confirm_by()
    _keep_stock(actor, order, {part.id for part in waiting})
    outbox.publish(OrderPaid(order_id=order.id, company_id=order.company_id))
    return True


def confirm_by() -> datetime:
    """Until when a vendor who may begin now confirms."""
    return clock.now() + timedelta(hours=current_app.extensions["kontor_settings"].confirm_hours)


def open_units(line: OrderLine) -> int:
    """Units that were neither cancelled nor shipped."""
    return line.quantity - line.cancelled_quantity - line.shipped_quantity


def _keep_stock(actor: Actor, order: Order, part_ids: set[uuid.UUID]) -> None:
    if stock.keep_held(order.id):
        return
    lines = {line.id: line for line in queries.lines_of(order.id) if line.vendor_order_id in part_ids}
    wanted = [stock.Wanted(line.id, line.offer_id, open_units(line)) for line in lines.values() if open_units(line)]
    for short in stock.keep(order.id, wanted, actor):
        lines[short.order_line_id].short_quantity = short.quantity


# What the statement inserts is not among the rows it sees, so it is added.
_RECORD = """
WITH written AS (
    INSERT INTO order_money (id, order_id, company_id, kind, amount_minor, currency, source, at)
    VALUES (%(id)s, %(order_id)s, %(company_id)s, %(kind)s, %(amount_minor)s, %(currency)s, %(source)s, %(at)s)
    ON CONFLICT (source) DO NOTHING RETURNING amount_minor
), all_of_it AS (
    SELECT amount_minor FROM order_money WHERE order_id = %(order_id)s
    UNION ALL SELECT amount_minor FROM written
)
SELECT EXISTS (SELECT FROM written), (SELECT sum(amount_minor) FROM all_of_it)::bigint
"""


def record_money(order: Order, kind: str, amount_minor: int, source: str) -> tuple[bool, int]:
    """Whether it is new, and the net paid with it; the order is locked. What it uses of a credit follows."""
    values = {
        "id": new_id(),
        "order_id": order.id,
        "company_id": order.company_id,
        "kind": kind,
        "amount_minor": amount_minor,
        "currency": order.currency,
        "source": source,
        "at": clock.now(),
    }
    ((written, paid),) = reads.in_session(_RECORD, values)
    if written and order.payment_terms is not None:
        credit.follow(order.id, order.owed_minor - (paid or 0))
    return written, paid or 0
