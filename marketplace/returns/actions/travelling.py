"""Goods leave the buyer in any number of parcels; each is to arrive in its time."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.kernel import clock, history
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db, new_id
from marketplace.returns import queries
from marketplace.returns.actions.answering import told_all, wait_until
from marketplace.returns.actions.sides import asks, is_vendor, side_of, still_open
from marketplace.returns.models import ReturnLine, ReturnParcel, ReturnParcelLine
from marketplace.returns.refusals import LabelNotYours, LineNamedTwice, MoreThanApproved, ReturnLineUnknown
from marketplace.returns.states import LineState, LineVerb
from marketplace.rules.return_terms import ReturnTerms


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
    now = clock.now()
    for line in lines:
        if history.move(line, LineVerb.ANNOUNCE, actor):
            wait_until(line, now + ReturnTerms(found.case.terms).arrive)

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
        announced_at=now,
    )
    db.session.add(parcel)
    db.session.flush()
    db.session.add_all(_parcel_line(parcel, line, quantity) for line, quantity in units)
    db.session.flush()
    told_all([] if is_vendor(actor, lines[0]) else lines, "announced")
    return parcel


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
    for _, rows in queries.on_their_way(found.case.id):
        for row in rows:
            sent[row.return_line_id] = sent.get(row.return_line_id, 0) + row.quantity - row.received_quantity
    return sent


def _check_label(actor: Actor, found: queries.Locked, wanted: Mapping[str, Any]) -> None:
    """Only the operator says what others paid; a vendor what he paid himself; a buyer's cost is not taken unseen."""
    if not wanted.get("label_cost_minor") or actor.sees_all:
        return
    if side_of(actor, found.case) != "vendor" or (wanted.get("label_by") or "buyer") != "vendor":
        raise LabelNotYours(pointer="/label_cost_minor")


def _parcel_line(parcel: ReturnParcel, line: ReturnLine, quantity: int) -> ReturnParcelLine:
    return ReturnParcelLine(
        parcel_id=parcel.id,
        return_line_id=line.id,
        case_id=parcel.case_id,
        company_id=parcel.company_id,
        vendor_id=parcel.vendor_id,
        quantity=quantity,
    )
