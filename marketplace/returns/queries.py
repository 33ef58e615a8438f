"""Return cases, as each party may see them: every SELECT of this room."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, insert, or_, tuple_

from marketplace.companies.models import Company
from marketplace.kernel.access import SYSTEM, Actor, Side, given, prepared, visible, visible_where
from marketplace.kernel.db import db
from marketplace.kernel.history import HistoryLine
from marketplace.orders import queries as orders
from marketplace.orders.models import Order, OrderStep
from marketplace.returns.models import (
    ReturnAppeal,
    ReturnCase,
    ReturnDecision,
    ReturnEvidence,
    ReturnLine,
    ReturnNumber,
    ReturnParcel,
    ReturnParcelLine,
    ReturnReplacement,
    ReturnUnit,
)
from marketplace.returns.refusals import (
    AppealUnknown,
    DecisionUnknown,
    EvidenceUnknown,
    ReplacementUnknown,
    ReturnLineUnknown,
    ReturnParcelUnknown,
    ReturnUnknown,
)
from marketplace.returns.states import ENDED, REMINDED, TURN, LineState, ParcelState

Due = tuple[uuid.UUID, uuid.UUID, datetime]  # case, line, when its turn is over
_AFRESH = {"populate_existing": True}
_NEXT_NUMBER = insert(ReturnNumber.__table__).returning(ReturnNumber.__table__.c.id)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Locked:
    """A case whose order is locked, with the lines of it that the actor sees."""

    case: ReturnCase
    order: Order
    lines: Sequence[ReturnLine]

    def line(self, line_id: uuid.UUID) -> ReturnLine:
        """Raises ReturnLineUnknown."""
        for line in self.lines:
            if line.id == line_id:
                return line
        raise ReturnLineUnknown


@dataclass(frozen=True, slots=True)
class Replaced:
    """A line of an order's case of which units are replaced, the case's number, and what was sent so far."""

    line: ReturnLine
    case_number: str
    sent: Sequence[ReturnReplacement]


@dataclass(frozen=True, slots=True)
class WholeCase:
    """A case with everything of it that an actor may see."""

    case: ReturnCase
    lines: Sequence[ReturnLine]
    units: dict[uuid.UUID, list[str]]
    evidence: Sequence[ReturnEvidence]
    parcels: Sequence[ReturnParcel]
    parcel_lines: dict[uuid.UUID, list[ReturnParcelLine]]
    replacements: Sequence[ReturnReplacement]
    appeals: Sequence[ReturnAppeal]
    decisions: Sequence[ReturnDecision]
    moves: Sequence[HistoryLine]


def case(actor: Actor, case_id: uuid.UUID) -> ReturnCase:
    """One case: its buyer's, the operator's, and that of a vendor who has a line in it. Raises ReturnUnknown."""
    row = db.session.scalars(_case(actor), given(actor, case_id=case_id)).one_or_none()
    if row is None and actor.acts_as(Side.VENDOR) and lines_of(actor, case_id):
        row = db.session.scalars(_case(SYSTEM), {"case_id": case_id}).one_or_none()
    if row is None:
        raise ReturnUnknown
    return row


@prepared
def _case(viewer: Actor) -> Select[Any]:
    return visible(viewer, ReturnCase).where(ReturnCase.id == bindparam("case_id"))


def locked(actor: Actor, case_id: uuid.UUID) -> Locked:
    """A case under the lock of its order, read again after it: whatever is done to cases of one order waits here."""
    found = case(actor, case_id)
    order = orders.order(SYSTEM, found.order_id, locked=True)
    statement = visible(SYSTEM, ReturnCase).where(ReturnCase.id == case_id)
    again = db.session.scalars(statement, execution_options=_AFRESH).one()
    return Locked(again, order, lines_of(actor, case_id))


def lines_of(actor: Actor, case_id: uuid.UUID) -> list[ReturnLine]:
    """The lines of a case that the actor sees: a vendor his own."""
    return list(db.session.scalars(_lines(actor), given(actor, case_id=case_id), execution_options=_AFRESH))


@prepared
def _lines(viewer: Actor) -> Select[Any]:
    return visible(viewer, ReturnLine).where(ReturnLine.case_id == bindparam("case_id")).order_by(ReturnLine.position)


def next_number() -> str:
    return f"R-{db.session.execute(_NEXT_NUMBER).scalar_one()}"


def cases(
    actor: Actor,
    *,
    order_id: uuid.UUID | None = None,
    state: LineState | None = None,
    turn: str | None = None,
    is_open: bool | None = None,
) -> Select[tuple[ReturnCase]]:
    """The cases that the actor may see; `state`: with a line in it, `turn`: with a line that waits for that side."""
    own = visible_where(actor, ReturnLine)
    of_case = exists().where(ReturnLine.case_id == ReturnCase.id)
    seen = of_case if own is None else of_case.where(own)
    statement = visible(SYSTEM, ReturnCase)
    if own is not None:
        buyer = visible_where(actor, ReturnCase)
        statement = statement.where(seen if buyer is None else or_(buyer, seen))
    if order_id is not None:
        statement = statement.where(ReturnCase.order_id == order_id)
    if state is not None:
        statement = statement.where(seen.where(ReturnLine.state == state))
    if turn is not None:
        statement = statement.where(seen.where(_turn_of(turn)))
    if is_open is not None:
        under_way = seen.where(ReturnLine.state.not_in(ENDED))
        statement = statement.where(under_way if is_open else ~under_way)
    return statement


def _turn_of(side: str) -> ColumnElement[bool]:
    """The condition under which states.turn_of() of a line is `side`."""
    waiting = ReturnLine.state.in_([one for one, whose in TURN.items() if whose == side])
    stays = and_(ReturnLine.state == LineState.APPROVED, ReturnLine.goods != "back")
    return or_(waiting, stays) if side == "vendor" else and_(waiting, ~stays)


def lines_of_cases(actor: Actor, case_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[ReturnLine]]:
    """The lines of a page of cases that the actor sees, in one query."""
    found: dict[uuid.UUID, list[ReturnLine]] = defaultdict(list)
    statement = visible(actor, ReturnLine).where(ReturnLine.case_id.in_(list(case_ids)))
    for line in db.session.scalars(statement.order_by(ReturnLine.position)):
        found[line.case_id].append(line)
    return found


def of_order(actor: Actor, order_id: uuid.UUID) -> Sequence[ReturnCase]:
    """The cases of an order that the actor sees, oldest first."""
    return db.session.scalars(cases(actor, order_id=order_id).order_by(ReturnCase.id)).all()


def live_serials(order_line_ids: Iterable[uuid.UUID]) -> set[tuple[uuid.UUID, str]]:
    """(order line, serial number) of the units that are coming back or came back."""
    statement = (
        visible(SYSTEM, ReturnUnit)
        .with_only_columns(ReturnUnit.order_line_id, ReturnUnit.serial)
        .where(ReturnUnit.order_line_id.in_(list(order_line_ids)), ReturnUnit.live)
    )
    return {(row[0], row[1]) for row in db.session.execute(statement)}


def units_of(return_line_id: uuid.UUID) -> list[ReturnUnit]:
    statement = visible(SYSTEM, ReturnUnit).where(ReturnUnit.return_line_id == return_line_id)
    return list(db.session.scalars(statement.order_by(ReturnUnit.serial)))


def whole(actor: Actor, case_id: uuid.UUID) -> WholeCase:
    """A case with everything of it that the actor may see. Raises ReturnUnknown."""
    found = case(actor, case_id)
    lines = lines_of(actor, case_id)
    units: dict[uuid.UUID, list[str]] = defaultdict(list)
    for unit in _of_case(actor, ReturnUnit, case_id):
        units[unit.return_line_id].append(unit.serial)
    parcel_lines: dict[uuid.UUID, list[ReturnParcelLine]] = defaultdict(list)
    for row in _of_case(actor, ReturnParcelLine, case_id):
        parcel_lines[row.parcel_id].append(row)
    return WholeCase(
        case=found,
        lines=lines,
        units=units,
        evidence=_of_case(actor, ReturnEvidence, case_id),
        parcels=_of_case(actor, ReturnParcel, case_id),
        parcel_lines=parcel_lines,
        replacements=replacements_of(actor, case_id),
        appeals=_of_case(actor, ReturnAppeal, case_id),
        decisions=decisions_of(case_id),
        moves=moves_of(lines),
    )


def _of_case(actor: Actor, model: Any, case_id: uuid.UUID) -> list[Any]:
    statement = visible(actor, model).where(model.case_id == case_id)
    own = getattr(model, "id", None)
    return list(db.session.scalars(statement if own is None else statement.order_by(own), execution_options=_AFRESH))


def decisions_of(case_id: uuid.UUID) -> list[ReturnDecision]:
    """The decisions of a case, oldest first. The caller has checked who may see what of them."""
    statement = visible(SYSTEM, ReturnDecision).where(ReturnDecision.case_id == case_id)
    return list(db.session.scalars(statement.order_by(ReturnDecision.number)))


def decision(case_id: uuid.UUID, number: int) -> ReturnDecision:
    """Raises DecisionUnknown. The caller has checked who may see what of it."""
    statement = visible(SYSTEM, ReturnDecision).where(
        ReturnDecision.case_id == case_id, ReturnDecision.number == number
    )
    row = db.session.scalars(statement).one_or_none()
    if row is None:
        raise DecisionUnknown
    return row


def steps(step_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, OrderStep]:
    """The order's steps that decisions stand on."""
    statement = visible(SYSTEM, OrderStep).where(OrderStep.id.in_(list(step_ids)))
    return {row.id: row for row in db.session.scalars(statement)}


