"""A vendor confirms, ships and delivers his part; nobody else's part moves with it."""

import uuid
from collections.abc import Mapping

from marketplace.catalogue import stock
from marketplace.kernel import clock, history, outbox
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.orders import queries
from marketplace.orders.actions.payments import open_units
from marketplace.orders.events import VendorOrderConfirmed, VendorOrderDelivered, VendorOrderShipped
from marketplace.orders.models import VendorOrder
from marketplace.orders.refusals import LineNotInOrder, UnitsNotOpen
from marketplace.orders.states import VendorOrderVerb


def confirm(actor: Actor, vendor_order_id: uuid.UUID) -> VendorOrder:
    """The vendor will deliver. Raises VendorOrderUnknown; IllegalMove before it is paid, and a second time."""
    part = queries.vendor_order(actor, vendor_order_id, locked=True)
    history.move(part, VendorOrderVerb.CONFIRM, actor)
    part.confirmed_at = clock.now()
    outbox.publish(VendorOrderConfirmed(order_id=part.order_id, vendor_order_id=part.id))
    return part


def units_shipped(actor: Actor, vendor_order: VendorOrder, units: Mapping[uuid.UUID, int]) -> bool:
    """Units of some lines ({line id: at least 1}) have left. True when with them everything has, as is then announced.

    Locks the vendor order. Raises LineNotInOrder, UnitsNotOpen (pointer `/lines/<i>/...`, i counted in `units`) and
    IllegalMove where the vendor has not confirmed, or it is cancelled.
    """
    part = queries.vendor_order(SYSTEM, vendor_order.id, locked=True)
    lines = {line.id: line for line in queries.lines_of(part.order_id, part.id)}
    for index, (line_id, quantity) in enumerate(units.items()):
        if line_id not in lines:
            raise LineNotInOrder(pointer=f"/lines/{index}/line_id")
        left = open_units(lines[line_id])
        if quantity > left:
            raise UnitsNotOpen(
                f"{quantity} wanted, {left} open.", pointer=f"/lines/{index}/quantity", wanted=quantity, open=left
            )
    everything = sum(map(open_units, lines.values())) == sum(units.values())
    history.move(part, VendorOrderVerb.SHIP if everything else VendorOrderVerb.SHIP_PART, actor)

    for line_id, quantity in units.items():
        line = lines[line_id]
        line.shipped_quantity += quantity
        line.short_quantity = min(line.short_quantity, open_units(line))
    stock.use(part.order_id, units, {line.id: line.offer_id for line in lines.values()}, actor)
    if everything:
        part.shipped_at = clock.now()
        outbox.publish(VendorOrderShipped(order_id=part.order_id, vendor_order_id=part.id))
    return everything


def delivered(actor: Actor, vendor_order: VendorOrder, note: str = "") -> bool:
    """The last part of a vendor order has been delivered: he has earned it. False where it was known before.

    Locks the vendor order. Raises IllegalMove before everything has shipped.
    """
    part = queries.vendor_order(SYSTEM, vendor_order.id, locked=True)
    if not history.move(part, VendorOrderVerb.DELIVER, actor, note=note):
        return False
    part.delivered_at = clock.now()
    outbox.publish(VendorOrderDelivered(order_id=part.order_id, vendor_order_id=part.id))
    return True


def close(actor: Actor, vendor_order: VendorOrder) -> VendorOrder:
    """Nothing more will happen to a vendor order. Locks it. Raises IllegalMove before it was delivered."""
    part = queries.vendor_order(SYSTEM, vendor_order.id, locked=True)
    history.move(part, VendorOrderVerb.CLOSE, actor)
    return part
