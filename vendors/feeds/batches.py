"""A batch of wanted offers is compared with what is there, and only what differs is written."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Row as Record

from marketplace.agreements.actions import public_list
from marketplace.catalogue.actions import (
    NEW_PRODUCTS_LOCK,
    barred_from_relisting,
    end_offers,
    relist_offers,
    search_changed,
)
from marketplace.catalogue.events import OffersChanged
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import advisory_lock, new_id
from marketplace.kernel.outbox import publish
from vendors.feeds import queries, writing
from vendors.feeds.queries import Known, Part, Seller
from vendors.feeds.rows import Ended, Fault, Notice, Wanted
from vendors.feeds.writing import Plan

_PART = ("manufacturer", "manufacturer_key", "part_number", "part_number_key")
NOT_OFFERED = "the file says that this is no longer sold, and nothing has this SKU"
BARRED = "the operator ended your offer of this SKU; speak to the operator"
NAMELESS = "is missing, and nothing has this SKU"
NAMELESS_ENDED = "is missing, and the offer of this SKU was ended: only a row with a name brings it back"
NAME_KEPT = 'not taken: the product is not this SKU\'s alone and keeps its name, "{}"'
_PRODUCT_TEXTS = ("name", "description", *_PART)
_DEFAULTS: dict[str, Any] = {
    "unit": "piece",
    "pack_size": 1,
    "min_quantity": 1,
    "lead_time_days": 1,
    "tax_category": "standard",
}


@dataclass
class Written:
    """What a batch came to; `products`: those known before that search shows differently now."""

    created: int = 0
    changed: int = 0
    ended: int = 0
    unchanged: int = 0
    faults: list[Fault] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    products: set[uuid.UUID] = field(default_factory=set)


@dataclass
class _Numbers:
    """Which product an EAN or a part number means; grows with the products that the batch brings."""

    by_ean: dict[str, uuid.UUID]
    by_part: dict[Part, uuid.UUID]

    def match(self, row: Wanted) -> uuid.UUID | None:
        """The EAN decides, else manufacturer and part number together."""
        return self.by_ean.get(row.values.get("ean", "")) or (self.by_part.get(row.part) if row.part else None)

    def learn(self, product_id: uuid.UUID, ean: str | None, part: Part | None) -> None:
        if ean:
            self.by_ean.setdefault(ean, product_id)
        if part:
            self.by_part.setdefault(part, product_id)


def write(
    seller: Seller, currency: str, rows: Sequence[Wanted], ended: Sequence[Ended] = (), sender: Actor = SYSTEM
) -> Written:
    """Make the offers of `rows` as they are wanted, and end those of `ended`, for whom sent the file; all SKUs differ.
    `currency` is that of rows without one.

    New offers are live at once, and so are those that come back; a paused one stays paused. Prices go to the vendor's
    public list of the currency.
    """
    known = queries.known_offers(seller.id, [row.sku for row in (*rows, *ended)])
    lists = _price_lists(seller.id, {row.values.get("currency", currency) for row in rows})
    tiers = queries.tiers_of(ids, list(lists.values())) if (ids := known.ids) else {}
    batch = _Batch(seller, _numbers(rows, known), tiers)
    for row in rows:
        list_id = lists[row.values.get("currency", currency)]
        if record := known.offers.get(row.sku):
            batch.change(row, record, list_id)
        elif "name" not in row.values:
            message = NAMELESS_ENDED if row.sku in known.ended else NAMELESS
            batch.written.faults.append(Fault(row.row_number, "name", row.sku, message))
        elif record := batch.ended_as(row, known.ended.get(row.sku, ())):
            batch.back.append((row, record, list_id))
        else:
            batch.add(row, list_id)

    batch.bring_back(sender)
    batch.note_names()
    writing.write(batch.plan)
    relist_offers(sender, [record.id for _, record, _ in batch.back])
    _end(sender, ended, known, batch.written)
    search_changed(batch.written.products)
    if batch.brought:  # new ones have their first version already
        publish(OffersChanged(tuple(batch.brought)))
    return batch.written


def _end(sender: Actor, ended: Sequence[Ended], known: Known, written: Written) -> None:
    """End the offers that are there and have not ended; which there are not is told."""
    ids = []
    for row in ended:
        if record := known.offers.get(row.sku):
            ids.append(record.id)
            written.products.add(record.product_id)
        elif row.sku in known.ended:
            written.unchanged += 1
        else:
            written.faults.append(Fault(row.row_number, "sku", row.sku, NOT_OFFERED))
    written.ended += len(ids)
    end_offers(sender, ids)


def _price_lists(vendor_id: uuid.UUID, currencies: set[str]) -> dict[str, uuid.UUID]:
    return {currency: public_list(vendor_id, currency).id for currency in sorted(currencies)}


def _numbers(rows: Sequence[Wanted], known: Known) -> _Numbers:
    """Products of two feeds at once meet, because whoever may bring new ones looks and writes one after the other."""
    numbered = [row for row in rows if row.part or "ean" in row.values]
    if any(row.sku not in known.offers for row in numbered):
        advisory_lock(NEW_PRODUCTS_LOCK)
    return _Numbers(
        queries.products_by_ean([row.values["ean"] for row in numbered if "ean" in row.values]),
        queries.products_by_part([row.part for row in numbered if row.part]),
    )


@dataclass
class _Batch:
    """The rows looked at so far: what is to be written, and what they came to."""

    seller: Seller
    numbers: _Numbers
    tiers: Mapping[tuple[uuid.UUID, uuid.UUID], tuple[tuple[int, Decimal], ...]]
    plan: Plan = field(default_factory=Plan)
    brought: dict[uuid.UUID, None] = field(default_factory=dict)  # products that are new, in the order of their ids
    back: list[tuple[Wanted, Record[Any], uuid.UUID]] = field(default_factory=list)  # ended offers that come back
    joined: list[tuple[Wanted, uuid.UUID]] = field(default_factory=list)  # new offers of products known before
    written: Written = field(default_factory=Written)

    def contradiction(self, row: Wanted, record: Record[Any]) -> str:
        """Why the row cannot mean the offer that has its SKU, or nothing."""
        match = self.numbers.match(row)
        if match == record.product_id:
            return ""
        ean, part = row.values.get("ean"), row.part
        other_ean = ean and record.ean and ean != record.ean
        other_part = part and record.part_number_key and part != (record.part_number_key, record.manufacturer_key)
        if match is None and not other_ean and not other_part:
            return ""
        return "this SKU is offered as another product (by EAN, or manufacturer and part number); use another"

    def change(self, row: Wanted, record: Record[Any], list_id: uuid.UUID) -> None:
        """The row means the offer that has its SKU, or is wrong."""
        if message := self.contradiction(row, record):
            self.written.faults.append(Fault(row.row_number, "sku", row.sku, message))
        else:
            self.compare(row, record, list_id)

    def ended_as(self, row: Wanted, ended: Sequence[Record[Any]]) -> Record[Any] | None:
        """Which of the ended offers of its SKU the row may mean, the newest; None where it is another product."""
        return next((record for record in ended if not self.contradiction(row, record)), None)

    def bring_back(self, sender: Actor) -> None:
        """Plan the offers that come back as the rows want them, but for those that the operator ended."""
        barred = barred_from_relisting(sender, [record.id for _, record, _ in self.back])
        wanted, self.back = self.back, [one for one in self.back if one[1].id not in barred]
        for row, record, list_id in wanted:
            if record.id in barred:
                self.written.faults.append(Fault(row.row_number, "sku", row.sku, BARRED))
            else:
                self.compare(row, record, list_id, changed=True)

    def add(self, row: Wanted, list_id: uuid.UUID) -> None:
        """Plan an offer of a SKU that is new, and its product where nobody brought it yet."""
        offer_id, vendor_id, now = new_id(), self.seller.id, clock.now()
        product_id = self.numbers.match(row) or self._bring(row)
        if product_id not in self.brought:
            self.written.products.add(product_id)
            self.joined.append((row, product_id))
        facts = [row.values.get(name, default) for name, default in _DEFAULTS.items()]
        self.plan.new_offers.append(
            (offer_id, vendor_id, product_id, row.sku, "live", *facts, self.seller.country, 0, now, now, 1)
        )
        self.plan.new_stocks.append((offer_id, vendor_id, row.values.get("stock", 0), 0))
        self._price(offer_id, list_id, row)
        self.written.created += 1

    def note_names(self) -> None:
        """Who joins a product by its number, and calls it otherwise, is told that it keeps its name."""
        names = queries.names_of({product_id for _, product_id in self.joined})
        for row, product_id in self.joined:
            self._note(row, names[product_id])

    def _note(self, row: Wanted, kept: str) -> None:
        if message := name_kept(row.values.get("name"), kept):
            self.written.notices.append(Notice(row.row_number, "name", row.sku, message))

    def _bring(self, row: Wanted) -> uuid.UUID:
        values, product_id = row.values, new_id()
        self.brought[product_id] = None
        self.numbers.learn(product_id, values.get("ean"), row.part)
        texts = [values.get(name, "") for name in _PRODUCT_TEXTS]
        attributes = orjson.dumps(row.attributes or []).decode()
        numbers = (values.get("ean"), values.get("category"), attributes)
        self.plan.new_products.append((product_id, *texts, *numbers, 1, self.seller.id, clock.now(), 1))
        return product_id

    def _price(self, offer_id: uuid.UUID, list_id: uuid.UUID, row: Wanted) -> None:
        vendor_id = self.seller.id
        self.plan.new_prices.extend((offer_id, list_id, quantity, vendor_id, price) for quantity, price in row.tiers)

    def compare(self, row: Wanted, record: Record[Any], list_id: uuid.UUID, *, changed: bool = False) -> None:
        """Plan what differs between the row and the offer that is there; `changed`: it differs anyhow."""
        values = row.values
        before = [getattr(record, name) for name in _DEFAULTS]
        after = [values.get(name, value) for name, value in zip(_DEFAULTS, before, strict=True)]
        if after != before:
            self.plan.offers.append((record.id, *after))
            changed = True
        if values.get("stock", record.on_hand) != record.on_hand:
            self.plan.stocks.append((record.id, values["stock"]))
            changed = True
        if row.tiers and self.tiers.get((record.id, list_id)) != row.tiers:
            self.plan.repriced.append((record.id, list_id))
            self._price(record.id, list_id, row)
            changed = True
        if not record.editable:
            self._note(row, record.name)
        elif product := _product_changes(row, record, self.numbers):
            self.plan.products.append(product)
            changed = True
        if changed:
            self.written.changed += 1
            self.written.products.add(record.product_id)
        else:
            self.written.unchanged += 1


def name_kept(said: str | None, kept: str) -> str:
    """What is told of a name that a product does not take, or nothing."""
    return NAME_KEPT.format(kept) if said not in {None, kept} else ""


def _product_changes(row: Wanted, record: Record[Any], numbers: _Numbers) -> tuple[Any, ...] | None:
    """The product as the row wants it, None where it is so already. Numbers are added where missing, never replaced."""
    before = {name: getattr(record, name) for name in (*_PRODUCT_TEXTS, "ean", "category_id", "attributes")}
    after = before | {name: row.values[name] for name in ("name", "description") if name in row.values}
    if "category" in row.values:
        after["category_id"] = row.values["category"]
    if row.attributes is not None:
        after["attributes"] = row.attributes
    ean = row.values.get("ean")
    if record.ean is None and ean and ean not in numbers.by_ean:
        after["ean"] = ean
        numbers.learn(record.product_id, ean, None)
    if not record.part_number_key and row.part and row.part not in numbers.by_part:
        after |= {name: row.values[name] for name in _PART}
        numbers.learn(record.product_id, None, row.part)
    if after == before:
        return None
    after["attributes"] = orjson.dumps(after["attributes"]).decode()
    return (record.product_id, *after.values())
