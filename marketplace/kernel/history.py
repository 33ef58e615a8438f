"""Every change of a state leaves a line: who, when, by which verb, from where to where."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Actor
from marketplace.kernel.db import Row, append_only, db, in_transaction
from marketplace.kernel.states import advance


@append_only
class HistoryLine(Row):
    """One move of one row; append-only (trigger)."""

    __tablename__ = "history"
    __written_only__ = True  # who writes a line does not read it: see writes
    __table_args__ = (Index("ix_history_row", "table_name", "row_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    table_name: Mapped[str]
    row_id: Mapped[uuid.UUID]
    verb: Mapped[str]
    from_state: Mapped[str]
    to_state: Mapped[str]
    person_id: Mapped[uuid.UUID | None]
    company_id: Mapped[uuid.UUID | None]
    note: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]


def move(row: Any, verb: StrEnum, actor: Actor, *, note: str = "") -> bool:
    """Advance `row.state` by `verb` through `row.__states__` and append the line; the row must be locked by the caller.

    Returns False, and writes nothing, where the verb leaves the state as it is (one that may arrive twice).
    Raises IllegalMove.
    """
    if not in_transaction():
        raise RuntimeError("move() belongs inside a transaction()")
    before = row.state
    after = advance(row.__states__, before, verb)
    if after == before:
        return False
    row.state = after
    db.session.add(
        HistoryLine(
            table_name=row.__tablename__,
            row_id=row.id,
            verb=verb.value,
            from_state=before.value,
            to_state=after.value,
            person_id=actor.person_id,
            company_id=actor.company_id,
            note=note,
            at=clock.now(),
        )
    )
    return True


def last_movers(table_name: str, row_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID | None]:
    """The company that moved each of these rows last; rows that never moved are absent."""
    statement = select(HistoryLine.row_id, HistoryLine.company_id).where(
        HistoryLine.table_name == table_name, HistoryLine.row_id.in_(list(row_ids))
    )
    newest = statement.ext(distinct_on(HistoryLine.row_id)).order_by(HistoryLine.row_id, HistoryLine.id.desc())
    return dict(db.session.execute(newest).all())


def lines_of(table_name: str, row_id: uuid.UUID) -> list[HistoryLine]:
    """The moves of one row, oldest first. The caller has checked that the actor sees the row."""
    statement = select(HistoryLine).where(HistoryLine.table_name == table_name, HistoryLine.row_id == row_id)
    return list(db.session.scalars(statement.order_by(HistoryLine.id)))
