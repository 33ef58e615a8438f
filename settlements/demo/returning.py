"""The returns of the demonstration, told like its orders: each case by those who may, on its days, and only once."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import transaction
from marketplace.orders import queries as orders
from marketplace.orders.models import Order
from marketplace.returns import actions
from marketplace.returns import queries as returns
from marketplace.returns.models import ReturnCase, ReturnLine
from settlements.demo import acting, cast, queries
from settlements.invoices import jobs as invoice_jobs

_FILE = Path(__file__).with_name("returns.toml")
_OPERATOR = "miriam@kontor.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A return case of the order with this reference; `note` tells it from the others. See returns.toml."""

    order: str
    days: float
    note: str
    lines: tuple[tuple[str, ...], ...]
    then: tuple[tuple[Any, ...], ...]


def cases() -> list[Told]:
    return [Told(**row) for row in tomllib.loads(_FILE.read_text("utf-8"))["case"]]


def tell() -> None:
    """Tell what is not told yet, each case in one transaction."""
    for told in cases():
        order = queries.order_of(told.order)
        if order is None or queries.is_told(order.id, told.note):
            continue
        buyer = acting.person(queries.email_of(order.placed_by))
        with transaction():
            with clock.moved(timedelta(days=-told.days)):
                case = _open(buyer, order, told)
            for days, verb, *facts in told.then:
                with clock.moved(timedelta(days=-days)):
                    _VERBS[verb](buyer, case, *facts)
        with clock.moved(timedelta(days=-min([told.days, *(then[0] for then in told.then)]))):
            invoice_jobs.follow(order.id)  # on that day, before a worker does it today


def _open(buyer: Actor, order: Order, told: Told) -> ReturnCase:
    lines = {line.sku: line for line in orders.lines_of(order.id)}
    wanted = []
    for units, reason, note, *wish in told.lines:
        sku, quantity = _units(units)
        wanted.append({"line_id": lines[sku].id, "quantity": quantity, "reason": reason, "note": note})
        if wish:
            wanted[-1]["wish"] = wish[0]
        if reason == "hidden_defect":
            wanted[-1]["discovered_on"] = clock.now().date()  # on the day on which it is asked for
    return actions.open_case(buyer, order.id, wanted, told.note)


def _approve(_: Actor, case: ReturnCase, sku: str, goods: str) -> None:
    line = _line(case, sku)
    actions.approve(_vendor(line), case.id, line.id, goods)


def _decline(_: Actor, case: ReturnCase, sku: str, note: str) -> None:
    line = _line(case, sku)
    actions.decline(_vendor(line), case.id, line.id, note)


def _ask(_: Actor, case: ReturnCase, sku: str, note: str) -> None:
    line = _line(case, sku)
    actions.ask_evidence(_vendor(line), case.id, line.id, note)


def _send(buyer: Actor, case: ReturnCase, carrier: str, tracking_number: str, *some: str) -> None:
    lines = [{"line_id": _line(case, sku).id, "quantity": quantity} for sku, quantity in map(_units, some)]
    actions.announce(buyer, case.id, {"carrier": carrier, "tracking_number": tracking_number, "lines": lines})


def _receive(_: Actor, case: ReturnCase, units: str) -> None:
    """What arrived of the parcel that is under way."""
    sku, quantity = _units(units)
    line = _line(case, sku)
    for parcel in returns.parcels_of(case.id):
        if parcel.state.value == "in_transit" and parcel.vendor_id == line.vendor_id:
            actions.receive_parcel(_vendor(line), case.id, parcel.id, {line.id: quantity})


def _inspect(_: Actor, case: ReturnCase, sku: str, note: str) -> None:
    line = _line(case, sku)
    actions.inspect(_vendor(line), case.id, line.id, note)


def _decide(_: Actor, case: ReturnCase, sku: str, *units: str) -> None:
    line = _line(case, sku)
    found = dict(map(_units, units))
    replaced = found.pop("replaced", 0)
    by_fault = [{"fault": fault, "quantity": quantity} for fault, quantity in found.items()]
    actions.decide(_vendor(line), case.id, [{"line_id": line.id, "units": by_fault, "replaced": replaced}])


def _settle(_: Actor, case: ReturnCase) -> None:
    actions.settle(acting.person(_OPERATOR), case.id)


def _replace(_: Actor, case: ReturnCase, units: str, carrier: str, tracking_number: str) -> None:
    sku, quantity = _units(units)
    line = _line(case, sku)
    sent = {"carrier": carrier, "tracking_number": tracking_number, "quantity": quantity}
    actions.ship_replacement(_vendor(line), case.id, line.id, sent)


def _arrive(buyer: Actor, case: ReturnCase) -> None:
    for row in returns.replacements_of(buyer, case.id):
        actions.replacement_arrived(buyer, case.id, row.id)


def _appeal(buyer: Actor, case: ReturnCase, sku: str, text: str) -> None:
    actions.appeal(buyer, case.id, _line(case, sku).id, text)


def _reply(_: Actor, case: ReturnCase, sku: str, text: str) -> None:
    line = _line(case, sku)
    for appeal in returns.open_appeals(line.id):
        actions.reply(_vendor(line), case.id, appeal.id, text)


_VERBS: dict[str, Callable[..., None]] = {
    "approve": _approve,
    "decline": _decline,
    "ask": _ask,
    "send": _send,
    "receive": _receive,
    "inspect": _inspect,
    "decide": _decide,
    "settle": _settle,
    "replace": _replace,
    "arrive": _arrive,
    "appeal": _appeal,
    "reply": _reply,
}


def _line(case: ReturnCase, sku: str) -> ReturnLine:
    return next(line for line in returns.lines_of(SYSTEM, case.id) if line.sku == sku)


def _vendor(line: ReturnLine) -> Actor:
    key = next(key for key, company in cast.companies().items() if company.name == line.vendor_name)
    return acting.chief(key)


def _units(text: str) -> tuple[str, int]:
    """`"V-7 12"` -> `("V-7", 12)`."""
    name, _, quantity = text.rpartition(" ")
    return name, int(quantity)
