"""The index of the PostgreSQL engine: one document per product, rebuilt from the catalogue at any time."""

import uuid
from typing import Any

from sqlalchemy import DDL, BigInteger, Index, event, text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from marketplace.kernel.db import Row

EXTENSIONS = ("pg_trgm", "unaccent")


class SearchDocument(Row):
    """`version` is that of the product when it was read; a tombstone (`gone`) keeps it, and may outlive the product.

    `numbers` are the normalised part number, EAN and SKUs; `words` the weighted text.
    """

    __tablename__ = "search_document"
    __table_args__ = (
        Index("ix_search_document_words", "words", postgresql_using="gin"),
        Index("ix_search_document_numbers", "numbers", postgresql_using="gin"),
        Index(
            "ix_search_document_part",
            "part_number_key",
            postgresql_using="gin",
            postgresql_ops={"part_number_key": "gin_trgm_ops"},
        ),
        Index("ix_search_document_title", "title", postgresql_using="gin", postgresql_ops={"title": "gin_trgm_ops"}),
        Index("ix_search_document_category", "category_path", postgresql_ops={"category_path": "text_pattern_ops"}),
        Index("ix_search_document_there", "title", "product_id", postgresql_where=text("NOT gone")),
    )

    product_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    gone: Mapped[bool] = mapped_column(default=False)
    title: Mapped[str] = mapped_column(Text, default="")
    part_number_key: Mapped[str] = mapped_column(Text, default="")
    numbers: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    category_path: Mapped[str] = mapped_column(Text, default="")
    words: Mapped[Any] = mapped_column(TSVECTOR, default="")


for extension in EXTENSIONS:
    event.listen(Row.metadata, "before_create", DDL(f"CREATE EXTENSION IF NOT EXISTS {extension}"))
