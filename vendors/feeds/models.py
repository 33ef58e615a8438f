"""A feed remembers how far it came, so that a run that was killed goes on from there; each bad row has its line."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Row, Versioned, id_column, state_column
from vendors.feeds.items import Skipped
from vendors.feeds.states import FEED_STATES, FeedState


class Feed(Row):
    """A file of a vendor on its way into the catalogue. `rows_done` is the checkpoint: rows before it are settled."""

    __tablename__ = "feed"
    __tenants__ = Tenants(vendor="vendor_id")
    __states__ = FEED_STATES
    __table_args__ = (
        UniqueConstraint("vendor_id", "id"),
        Index("ix_feed_under_way", "progressed_at", postgresql_where=text("state IN ('received', 'running')")),
    )

    id: Mapped[uuid.UUID] = id_column()
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    filename: Mapped[str]
    format: Mapped[str]  # csv, xlsx, bmecat, jsonl
    encoding: Mapped[str] = mapped_column(default="utf-8")  # of a CSV
    delimiter: Mapped[str] = mapped_column(default=",")
    # As the mapping was when the file came: id, name, version, format, content. What becomes of it later is no matter.
    mapping: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    decimal_mark: Mapped[str] = mapped_column(default=".")
    currency: Mapped[str]  # of rows that name none
    warnings: Mapped[list[Any]] = mapped_column(default=list)  # sentences about the file as a whole
    skipped: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what was left out of the rows so far: how often
    stored_as: Mapped[str]  # below the var folder
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    state: Mapped[FeedState] = state_column(FeedState, FeedState.RECEIVED)
    rows_total: Mapped[int] = mapped_column(default=0)
    rows_done: Mapped[int] = mapped_column(default=0)
    rows_created: Mapped[int] = mapped_column(default=0)
    rows_changed: Mapped[int] = mapped_column(default=0)
    rows_ended: Mapped[int] = mapped_column(default=0)
    rows_unchanged: Mapped[int] = mapped_column(default=0)
    rows_bad: Mapped[int] = mapped_column(default=0)
    rows_noted: Mapped[int] = mapped_column(default=0)  # taken, but not all of it
    error: Mapped[str] = mapped_column(default="")  # why the whole feed failed
    broke_off: Mapped[int] = mapped_column(default=0)  # how often in a row by an error of ours, with no row settled
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    started_at: Mapped[datetime | None]
    progressed_at: Mapped[datetime | None]  # a feed that stands still is handed to the queue again
    finished_at: Mapped[datetime | None]

    @property
    def all_warnings(self) -> list[str]:
        """The sentences about the file, and those about what was left out of its rows."""
        return [*self.warnings, *Skipped(self.skipped).sentences()]


class FeedMapping(Versioned, Row):
    """How the fields of a kind of file become the columns of a feed: a vendor's own, or everybody's (vendor_id None),
    which the operator keeps. `content` is as mapping_schemas has checked it."""

    __tablename__ = "feed_mapping"
    __tenants__ = Tenants(vendor="vendor_id", public=lambda m: m.vendor_id.is_(None))
    __table_args__ = (
        UniqueConstraint("vendor_id", "name", postgresql_nulls_not_distinct=True),
        CheckConstraint("format IN ('table', 'jsonl')", name="format"),
    )

    id: Mapped[uuid.UUID] = id_column()
    vendor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("company.id"))
    name: Mapped[str]
    format: Mapped[str]  # table (CSV and XLSX), jsonl
    note: Mapped[str] = mapped_column(default="")
    content: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    @property
    def shared(self) -> bool:
        return self.vendor_id is None

    @property
    def frozen(self) -> dict[str, Any]:
        """What a feed keeps of it."""
        facts = {"name": self.name, "version": self.version, "format": self.format, "content": self.content}
        return {"id": str(self.id), **facts}


class FeedReportLine(Row):
    """Why one row of a feed was not taken, or what of a row that was taken was left out."""

    __tablename__ = "feed_report_line"
    __tenants__ = Tenants(vendor="vendor_id")
    __table_args__ = (UniqueConstraint("feed_id", "row_number", "column"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    feed_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("feed.id"))
    vendor_id: Mapped[uuid.UUID]
    row_number: Mapped[int] = mapped_column(BigInteger)  # as a spreadsheet counts: the header is 1
    column: Mapped[str] = mapped_column(default="")
    sku: Mapped[str] = mapped_column(default="")
    message: Mapped[str]
    taken: Mapped[bool] = mapped_column(default=False)  # the row was, all the same: a notice
