"""The index of the PostgreSQL engine, what waits to be indexed, how the operator steers search, and what was searched.

The index holds one document per product and is rebuilt from the catalogue at any time.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import DDL, BigInteger, CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, event, text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text, Uuid

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Row, Versioned, id_column, state_column
from search.states import PROPOSAL_STATES, ProposalState

EXTENSIONS = ("fuzzystrmatch", "pg_trgm", "unaccent")


class SearchDocument(Row):
    """`version` is that of the product when it was read; a tombstone (`gone`) keeps it, and may outlive the product.

    `numbers` are the normalised part number, EAN and SKUs, `deletions` the part number with a character left out;
    `words` the weighted text in all its languages; `pairs`, `measures` and `scales` its attributes (see documents.py).
    `kinds`: stems of the words that say what it is (`=`) and of those that it is for (`>`).
    """

    __tablename__ = "search_document"
    __table_args__ = (
        Index("ix_search_document_words", "words", postgresql_using="gin"),
        Index("ix_search_document_numbers", "numbers", postgresql_using="gin"),
        Index("ix_search_document_deletions", "deletions", postgresql_using="gin"),
        Index("ix_search_document_part_key", "part_number_key", postgresql_ops={"part_number_key": "text_pattern_ops"}),
        Index(
            "ix_search_document_part",
            "part_number_key",
            postgresql_using="gin",
            postgresql_ops={"part_number_key": "gin_trgm_ops"},
        ),
        Index("ix_search_document_category", "category_path", postgresql_ops={"category_path": "text_pattern_ops"}),
        Index("ix_search_document_there", "title", "product_id", postgresql_where=text("NOT gone")),
    )

    product_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    gone: Mapped[bool] = mapped_column(default=False)
    title: Mapped[str] = mapped_column(Text, default="")
    part_number_key: Mapped[str] = mapped_column(Text, default="")
    numbers: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    deletions: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    category_path: Mapped[str] = mapped_column(Text, default="")
    vendors: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), default=list)
    in_stock: Mapped[bool] = mapped_column(default=False)
    lead_days: Mapped[int | None] = mapped_column(Integer)
    pairs: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    measures: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    scales: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    words: Mapped[Any] = mapped_column(TSVECTOR, default="")


class SearchWord(Row):
    """A word of the catalogue's names, all letters, with the number of names it is in: what misspellings are corrected
    to."""

    __tablename__ = "search_word"
    __table_args__ = (
        Index("ix_search_word_word", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}),
    )

    word: Mapped[str] = mapped_column(Text, primary_key=True)
    documents: Mapped[int] = mapped_column(Integer)


class SearchPending(Row):
    """A product that changed and is not in the outside index yet; `since` is its first change that is not there."""

    __tablename__ = "search_pending"
    __table_args__ = (Index("ix_search_pending_since", "since"),)

    product_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    asked: Mapped[int] = mapped_column(BigInteger, default=1)  # rises with each change


class SearchRefusal(Row):
    """A product whose document the engine could not take, and why; until a later version is taken."""

    __tablename__ = "search_refusal"

    product_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=clock.now)


class ProductProposal(Versioned, Row):
    """Two products that may be one, the older first: how likely, and why in words. A pair is proposed once: what was
    rejected stays so."""

    __tablename__ = "product_proposal"
    __tenants__ = Tenants()
    __states__ = PROPOSAL_STATES
    __table_args__ = (
        UniqueConstraint("one_id", "other_id"),
        CheckConstraint("one_id < other_id", name="order"),
        CheckConstraint("score BETWEEN 0 AND 1", name="score"),
        Index("ix_product_proposal_other_id", "other_id"),
        Index("ix_product_proposal_open", "score", "id", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[uuid.UUID] = id_column()
    one_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("product.id"))
    other_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("product.id"))
    score: Mapped[float]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    state: Mapped[ProposalState] = state_column(ProposalState, ProposalState.OPEN)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class ProductNaming(Row):
    """What of a product was compared last (a digest of name, numbers and category); `since`: it differs now, and waits
    to be compared."""

    __tablename__ = "product_naming"
    __table_args__ = (Index("ix_product_naming_since", "since", postgresql_where=text("since IS NOT NULL")),)

    product_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime | None]


class HiddenVendor(Row):
    """A vendor who may not sell at present: his offers vanish at once, before the index knows."""

    __tablename__ = "search_hidden_vendor"

    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)


class SearchRule(Versioned, Row):
    """How the operator steers search. `synonym`: any of `words` is read as each of the others (`one_way`: the first as
    the others), in `category_path` and below it or everywhere. `boost`: hits in `category_path` count `weight` times
    where the text has one of `words`, or always where there are none."""

    __tablename__ = "search_rule"
    __tenants__ = Tenants()
    __table_args__ = (
        CheckConstraint("kind IN ('synonym', 'boost')", name="kind"),
        CheckConstraint("weight > 0 AND weight <= 10", name="weight"),
        CheckConstraint("kind = 'synonym' OR category_path <> ''", name="boost_has_category"),
    )

    id: Mapped[uuid.UUID] = id_column()
    kind: Mapped[str]
    words: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    one_way: Mapped[bool] = mapped_column(default=False)
    category_path: Mapped[str] = mapped_column(Text, default="")
    weight: Mapped[float] = mapped_column(default=1.0)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)


class SearchQuery(Row):
    """What a company searched for, and how many it found. `words` without case and double spaces."""

    __tablename__ = "search_query"
    __tenants__ = Tenants(own="company_id")
    __table_args__ = (Index("ix_search_query_at", "at"), Index("ix_search_query_company", "company_id", "at"))

    id: Mapped[uuid.UUID] = id_column()
    company_id: Mapped[uuid.UUID | None]
    words: Mapped[str] = mapped_column(Text)
    found: Mapped[int]
    at: Mapped[datetime] = mapped_column(default=clock.now)


class SearchVisit(Row):
    """A product that somebody opened from the hits of a query; `ordered_at` where his company then ordered it."""

    __tablename__ = "search_visit"
    __tenants__ = Tenants(own="company_id")
    __table_args__ = (Index("ix_search_visit_product", "company_id", "product_id", "at"),)

    query_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    product_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    company_id: Mapped[uuid.UUID]
    at: Mapped[datetime] = mapped_column(default=clock.now)
    ordered_at: Mapped[datetime | None]


for extension in EXTENSIONS:
    event.listen(Row.metadata, "before_create", DDL(f"CREATE EXTENSION IF NOT EXISTS {extension}"))
