"""What was sent back arrives: as its vendor records it, by time without him, or not at all, as the operator rules."""

import uuid
from collections.abc import Mapping, Sequence

from marketplace.kernel import clock, history
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.returns import queries
from marketplace.returns.actions.answering import told, told_all, wait_until
from marketplace.returns.actions.sides import answers, still_open
from marketplace.returns.models import ReturnLine, ReturnParcel, ReturnParcelLine
from marketplace.returns.refusals import MoreThanApproved, NotYours, ReturnLineUnknown
from marketplace.returns.states import LineState, LineVerb, ParcelState, ParcelVerb
from marketplace.rules.return_terms import ReturnTerms

_WAITING = {LineState.APPROVED, LineState.IN_TRANSIT, LineState.RECEIVED}
_NOT_RECORDED = "No arrival was recorded in time: what was announced counts as arrived."
_NOT_INSIDE = "Nothing of it was in what arrived."


def receive_parcel(
    actor: Actor, case_id: uuid.UUID, parcel_id: uuid.UUID, received: Mapping[uuid.UUID, int] | None = None
) -> ReturnParcel:
    """A parcel arrived, whole or not: `received` units by return line; those that a line does not wait for any more end
    with the parcel alone, and a line of which nothing came and nothing more is on its way is missing. Raises
    MoreThanApproved, IllegalMove."""
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
        fresh = max(0, quantity - row.received_quantity)
        row.received_quantity = quantity
        _received(actor, found, line, _awaited(line, fresh))
    history.move(parcel, ParcelVerb.RECEIVE, actor)
    parcel.received_at = clock.now()
    for row in rows:
        line = found.line(row.return_line_id)
        if line.state is LineState.IN_TRANSIT and not to_come(line):
            _missed(actor, line, _NOT_INSIDE)
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
        lost = _awaited(line, row.quantity - row.received_quantity)
        line.lost_quantity += lost
        _received(actor, found, line, lost, note or "lost on the way back")
    return parcel


def receive(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, quantity: int, note: str = "") -> ReturnLine:
    """Units arrived without their parcel being named: they are taken for what is on its way, the first announced first,
    so that none arrives again with it. Raises MoreThanApproved, NotYours, IllegalMove."""
    found = queries.locked(actor, case_id)
    line = found.line(line_id)
    answers(actor, line)
    _received(actor, found, line, quantity, note)
    for _, rows in queries.on_their_way(case_id):
        for row in rows:
            if row.return_line_id == line.id:
                taken = min(quantity, row.quantity - row.received_quantity)
                row.received_quantity += taken
                quantity -= taken
    return line


def not_arrived(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, note: str) -> ReturnLine:
    """The vendor says that nothing has arrived of what was announced of a line: time does not speak against him then,
    the operator rules. Raises ReturnUnknown, NotYours, IllegalMove."""
    found = queries.locked(actor, case_id)
    line = found.line(line_id)
    still_open(found)
    answers(actor, line)
    _missed(actor, line, note)
    return line


def let_arrive(found: queries.Locked, line: ReturnLine) -> None:
    """The time to record what was announced of a line is over: each parcel that had its time counts as arrived, with
    all that is in it. Where none had, the first of them is waited for; where none travels, the line is missing."""
    arrive, now = ReturnTerms(found.case.terms).arrive, clock.now()
    own = [
        (parcel, rows)
        for parcel, rows in queries.on_their_way(found.case.id)
        if any(row.return_line_id == line.id for row in rows)
    ]
    over = [(parcel, rows) for parcel, rows in own if parcel.announced_at + arrive <= now]
    if not own:
        _missed(SYSTEM, line, _NOT_INSIDE)
    elif not over:
        wait_until(line, own[0][0].announced_at + arrive)
    for parcel, rows in over:
        _counted(found, parcel, rows)


def to_come(line: ReturnLine) -> int:
    """Units of a line that were announced and are on their way."""
    parts = queries.sent_of(line.id)
    return sum(row.quantity - row.received_quantity for row, state in parts if state is ParcelState.IN_TRANSIT)


def _counted(found: queries.Locked, parcel: ReturnParcel, rows: Sequence[ReturnParcelLine]) -> None:
    """Nobody has to wait for the other side's book-keeping: what a parcel was announced with counts as received."""
    arrived = []
    for row in rows:
        line = found.line(row.return_line_id)
        fresh = _awaited(line, row.quantity - row.received_quantity) if line.state in _WAITING else 0
        if fresh:
            row.received_quantity += fresh
            _add(SYSTEM, found, line, fresh, _NOT_RECORDED)
            arrived.append(line)
    history.move(parcel, ParcelVerb.RECEIVE, SYSTEM, note=_NOT_RECORDED)
    parcel.received_at = clock.now()
    told_all(arrived, "counted")


def _missed(actor: Actor, line: ReturnLine, said: str) -> None:
    history.move(line, LineVerb.MISS, actor, note=said)
    line.answer = said
    line.due_at = None
    told(line, "missing")


def _awaited(line: ReturnLine, quantity: int) -> int:
    """How many of so many units a line still waits for: none where it was withdrawn or decided while they travelled,
    fewer where they were received by themselves."""
    waits = line.state in _WAITING or line.state is LineState.MISSING
    return min(quantity, line.quantity - line.received_quantity) if waits else 0


def _received(actor: Actor, found: queries.Locked, line: ReturnLine, quantity: int, note: str = "") -> None:
    left = line.quantity - line.received_quantity
    if quantity > left:
        raise MoreThanApproved(
            f"{quantity} received, {left} are still to come.", pointer="/quantity", wanted=quantity, left=left
        )
    if quantity:
        _add(actor, found, line, quantity, note)
        told(line, "received")


def _add(actor: Actor, found: queries.Locked, line: ReturnLine, quantity: int, note: str) -> None:
    """So many more are there, and the vendor's time to inspect them begins."""
    history.move(line, LineVerb.RECEIVE, actor, note=note)
    line.received_quantity += quantity
    country = queries.countries_of([line.vendor_id])[line.vendor_id]
    wait_until(line, ReturnTerms(found.case.terms).inspect_by(clock.now(), country))


def _only_of(rows: Sequence[ReturnParcelLine], received: Mapping[uuid.UUID, int] | None) -> None:
    if received is not None and set(received) - {row.return_line_id for row in rows}:
        raise ReturnLineUnknown("This line is not in the parcel.", pointer="/lines")
