"""Orders that have arrived, and return cases over them; inside a transaction() of the caller."""

import uuid
from collections.abc import Mapping
from typing import Any

from marketplace.kernel.access import SYSTEM
from marketplace.orders import queries as orders
from marketplace.orders.queries import WholeOrder
from marketplace.returns import actions, queries
from marketplace.returns.models import ReturnCase, ReturnLine
from marketplace.shipments import actions as shipments
from tests.builders.orders import Market, a_confirmed_order, line_named

SHIP_ALL = {"carrier": "DHL", "tracking_number": "", "lines": None, "announce_only": False}


def ship_all(whole: WholeOrder, *, deliver: bool = True) -> WholeOrder:
    """Every part leaves in a parcel and, unless told otherwise, arrives."""
    for part in whole.parts:
        parcel = shipments.ship(SYSTEM, part.id, SHIP_ALL)
        if deliver:
            shipments.deliver(SYSTEM, parcel.id)
    return orders.whole(SYSTEM, whole.order.id)


def a_delivered_order(market: Market, quantities: Mapping[str, int], **chosen: Any) -> WholeOrder:
    return ship_all(a_confirmed_order(market, quantities, **chosen))


def wanted(whole: WholeOrder, *lines: tuple[str, int, str], **more: Any) -> list[dict[str, Any]]:
    """Lines of a case: `("A1", 3, "change_of_mind")`."""
    return [
        {"line_id": line_named(whole, sku).id, "quantity": quantity, "reason": reason, **more}
        for sku, quantity, reason in lines
    ]


def a_case(market: Market, whole: WholeOrder, *lines: tuple[str, int, str], **more: Any) -> ReturnCase:
    return actions.open_case(market.actor, whole.order.id, wanted(whole, *lines, **more))


def line_of(case: ReturnCase, sku: str) -> ReturnLine:
    return next(line for line in queries.lines_of(SYSTEM, case.id) if line.sku == sku)


def received(market: Market, case: ReturnCase) -> None:
    """Every vendor approves and gets everything back."""
    for line in queries.lines_of(SYSTEM, case.id):
        actions.approve(SYSTEM, case.id, line.id)
        actions.receive(SYSTEM, case.id, line.id, line.quantity)


def a_settled_case(market: Market, whole: WholeOrder, *lines: tuple[str, int, str]) -> ReturnCase:
    """Asked for, approved, received, decided as claimed and settled."""
    case = a_case(market, whole, *lines)
    received(market, case)
    found = actions.decide(SYSTEM, case.id, [{"line_id": line.id} for line in queries.lines_of(SYSTEM, case.id)])
    actions.settle_found(SYSTEM, found)
    return case


def an_id() -> uuid.UUID:
    return uuid.uuid4()
