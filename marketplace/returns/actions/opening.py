"""A buyer opens a case: refused for what never shipped, comes back already, or is asked for too late."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

from marketplace.kernel import clock, history, outbox
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db, new_id
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.models import Order, OrderLine, VendorOrder
from marketplace.orders.refusals import LineNotInOrder, UnitsNotReturnable
from marketplace.returns import judging, queries
from marketplace.returns.actions.sides import asks, still_open
from marketplace.returns.events import ReturnMoved
from marketplace.returns.models import ReturnCase, ReturnLine, ReturnUnit
from marketplace.returns.refusals import (
    DiscoveryDayWrong,
    NotYours,
    ReasonNotTaken,
    SerialsDoNotFit,
    SerialTaken,
    WindowOver,
)
from marketplace.returns.states import LineState, LineVerb
from marketplace.rules import queries as rules
from marketplace.rules.return_terms import FAULT_OF, Reason, ReturnTerms


def open_case(actor: Actor, order_id: uuid.UUID, wanted: Sequence[Mapping[str, Any]], note: str = "") -> ReturnCase:
    """Ask to return units of an order, of any number of its vendors; each vendor then answers for his lines.

    `wanted` as of ReturnIn's lines. Raises OrderUnknown, LineNotInOrder, UnitsNotReturnable, ReasonNotTaken,
    WindowOver, DiscoveryDayWrong, SerialsDoNotFit, SerialTaken, each with the pointer.
    """
    order = order_queries.order(actor, order_id, locked=True)
    parts = {part.id: part for part in order_queries.parts_of(order.id)}
    lines = {line.id: line for line in order_queries.lines_of(order.id)}
    terms = ReturnTerms(rules.return_terms(order.policy_version))
    countries = queries.countries_of({part.vendor_id for part in parts.values()})
    serials = _serials(wanted)
    units: Counter[uuid.UUID] = Counter()
    for index, want in enumerate(wanted):
        line = lines.get(want["line_id"])
        if line is None:
            raise LineNotInOrder(pointer=f"/lines/{index}/line_id")
        part = parts[line.vendor_order_id]
        _in_time(index, want, terms, part, countries[part.vendor_id])
        units[line.id] += want["quantity"]
        _not_claimed(index, line, want["quantity"], units[line.id])

    orders.claim_returns(list(lines.values()), units)
    case = _case(actor, order, terms, note)
    now = clock.now()
    rows = []
    for position, want in enumerate(wanted, 1):
        line = lines[want["line_id"]]
        row = _line(case, position, line, parts[line.vendor_order_id], want)
        row.due_at = terms.answer_by(now, countries[line.vendor_id])
        rows.append(row)
    db.session.add_all(rows)
    db.session.flush()
    _keep_serials(rows, serials)
    outbox.publish(ReturnMoved(case_id=case.id, what="requested", line_ids=[str(row.id) for row in rows]))
    return case


def withdraw(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, note: str = "") -> ReturnLine:
    """The buyer keeps the goods after all; until they are received. Raises ReturnUnknown, NotYours, IllegalMove."""
    found = queries.locked(actor, case_id)
    line = found.line(line_id)
    asks(actor, found.case)
    history.move(line, LineVerb.WITHDRAW, actor, note=note)
    line.due_at = None
    claim(found, line, 0)
    return line


def reopen(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, note: str = "") -> ReturnLine:
    """Take a line up again that was withdrawn or declined: the buyer what he withdrew, the operator both.

    Raises ReturnUnknown, NotYours, IllegalMove; UnitsNotReturnable where the units came back meanwhile.
    """
    found = queries.locked(actor, case_id)
    line = found.line(line_id)
    asks(actor, found.case)
    if line.state is LineState.DECLINED and not actor.sees_all:
        raise NotYours
    if not actor.sees_all:
        still_open(found)
    history.move(line, LineVerb.REOPEN, actor, note=note)
    line.arbitrated = False  # what is said from now on may be appealed against
    country = queries.countries_of([line.vendor_id])[line.vendor_id]
    line.due_at = ReturnTerms(found.case.terms).answer_by(clock.now(), country)
    line.reminded_at = None
    found.case.closed_at = None
    claim(found, line, line.quantity)
    return line


def claim(found: queries.Locked, line: ReturnLine, quantity: int) -> None:
    """So many units of a line count as coming back from now on, and never fewer than the order's state counts, so that
    none comes back twice. Raises UnitsNotReturnable, SerialTaken.
    """
    quantity = max(quantity, judging.total(line.settled))
    change = quantity - line.claimed_quantity
    if change:
        rows = order_queries.lines_of(found.order.id, line.vendor_order_id)
        orders.claim_returns(rows, {line.order_line_id: change})
        line.claimed_quantity = quantity
    units = queries.units_of(line.id)
    live = bool(quantity or line.replaced_quantity)  # a unit that was replaced is the vendor's, and comes back no more
    if units and live != units[0].live:
        taken = queries.live_serials([line.order_line_id])
        for unit in units:
            if live and (unit.order_line_id, unit.serial) in taken:
                raise SerialTaken(f"The unit {unit.serial} is coming back already.", serial=unit.serial)
            unit.live = live


def _serials(wanted: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """The serial numbers of each wanted line, none twice, none that comes back already."""
    named = [list(want.get("serial_numbers") or ()) for want in wanted]
    taken = queries.live_serials({want["line_id"] for want in wanted}) if any(named) else set()
    for index, (want, serials) in enumerate(zip(wanted, named, strict=True)):
        if len(serials) > want["quantity"] or len(set(serials)) != len(serials):
            raise SerialsDoNotFit(pointer=f"/lines/{index}/serial_numbers")
        for place, serial in enumerate(serials):
            if (want["line_id"], serial) in taken:
                raise SerialTaken(
                    f"The unit {serial} is coming back already, or came back.",
                    pointer=f"/lines/{index}/serial_numbers/{place}",
                    serial=serial,
                )
            taken.add((want["line_id"], serial))
    return named


def _in_time(index: int, want: Mapping[str, Any], terms: ReturnTerms, part: VendorOrder, country: str) -> None:
    """Goods that were never delivered have no window yet; a hidden defect counts from its discovery as well."""
    reason = Reason(want["reason"])
    if terms.never(reason):
        raise ReasonNotTaken(pointer=f"/lines/{index}/reason", reason=reason.value)
    discovered_on = want.get("discovered_on")
    if reason is Reason.HIDDEN_DEFECT and (discovered_on is None or clock.lies_ahead(discovered_on)):
        raise DiscoveryDayWrong(pointer=f"/lines/{index}/discovered_on")
    if part.delivered_at is None:
        return
    until = terms.until(reason, part.delivered_at, country)
    if reason is Reason.HIDDEN_DEFECT and discovered_on:
        discovered = datetime.combine(discovered_on, time.max, UTC)
        until = min(until, discovered + terms.discovery)
    if until < clock.now():
        raise WindowOver(
            f"Returns for this reason were taken until {until:%Y-%m-%d}.",
            pointer=f"/lines/{index}/reason",
            until=until.isoformat(),
        )


def _not_claimed(index: int, line: OrderLine, quantity: int, asked: int) -> None:
    left = orders.returnable_units(line)
    if asked > left:
        raise UnitsNotReturnable(
            f"{quantity} wanted, {max(0, left - asked + quantity)} can still come back: "
            f"{line.shipped_quantity} shipped, {line.returned_quantity} came back or are coming back.",
            pointer=f"/lines/{index}/quantity",
            wanted=quantity,
            returnable=max(0, left - asked + quantity),
        )


def _case(actor: Actor, order: Order, terms: ReturnTerms, note: str) -> ReturnCase:
    case = ReturnCase(
        id=new_id(),
        number=queries.next_number(),
        order_id=order.id,
        order_number=order.number,
        company_id=order.company_id,
        company_name=order.company_name,
        currency=order.currency,
        opened_by=actor.person_id,
        opened_at=clock.now(),
        note=note,
        terms=dict(terms.content),
    )
    db.session.add(case)
    db.session.flush()
    return case


def _line(case: ReturnCase, position: int, line: OrderLine, part: VendorOrder, want: Mapping[str, Any]) -> ReturnLine:
    reason = Reason(want["reason"])
    return ReturnLine(
        id=new_id(),
        case_id=case.id,
        position=position,
        order_line_id=line.id,
        vendor_order_id=line.vendor_order_id,
        vendor_id=line.vendor_id,
        company_id=case.company_id,
        vendor_name=part.vendor_name,
        sku=line.sku,
        name=line.name,
        unit=line.unit,
        quantity=want["quantity"],
        claimed_quantity=want["quantity"],
        reason=reason.value,
        fault_claimed=(want.get("fault_claimed") or FAULT_OF[reason]),
        wish=want.get("wish") or "refund",
        note=want.get("note") or "",
        discovered_on=want.get("discovered_on"),
    )


def _keep_serials(rows: Sequence[ReturnLine], serials: Sequence[Sequence[str]]) -> None:
    units = [
        ReturnUnit(
            case_id=row.case_id,
            return_line_id=row.id,
            order_line_id=row.order_line_id,
            company_id=row.company_id,
            vendor_id=row.vendor_id,
            serial=serial,
        )
        for row, named in zip(rows, serials, strict=True)
        for serial in named
    ]
    if units:
        db.session.add_all(units)
        db.session.flush()
