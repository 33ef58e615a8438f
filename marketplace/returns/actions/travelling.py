"""Goods come back in any number of parcels, and what is received may be less than what was sent."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.kernel import clock, history
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db, new_id
from marketplace.returns import queries
from marketplace.returns.actions.answering import told, wait_until
from marketplace.returns.actions.sides import answers, asks, is_vendor, side_of, still_open
from marketplace.returns.models import ReturnLine, ReturnParcel, ReturnParcelLine
from marketplace.returns.refusals import LabelNotYours, LineNamedTwice, MoreThanApproved, NotYours, ReturnLineUnknown
from marketplace.returns.states import LineState, LineVerb, ParcelVerb
from marketplace.rules.return_terms import ReturnTerms

_WAITING = {LineState.APPROVED, LineState.IN_TRANSIT, LineState.RECEIVED}


def announce(actor: Actor, case_id: uuid.UUID, wanted: Mapping[str, Any]) -> ReturnParcel:
    """Goods of one vendor leave the buyer, by his parcel or with a label or collection that somebody pays for.

    `wanted` as of ParcelIn; `lines` None: everything of the vendor's that is not under way. Raises ReturnUnknown,
    ReturnLineUnknown, LineNamedTwice, MoreThanApproved, LabelNotYours, NotYours, IllegalMove.
    """
    found = queries.locked(actor, case_id)
    still_open(found)
    units = _units(found, wanted)
    lines = [line for line, _ in units]
    vendor_id = lines[0].vendor_id
    if any(line.vendor_id != vendor_id for line in lines):
        raise ReturnLineUnknown("A parcel goes to one vendor.", pointer="/lines")
    if not is_vendor(actor, lines[0]):
        asks(actor, found.case)
    _check_label(actor, found, wanted)
    for line in lines:
        history.move(line, LineVerb.ANNOUNCE, actor)
        if line.state is LineState.IN_TRANSIT:
            line.due_at = None

    parcel = ReturnParcel(
        id=new_id(),
        case_id=case_id,
        company_id=found.case.company_id,
        vendor_id=vendor_id,
        number=len(queries.parcels_of(case_id)) + 1,
        carrier=wanted.get("carrier") or "",
        tracking_number=wanted.get("tracking_number") or "",
        label_by=wanted.get("label_by") or "buyer",
        label_cost_minor=wanted.get("label_cost_minor") or 0,
    )
    db.session.add(parcel)
    db.session.flush()
    db.session.add_all(_parcel_line(parcel, line, quantity) for line, quantity in units)
    db.session.flush()
    return parcel


def receive_parcel(
    actor: Actor, case_id: uuid.UUID, parcel_id: uuid.UUID, received: Mapping[uuid.UUID, int] | None = None
) -> ReturnParcel:
    """A parcel arrived, whole or not: `received` units by return line; those that a line does not wait for any more end
    with the parcel alone. Raises MoreThanApproved, IllegalMove."""
    found = queries.locked(actor, case_id)
    parcel = queries.parcel(actor, case_id, parcel_id)
    rows = queries.parcel_lines_of([parcel.id])[parcel.id]
    _only_of(rows, received)
    for row in rows:
        line = found.line(row.return_line_id)
        answers(actor, line)
        quantity = row.quantity if received is None else received.get(row.return_line_id, 0)
        if quantity > row.quantity:
            raise MoreThanApproved(f"{row.quantity} were sent.", pointer="/lines", sent=row.quantity)
        row.received_quantity = quantity
        _received(actor, found, line, _awaited(line, quantity))
    history.move(parcel, ParcelVerb.RECEIVE, actor)
    parcel.received_at = clock.now()
    return parcel


def lose_parcel(actor: Actor, case_id: uuid.UUID, parcel_id: uuid.UUID, note: str = "") -> ReturnParcel:
    """A parcel was lost on its way back: its units count as received, as far as they are waited for, and who bears it
    is decided. For the operator."""
    found = queries.locked(actor, case_id)
    parcel = queries.parcel(actor, case_id, parcel_id)
    if not actor.sees_all:
        raise NotYours
    history.move(parcel, ParcelVerb.LOSE, actor, note=note)
    for row in queries.parcel_lines_of([parcel.id])[parcel.id]:
        line = found.line(row.return_line_id)
        lost = _awaited(line, row.quantity)
        line.lost_quantity += lost
        _received(actor, found, line, lost, note or "lost on the way back")
    return parcel


def receive(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, quantity: int, note: str = "") -> ReturnLine:
    """Units arrived without a parcel that was announced. Raises MoreThanApproved, NotYours, IllegalMove."""
    found = queries.locked(actor, case_id)
    line = found.line(line_id)
    answers(actor, line)
    _received(actor, found, line, quantity, note)
    return line


def _awaited(line: ReturnLine, quantity: int) -> int:
    """How many of so many units a line still waits for: none where it was withdrawn or decided while they travelled,
    fewer where they were received by themselves."""
    return min(quantity, line.quantity - line.received_quantity) if line.state in _WAITING else 0


def _received(actor: Actor, found: queries.Locked, line: ReturnLine, quantity: int, note: str = "") -> None:
    left = line.quantity - line.received_quantity
    if quantity > left:
        raise MoreThanApproved(
            f"{quantity} received, {left} are still to come.", pointer="/quantity", wanted=quantity, left=left
        )
    if not quantity:
        return
    history.move(line, LineVerb.RECEIVE, actor, note=note)
    line.received_quantity += quantity
    country = queries.countries_of([line.vendor_id])[line.vendor_id]
    wait_until(line, ReturnTerms(found.case.terms).inspect_by(clock.now(), country))
    told(line, "received")


def _units(found: queries.Locked, wanted: Mapping[str, Any]) -> list[tuple[ReturnLine, int]]:
    """The lines and units of a parcel: those asked for, or all that are approved and not under way."""
    sent = _under_way(found)
    asked: Sequence[Mapping[str, Any]] | None = wanted.get("lines")
    if asked is None:
        waiting = [line for line in found.lines if line.state in {LineState.APPROVED, LineState.IN_TRANSIT}]
        units = [(line, line.quantity - sent.get(line.id, 0)) for line in waiting]
        units = [(line, quantity) for line, quantity in units if quantity > 0]
        if not units:
            raise MoreThanApproved("Nothing of this case waits to be sent.", pointer="/lines")
        return units
    if len({entry["line_id"] for entry in asked}) != len(asked):
        raise LineNamedTwice(pointer="/lines")
    units = []
    for index, entry in enumerate(asked):
        line = found.line(entry["line_id"])
        left = line.quantity - sent.get(line.id, 0)
        if entry["quantity"] > left:
            raise MoreThanApproved(
                f"{entry['quantity']} wanted, {left} are not under way.",
                pointer=f"/lines/{index}/quantity",
                wanted=entry["quantity"],
                left=left,
            )
        units.append((line, entry["quantity"]))
    return units


def _under_way(found: queries.Locked) -> dict[uuid.UUID, int]:
    """Units of each line that travel, or have arrived in a parcel or without."""
    sent = {line.id: line.received_quantity for line in found.lines}
    travelling = [parcel.id for parcel in queries.parcels_of(found.case.id) if parcel.state.value == "in_transit"]
    for rows in queries.parcel_lines_of(travelling).values():
        for row in rows:
            sent[row.return_line_id] = sent.get(row.return_line_id, 0) + row.quantity
    return sent


def _check_label(actor: Actor, found: queries.Locked, wanted: Mapping[str, Any]) -> None:
    """Only the operator says what others paid; a vendor what he paid himself; a buyer's cost is not taken unseen."""
    if not wanted.get("label_cost_minor") or actor.sees_all:
        return
    if side_of(actor, found.case) != "vendor" or (wanted.get("label_by") or "buyer") != "vendor":
        raise LabelNotYours(pointer="/label_cost_minor")


def _only_of(rows: Sequence[ReturnParcelLine], received: Mapping[uuid.UUID, int] | None) -> None:
    if received is not None and set(received) - {row.return_line_id for row in rows}:
        raise ReturnLineUnknown("This line is not in the parcel.", pointer="/lines")


def _parcel_line(parcel: ReturnParcel, line: ReturnLine, quantity: int) -> ReturnParcelLine:
    return ReturnParcelLine(
        parcel_id=parcel.id,
        return_line_id=line.id,
        case_id=parcel.case_id,
        company_id=parcel.company_id,
        vendor_id=parcel.vendor_id,
        quantity=quantity,
    )
