"""What the vendors of the demonstration sell: brought in by their own feeds, as vendors do."""

import csv
import io
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal

from marketplace.catalogue import categories as tree
from marketplace.catalogue import products
from marketplace.catalogue import queries as catalogue
from marketplace.kernel.access import Actor
from settlements.demo import acting, cast, goods
from settlements.demo.goods import Good
from vendors.feeds import actions as feeds
from vendors.feeds import storage

_DEARER = (Decimal(1), Decimal("1.035"), Decimal("1.06"))  # the first vendor of a family is the cheapest
_MARK = {"nordschraube": "N", "antrieb-weiss": "W", "voltaire": "V", "polder": "P"}  # begins the vendor's SKUs
_OPTIONS = {"encoding": "utf-8", "decimal_mark": ".", "currency": "EUR"}
_FIXED = ["sku", "name", "price", "stock", "ean", "manufacturer", "part_number", "category", "description"]
_FIXED += ["unit", "pack_size", "min_quantity", "lead_time_days"]
_WORDED = [  # no EAN, no maker's number: the operator decides whether they are goods that others offer
    ("W-SC-4030", "Kastor wall enclosure 400x300x200, steel, IP66", "54.20", "electrical/enclosures"),
    ("W-NT-10", "Power supply 24 V DC, 10 A / 240 W, wall mounted", "97.90", "electrical/switchgear"),
]
# A row as it happens: the feed's report names it.
_SLIP = {"sku": "P-HS-GF-12", "name": "Assembly glove GripFlex, size 12", "price": "1,9O", "stock": "240"}


def fill() -> None:
    """The products and offers of every vendor, and their data sheets."""
    for vendor in cast.of_side("vendor"):
        actor = acting.chief(vendor.key)
        _feed(actor, vendor.key)
        _document(actor, vendor.key)


def sku(vendor: str, good: Good) -> str:
    return f"{_MARK[vendor]}-{good.part_number}"


def price(vendor: str, good: Good) -> Decimal:
    """What everyone pays for one."""
    return rounded(good.price * _DEARER[good.family.vendors.index(vendor)])


def tiers(vendor: str, good: Good) -> list[tuple[int, Decimal]]:
    """(from quantity, what everyone pays for one), from one unit on."""
    base = price(vendor, good)
    return [(1, base), *((step, rounded(base * Decimal(part))) for step, part in good.family.tiers)]


def plant(operator: Actor) -> None:
    """The tree of categories."""
    planted = {}
    for position, (path, name) in enumerate(goods.categories().items()):
        parent, _, slug = path.rpartition("/")
        facts = {"slug": slug, "name": name, "position": position, "parent_id": planted.get(parent)}
        planted[path] = tree.create(operator, facts).id


def _feed(actor: Actor, vendor: str) -> None:
    text = _as_csv(vendor, [good for good in goods.goods() if vendor in good.family.vendors])
    with storage.kept(io.BytesIO(text.encode())) as stored:
        feed = feeds.receive(actor, stored, f"{vendor}-catalogue.csv", _OPTIONS)
        run = feeds.start(feed.id)
        assert run is not None
        for batch in feeds.batches_of(run):
            feeds.take(run, batch)
        feeds.finish(run)


def _as_csv(vendor: str, sold: list[Good]) -> str:
    steps = sorted({step for good in sold for step, _ in good.family.tiers})
    names = list(dict.fromkeys(row["name"] for good in sold for row in good.attributes))
    header = _FIXED + [f"price_from_{step}" for step in steps] + [f"attr:{name}" for name in names]
    out = io.StringIO()
    writer = csv.DictWriter(out, header, restval="")
    writer.writeheader()
    writer.writerows(_row(vendor, good) for good in sold)
    if vendor == "polder":
        writer.writerow(_SLIP)
    if vendor == "antrieb-weiss":
        for number, name, amount, category in _WORDED:
            writer.writerow({"sku": number, "name": name, "price": amount, "stock": "25", "category": category})
    return out.getvalue()


def _row(vendor: str, good: Good) -> dict[str, str]:
    family = good.family
    (_, base), *steps = tiers(vendor, good)
    fixed = {
        "sku": sku(vendor, good),
        "name": good.name,
        "price": str(base),
        "stock": str(_stock(vendor, good)),
        "ean": good.ean,
        "manufacturer": family.maker,
        "part_number": good.part_number,
        "category": family.category,
        "description": family.text,
        "unit": family.unit,
        "pack_size": str(family.pack),
        "min_quantity": str(family.minimum),
        "lead_time_days": str(family.lead + family.vendors.index(vendor)),
    }
    return (
        fixed
        | {f"price_from_{step}": str(amount) for step, amount in steps}
        | {f"attr:{row['name']}": row["value"] for row in good.attributes}
    )


def _stock(vendor: str, good: Good) -> int:
    """Packs enough for a busy month, fewer of what is dear; some offers run low."""
    packs = 6 + (int(good.ean) * 7 + len(vendor)) % 40
    return packs * good.family.pack * (10 if good.price < 20 else 1)


def _document(actor: Actor, vendor: str) -> None:
    own = [good for good in goods.goods() if good.family.sheet and good.family.vendors[0] == vendor]
    for good, product_id in _with_products(own):
        address = f"https://docs.{vendor}.example/{good.part_number.lower().replace('/', '-')}.pdf"
        facts = {"kind": "data_sheet", "title": f"Data sheet {good.part_number}", "url": address}
        products.add_document(actor, product_id, facts)


def _with_products(wanted: Iterable[Good]) -> Iterator[tuple[Good, object]]:
    keys = {(good.ean, good.family.maker, good.part_number): good for good in wanted}
    for key, product_id in catalogue.products_matching(list(keys)).items():
        yield keys[key], product_id


def rounded(amount: Decimal) -> Decimal:
    """Four places below one, else two, as price lists are written."""
    return amount.quantize(Decimal("0.0001") if amount < 1 else Decimal("0.01"), ROUND_HALF_UP)
