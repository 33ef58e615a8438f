"""What feeds read: themselves, their reports, and what is known of a batch of rows, in a few statements."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row as Record
from sqlalchemy import Select, Text, any_, bindparam, func, literal, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from marketplace.agreements.models import Price
from marketplace.catalogue.models import Category, Product
from marketplace.catalogue.states import OfferState
from marketplace.companies.models import Company
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from marketplace.kernel.errors import NotFound
from vendors.feeds.models import Feed, FeedMapping, FeedReportLine
from vendors.feeds.states import FeedState

_REPORT_CHUNK = 2_000
Part = tuple[str, str]


class FeedUnknown(NotFound):
    """There is no such feed."""

    message = "There is no such feed."


class MappingUnknown(NotFound):
    """There is no such mapping, or it is another vendor's."""

    message = "There is no such mapping."


@dataclass(frozen=True, slots=True)
class Seller:
    """What a run must know of the vendor."""

    id: uuid.UUID
    country: str
    currency: str
    may_sell: bool


def feeds(actor: Actor, state: FeedState | None = None) -> Select[tuple[Feed]]:
    statement = visible(actor, Feed)
    return statement if state is None else statement.where(Feed.state == state)


def feed(actor: Actor, feed_id: uuid.UUID, *, lock: bool = False) -> Feed:
    """One feed. Raises FeedUnknown."""
    statement = visible(actor, Feed).where(Feed.id == feed_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    row = db.session.scalars(statement).one_or_none()
    if row is None:
        raise FeedUnknown
    return row


def standing_still(since: datetime) -> list[Feed]:
    """Feeds that are under way and have not moved since, locked; not those that somebody works on."""
    under_way = Feed.state.in_([FeedState.RECEIVED, FeedState.RUNNING])
    statement = visible(SYSTEM, Feed).where(under_way, Feed.progressed_at < since).with_for_update(skip_locked=True)
    return list(db.session.scalars(statement, execution_options={"populate_existing": True}))


def report(actor: Actor, feed_id: uuid.UUID, *, taken: bool | None = None) -> Select[tuple[FeedReportLine]]:
    """Its lines; `taken`: only those of rows that were taken all the same, or only of those that were not."""
    statement = visible(actor, FeedReportLine).where(FeedReportLine.feed_id == feed_id)
    return statement if taken is None else statement.where(FeedReportLine.taken.is_(taken))


def report_lines(actor: Actor, feed_id: uuid.UUID) -> Iterator[FeedReportLine]:
    """Every line of a report in the order of rows, read in pieces."""
    after = -1
    while True:
        statement = report(actor, feed_id).where(FeedReportLine.row_number > after)
        lines = db.session.scalars(statement.order_by(FeedReportLine.row_number).limit(_REPORT_CHUNK)).all()
        yield from lines
        if len(lines) < _REPORT_CHUNK:
            return
        after = lines[-1].row_number


def mappings(actor: Actor, kind: str | None = None) -> Select[tuple[FeedMapping]]:
    """The actor's own mappings and the shared ones."""
    statement = visible(actor, FeedMapping)
    return statement if kind is None else statement.where(FeedMapping.format == kind)


def mappings_to_choose(actor: Actor, most: int) -> list[FeedMapping]:
    """The actor's own mappings, then the shared ones, each by name."""
    own_or_shared = (FeedMapping.vendor_id == actor.company_id) | FeedMapping.vendor_id.is_(None)
    statement = visible(actor, FeedMapping).where(own_or_shared)
    return list(db.session.scalars(statement.order_by(FeedMapping.vendor_id.is_(None), FeedMapping.name).limit(most)))


def mapping(actor: Actor, mapping_id: uuid.UUID) -> FeedMapping:
    """One mapping. Raises MappingUnknown."""
    row = db.session.scalars(visible(actor, FeedMapping).where(FeedMapping.id == mapping_id)).one_or_none()
    if row is None:
        raise MappingUnknown
    return row


def mapping_named(actor: Actor, name: str) -> FeedMapping:
    """The actor's own mapping of this name, else the shared one. Raises MappingUnknown."""
    statement = visible(actor, FeedMapping).where(FeedMapping.name == name)
    own_or_shared = statement.where((FeedMapping.vendor_id == actor.company_id) | FeedMapping.vendor_id.is_(None))
    row = db.session.scalars(own_or_shared.order_by(FeedMapping.vendor_id.is_(None)).limit(1)).one_or_none()
    if row is None:
        raise MappingUnknown
    return row


def mappings_owned(owner: uuid.UUID | None) -> int:
    """How many mappings a vendor, or with None the operator, has."""
    statement = visible(SYSTEM, FeedMapping).where(FeedMapping.vendor_id.is_not_distinct_from(owner))
    return db.session.scalar(statement.with_only_columns(func.count())) or 0


def name_taken(owner: uuid.UUID | None, name: str, but: uuid.UUID | None = None) -> bool:
    statement = visible(SYSTEM, FeedMapping).where(
        FeedMapping.vendor_id.is_not_distinct_from(owner), FeedMapping.name == name
    )
    if but is not None:
        statement = statement.where(FeedMapping.id != but)
    return db.session.scalar(statement.with_only_columns(func.count())) != 0


def seller(vendor_id: uuid.UUID) -> Seller:
    statement = visible(SYSTEM, Company).where(Company.id == vendor_id)
    columns = (Company.id, Company.country, Company.currency, Company.may_sell)
    return Seller(*db.session.execute(statement.with_only_columns(*columns)).one())


def categories_by_name() -> dict[str, uuid.UUID]:
    """The id of each category by its path, and by its slug where no other has the same."""
    rows = db.session.execute(visible(SYSTEM, Category).with_only_columns(Category.id, Category.slug, Category.path))
    by_slug: dict[str, list[uuid.UUID]] = defaultdict(list)
    by_path = {}
    for row in rows:
        by_path[row.path] = row.id
        by_slug[row.slug].append(row.id)
    return {slug: ids[0] for slug, ids in by_slug.items() if len(ids) == 1} | by_path


# editable: the facts of a product follow its bringer, as long as nobody else offers it; where he offers it by several
# SKUs, the oldest of them, so that two rows cannot take turns.
_KNOWN = """
    SELECT o.id, o.sku, o.state, o.unit, o.pack_size, o.min_quantity, o.lead_time_days, o.tax_category, o.product_id,
           p.name, p.description, p.manufacturer, p.manufacturer_key, p.part_number, p.part_number_key, p.ean,
           p.category_id, p.attributes, s.on_hand,
           p.created_by = o.vendor_id AND NOT EXISTS (
               SELECT 1 FROM offer other WHERE other.product_id = o.product_id
               AND (other.vendor_id <> o.vendor_id OR other.id < o.id)
           ) AS editable
    FROM offer o JOIN product p ON p.id = o.product_id JOIN offer_stock s ON s.offer_id = o.id
    WHERE o.vendor_id = :vendor_id AND o.sku = ANY(:skus)
    ORDER BY o.id
"""
_KNOWN_BOUND = (bindparam("vendor_id", type_=Uuid()), bindparam("skus", type_=ARRAY(Text())))
_READ_KNOWN = text(_KNOWN).bindparams(*_KNOWN_BOUND)
_KNOWN_LOCKED = f"{_KNOWN} FOR NO KEY UPDATE OF o"
_LOCK_KNOWN = text(_KNOWN_LOCKED).bindparams(*_KNOWN_BOUND)


@dataclass(frozen=True, slots=True)
class Known:
    """What a vendor offers by some SKUs, and what he offered by them and ended, the newest first."""

    offers: dict[str, Record[Any]]
    ended: dict[str, list[Record[Any]]]

    @property
    def ids(self) -> list[uuid.UUID]:
        return [row.id for rows in (self.offers.values(), *self.ended.values()) for row in rows]


def known_offers(vendor_id: uuid.UUID, skus: Sequence[str], *, lock: bool = True) -> Known:
    """The vendor's offers with these SKUs, with their product and stock, locked in the order of their ids."""
    known = Known({}, defaultdict(list))
    for row in db.session.execute(_LOCK_KNOWN if lock else _READ_KNOWN, {"vendor_id": vendor_id, "skus": list(skus)}):
        if row.state == OfferState.ENDED:
            known.ended[row.sku].insert(0, row)
        else:
            known.offers[row.sku] = row
    return known


def tiers_of(
    offer_ids: Sequence[uuid.UUID], list_ids: Sequence[uuid.UUID]
) -> dict[tuple[uuid.UUID, uuid.UUID], tuple[tuple[int, Decimal], ...]]:
    """{(offer, list): its tiers, rising}."""
    rows = db.session.execute(
        visible(SYSTEM, Price)
        .with_only_columns(Price.offer_id, Price.price_list_id, Price.from_quantity, Price.unit_price)
        .where(Price.offer_id == any_(literal(list(offer_ids), ARRAY(Uuid()))), Price.price_list_id.in_(list_ids))
        .order_by(Price.offer_id, Price.price_list_id, Price.from_quantity)
    )
    found: dict[tuple[uuid.UUID, uuid.UUID], tuple[tuple[int, Decimal], ...]] = {}
    for offer_id, list_id, from_quantity, unit_price in rows:
        key = (offer_id, list_id)
        found[key] = (*found.get(key, ()), (from_quantity, unit_price))
    return found


_BY_PART = text("""
    SELECT p.part_number_key, p.manufacturer_key, coalesce(p.merged_into, p.id)
    FROM unnest(:parts, :makers) AS wanted(part, maker)
    JOIN product p ON p.part_number_key = wanted.part AND p.manufacturer_key = wanted.maker
    ORDER BY p.id DESC
""").bindparams(bindparam("parts", type_=ARRAY(Text())), bindparam("makers", type_=ARRAY(Text())))


def products_by_ean(eans: Sequence[str]) -> dict[str, uuid.UUID]:
    """{EAN: the product that has it, or into which that was merged}."""
    if not eans:
        return {}
    statement = (
        visible(SYSTEM, Product)
        .with_only_columns(Product.ean, func.coalesce(Product.merged_into, Product.id))
        .where(Product.ean == any_(literal(list(eans), ARRAY(Text()))))
        .order_by(Product.id.desc())
    )
    return dict(db.session.execute(statement).all())


def products_by_part(parts: Sequence[Part]) -> dict[Part, uuid.UUID]:
    """{(part number key, manufacturer key): the product that has both, or into which that was merged}."""
    if not parts:
        return {}
    asked = {"parts": [part for part, _ in parts], "makers": [maker for _, maker in parts]}
    return {(part, maker): product_id for part, maker, product_id in db.session.execute(_BY_PART, asked)}


def names_of(product_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    if not product_ids:
        return {}
    statement = visible(SYSTEM, Product).where(Product.id == any_(literal(list(product_ids), ARRAY(Uuid()))))
    return dict(db.session.execute(statement.with_only_columns(Product.id, Product.name)).all())


_LOCK_STOCKS = text(
    "SELECT offer_id FROM offer_stock WHERE offer_id = ANY(:ids) ORDER BY offer_id FOR NO KEY UPDATE"
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


def lock_stocks(offer_ids: Sequence[uuid.UUID]) -> None:
    """Hold the stock of these offers, in the order of ids, as a reservation does."""
    db.session.execute(_LOCK_STOCKS, {"ids": list(offer_ids)})