def moves_of(lines: Sequence[ReturnLine]) -> list[HistoryLine]:
    """The moves of some lines, oldest first."""
    statement = visible(SYSTEM, HistoryLine).where(
        HistoryLine.table_name == ReturnLine.__tablename__, HistoryLine.row_id.in_([line.id for line in lines])
    )
    return list(db.session.scalars(statement.order_by(HistoryLine.id)))


def evidence(actor: Actor, case_id: uuid.UUID, evidence_id: uuid.UUID) -> ReturnEvidence:
    """One file. Raises EvidenceUnknown."""
    statement = visible(actor, ReturnEvidence).where(
        ReturnEvidence.case_id == case_id, ReturnEvidence.id == evidence_id
    )
    row = db.session.scalars(statement).one_or_none()
    if row is None:
        raise EvidenceUnknown
    return row


def evidence_of(line_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """The ids of the files that speak for or against lines."""
    found: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    statement = visible(SYSTEM, ReturnEvidence).where(ReturnEvidence.return_line_id.in_(list(line_ids)))
    for row in db.session.scalars(statement.order_by(ReturnEvidence.id)):
        found[row.return_line_id].append(row.id)
    return found


def parcel(actor: Actor, case_id: uuid.UUID, parcel_id: uuid.UUID) -> ReturnParcel:
    """One parcel; the caller holds the order's lock. Raises ReturnParcelUnknown."""
    statement = visible(actor, ReturnParcel).where(ReturnParcel.case_id == case_id, ReturnParcel.id == parcel_id)
    row = db.session.scalars(statement, execution_options=_AFRESH).one_or_none()
    if row is None:
        raise ReturnParcelUnknown
    return row


def replacements_of(actor: Actor, case_id: uuid.UUID) -> list[ReturnReplacement]:
    """What was shipped instead of goods that came back, as far as the actor sees it, oldest first."""
    return _of_case(actor, ReturnReplacement, case_id)


def replacement(actor: Actor, case_id: uuid.UUID, replacement_id: uuid.UUID) -> ReturnReplacement:
    """One of them; the caller holds the order's lock. Raises ReplacementUnknown."""
    for row in replacements_of(actor, case_id):
        if row.id == replacement_id:
            return row
    raise ReplacementUnknown


def replaced(actor: Actor, order_line_ids: Iterable[uuid.UUID]) -> list[Replaced]:
    """What is, or was, replaced of some order lines, as far as the actor sees it, in two queries at most."""
    statement = visible(actor, ReturnLine).add_columns(ReturnCase.number)
    statement = statement.join(ReturnCase, ReturnCase.id == ReturnLine.case_id)
    of_line = exists().where(ReturnReplacement.return_line_id == ReturnLine.id)
    of_line = of_line.where(ReturnReplacement.case_id == ReturnLine.case_id)
    statement = statement.where(
        ReturnLine.order_line_id.in_(list(order_line_ids)), or_(ReturnLine.state == LineState.REPLACING, of_line)
    )
    rows = db.session.execute(statement.order_by(ReturnLine.id)).all()
    sent: dict[uuid.UUID, list[ReturnReplacement]] = defaultdict(list)
    if rows:
        found = visible(actor, ReturnReplacement).where(
            ReturnReplacement.case_id.in_({line.case_id for line, _ in rows})
        )
        for one in db.session.scalars(found.order_by(ReturnReplacement.id)):
            sent[one.return_line_id].append(one)
    return [Replaced(line, number, sent[line.id]) for line, number in rows]


def parcels_of(case_id: uuid.UUID) -> list[ReturnParcel]:
    statement = visible(SYSTEM, ReturnParcel).where(ReturnParcel.case_id == case_id)
    return list(db.session.scalars(statement.order_by(ReturnParcel.number), execution_options=_AFRESH))


def parcel_lines_of(parcel_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[ReturnParcelLine]]:
    found: dict[uuid.UUID, list[ReturnParcelLine]] = defaultdict(list)
    statement = visible(SYSTEM, ReturnParcelLine).where(ReturnParcelLine.parcel_id.in_(list(parcel_ids)))
    for row in db.session.scalars(statement, execution_options=_AFRESH):
        found[row.parcel_id].append(row)
    return found


def on_their_way(case_id: uuid.UUID) -> list[tuple[ReturnParcel, list[ReturnParcelLine]]]:
    """The parcels of a case that have not arrived, each with what is in it, the first announced first."""
    found = [parcel for parcel in parcels_of(case_id) if parcel.state is ParcelState.IN_TRANSIT]
    inside = parcel_lines_of([parcel.id for parcel in found]) if found else {}
    return [(parcel, inside[parcel.id]) for parcel in found]


def sent_of(line_id: uuid.UUID) -> list[tuple[ReturnParcelLine, ParcelState]]:
    """What was announced of a line, each with the state of its parcel."""
    statement = visible(SYSTEM, ReturnParcelLine).add_columns(ReturnParcel.state)
    statement = statement.join(ReturnParcel, ReturnParcel.id == ReturnParcelLine.parcel_id)
    rows = db.session.execute(statement.where(ReturnParcelLine.return_line_id == line_id), execution_options=_AFRESH)
    return [(row[0], row[1]) for row in rows]


def appeal(actor: Actor, case_id: uuid.UUID, appeal_id: uuid.UUID) -> ReturnAppeal:
    """One appeal; the caller holds the order's lock. Raises AppealUnknown."""
    statement = visible(actor, ReturnAppeal).where(ReturnAppeal.case_id == case_id, ReturnAppeal.id == appeal_id)
    row = db.session.scalars(statement, execution_options=_AFRESH).one_or_none()
    if row is None:
        raise AppealUnknown
    return row


def open_appeals(line_id: uuid.UUID) -> list[ReturnAppeal]:
    statement = visible(SYSTEM, ReturnAppeal).where(
        ReturnAppeal.return_line_id == line_id, ReturnAppeal.ruled_at.is_(None)
    )
    return list(db.session.scalars(statement.order_by(ReturnAppeal.id), execution_options=_AFRESH))


def due(before: datetime, limit: int, last: Due | None = None) -> list[Due]:
    """Lines whose turn was over `before`, the oldest first, those after `last`."""
    return _due(visible(SYSTEM, ReturnLine).where(ReturnLine.due_at <= before), limit, last)


def to_remind(now: datetime, limit: int, last: Due | None = None) -> list[Due]:
    """Lines that wait for buyer or vendor, whose time is nearly over by the terms of their case, and that nobody was
    reminded of yet: the nearest deadline first, those after `last`."""
    waiting = [state for state, whose in TURN.items() if whose in REMINDED]
    ahead = func.make_interval(0, 0, 0, 0, ReturnCase.terms["remind_hours"].as_integer())
    statement = visible(SYSTEM, ReturnLine).join(ReturnCase, ReturnCase.id == ReturnLine.case_id)
    statement = statement.where(ReturnLine.due_at > now, ReturnLine.due_at <= now + ahead)
    statement = statement.where(ReturnLine.reminded_at.is_(None), ReturnLine.state.in_(waiting))
    return _due(statement, limit, last)


def _due(statement: Select[Any], limit: int, last: Due | None) -> list[Due]:
    statement = statement.with_only_columns(ReturnLine.case_id, ReturnLine.id, ReturnLine.due_at)
    if last is not None:
        statement = statement.where(tuple_(ReturnLine.due_at, ReturnLine.id) > tuple_(last[2], last[1]))
    rows = db.session.execute(statement.order_by(ReturnLine.due_at, ReturnLine.id).limit(limit))
    return [(row[0], row[1], row[2]) for row in rows]


def to_close(limit: int, last: uuid.UUID | None = None) -> list[uuid.UUID]:
    """Cases that are not closed and of which no line is under way or may still be appealed, those after `last`."""
    waits = exists().where(
        ReturnLine.case_id == ReturnCase.id, or_(ReturnLine.state.not_in(ENDED), ReturnLine.due_at.is_not(None))
    )
    statement = visible(SYSTEM, ReturnCase).with_only_columns(ReturnCase.id)
    statement = statement.where(ReturnCase.closed_at.is_(None), ~waits)
    if last is not None:
        statement = statement.where(ReturnCase.id > last)
    return list(db.session.scalars(statement.order_by(ReturnCase.id).limit(limit)))


def countries_of(company_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The country of each company: its holidays count."""
    statement = visible(SYSTEM, Company).with_only_columns(Company.id, Company.country)
    return {row[0]: row[1] for row in db.session.execute(statement.where(Company.id.in_(list(company_ids))))}
