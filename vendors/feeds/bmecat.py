"""BMEcat 1.2 and 2005 as vendors really write it: read by the names of its elements, whatever its namespace, and never
held to a schema that real files break. What is of no use here is skipped and named."""

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, BinaryIO

from marketplace.catalogue.keys import compact_ean
from marketplace.kernel.errors import Invalid
from marketplace.kernel.lazily import lazily
from vendors.feeds.items import MOST_ATTRIBUTES, Item, ItemFile, NoLongerSold, Record, Unreadable
from vendors.feeds.rows import would_run

etree: Any = lazily("lxml.etree")
PRODUCTS = {"PRODUCT", "ARTICLE"}
_TRANSACTIONS = ("T_NEW_CATALOG", "T_UPDATE_PRODUCTS", "T_UPDATE_PRICES")
_USED = {
    "SUPPLIER_PID", "SUPPLIER_AID", "PRODUCT_DETAILS", "ARTICLE_DETAILS", "PRODUCT_FEATURES", "ARTICLE_FEATURES",
    "PRODUCT_ORDER_DETAILS", "ARTICLE_ORDER_DETAILS", "PRODUCT_PRICE_DETAILS", "ARTICLE_PRICE_DETAILS",
}  # fmt: skip
_UNITS = {"PCE": "piece", "C62": "piece", "PK": "pack", "MTR": "metre", "KGM": "kilogram", "SET": "set"}
_LANGUAGES = ("eng", "en", "")
_WITH_TAX = "gros_list"  # a feed's prices are without
_DECIMAL = re.compile(r"\d{1,12}(?:\.\d{1,12})?", re.ASCII)
LONGEST_SKU = 120
MOST_ELEMENTS = 200_000  # of one product, which is held whole; real ones have 40,000


class BmecatBroken(Invalid):
    """The file is no XML that can be read to its end, or no BMEcat."""


class Bmecat(ItemFile):
    """See ItemFile."""

    broken, one = BmecatBroken, "product"

    def items(self) -> Iterator[Record]:
        with self.path.open("rb") as file:
            yield from self._items(file)

    def _items(self, file: BinaryIO) -> Iterator[Record]:
        facts = {"maker": "", "currency": ""}
        number = 0
        seen_root = False
        events = etree.iterparse(
            file, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False,
            huge_tree=False, remove_comments=True,
        )  # fmt: skip
        held, size = None, 0  # what is read as a whole, and of how many elements; all else goes as soon as it ends
        try:
            for event, element in events:
                name = _name(element)
                if event == "start":
                    if not seen_root and name != "BMECAT":
                        raise BmecatBroken("This is XML, but no BMEcat.", pointer="/file")
                    seen_root = True
                    held, size = (element, 0) if held is None and _is_whole(element) else (held, size + 1)
                    if held is not None and size > MOST_ELEMENTS:
                        raise BmecatBroken(f"Product {number + 1} has more than {MOST_ELEMENTS} elements.")
                    continue
                if element is held:
                    held = None
                    if name == "HEADER":
                        facts = {"maker": _text(element, "SUPPLIER_NAME"), "currency": _text(element, "CURRENCY")}
                    else:
                        number += 1
                        yield number, self._one(element, facts)
                if held is None:
                    _drop(element)
        except etree.XMLSyntaxError as failure:
            raise BmecatBroken(f"The XML cannot be read: {failure.msg}.", pointer="/file", row=number) from failure

    def _one(self, product: Any, facts: dict[str, str]) -> Item | Unreadable | NoLongerSold:
        if (product.get("mode") or "").strip().casefold() == "delete":
            sku = _text(product, "SUPPLIER_PID") or _text(product, "SUPPLIER_AID")
            if not sku or len(sku) > LONGEST_SKU:
                return Unreadable("the file says that this is no longer sold, but has no SKU", sku[:LONGEST_SKU])
            return NoLongerSold(sku)
        return self._item(product, facts)

    def _item(self, product: Any, facts: dict[str, str]) -> Item:
        details = _child(product, "PRODUCT_DETAILS", "ARTICLE_DETAILS")
        name, long = _said(details, "DESCRIPTION_SHORT"), _said(details, "DESCRIPTION_LONG")
        item: Item = [
            ("sku", _text(product, "SUPPLIER_PID") or _text(product, "SUPPLIER_AID")),
            ("name", (name or long)[:290]),
            ("description", long[:19_000]),
            ("ean", self._ean(details)),
            ("manufacturer", (_text(details, "MANUFACTURER_NAME") or facts["maker"])[:200]),
            ("part_number", _text(details, "MANUFACTURER_PID") or _text(details, "MANUFACTURER_AID")),
            ("lead_time_days", _whole(_text(details, "DELIVERY_TIME"))),
            *self._order_details(product),
            *self._prices(product, facts["currency"]),
            *self._features(product),
        ]
        for child in product:
            if _name(child) not in _USED:
                self.skipped.note(_name(child))
        return [(column, value) for column, value in item if value]

    def _ean(self, details: Any) -> str:
        """The number where it is one: a wrong one is no reason to leave out the product."""
        said = _ean(details)
        if said and compact_ean(said) is None:
            self.skipped.note("an EAN whose length or check digit is wrong")
            return ""
        return said

    def _order_details(self, product: Any) -> Item:
        details = _child(product, "PRODUCT_ORDER_DETAILS", "ARTICLE_ORDER_DETAILS")
        unit = _text(details, "ORDER_UNIT")
        return [
            ("unit", _UNITS.get(unit, unit)),
            ("min_quantity", _whole(_text(details, "QUANTITY_MIN"))),
            ("pack_size", _whole(_text(details, "QUANTITY_INTERVAL"))),
        ]

    def _prices(self, product: Any, currency: str) -> Item:
        """The prices for one, of the first kind without tax and currency that the file names, by the quantity from
        which they hold."""
        found: dict[int, str] = {}
        details = _child(product, "PRODUCT_ORDER_DETAILS", "ARTICLE_ORDER_DETAILS")
        per = _text(details, "PRICE_QUANTITY") or "1"
        kind: tuple[str, str] | None = None
        for price in product.iter():
            if _name(price) not in {"PRODUCT_PRICE", "ARTICLE_PRICE"}:
                continue
            own = (price.get("price_type", ""), _text(price, "PRICE_CURRENCY") or currency)
            if own[0] == _WITH_TAX:
                self.skipped.note(f"a price with tax ({_WITH_TAX})")
                continue
            kind = kind or own
            amount = _for_one(_text(price, "PRICE_AMOUNT"), _text(price, "PRICE_FACTOR") or "1", per)
            if own != kind or not amount:
                self.skipped.note(f"price of the kind '{own[0]}' in {own[1] or 'no currency'}")
                continue
            bound = _number(_text(price, "LOWER_BOUND") or "1")
            if bound is None:
                self.skipped.note("a price whose lower bound is no number")
                continue
            found.setdefault(max(1, bound), amount)
        if not found:
            return []
        first = min(found)
        columns: Item = [("price", found.pop(first)), ("currency", (kind or ("", ""))[1])]
        return columns + [(f"price_from_{quantity}", amount) for quantity, amount in sorted(found.items())]

    def _features(self, product: Any) -> Item:
        features: dict[str, str] = {}
        for feature in product.iter():
            if _name(feature) != "FEATURE":
                continue
            name = _text(feature, "FNAME") or _text(feature, "FT_NAME") or _text(feature, "FT_IDREF")
            values = [_plain(v) for v in feature if _name(v) in {"FVALUE", "FVALUE_DETAILS"}]
            value = ", ".join(dict.fromkeys(v for v in values if v))
            unit = _text(feature, "FUNIT")
            column = f"attr:{_safe(name)}" + (f" [{_safe(unit)[:40]}]" if unit else "")
            if not name or not value or len(value) > 500 or would_run(value):
                self.skipped.note("a feature without name or value, too long, or like a formula")
            elif column not in features and len(features) < MOST_ATTRIBUTES:
                features[column] = value
            else:
                self.skipped.note("a feature that is there already, or beyond the first 250")
        return list(features.items())


def _name(element: Any) -> str:
    tag = element.tag if element is not None else ""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _is_whole(element: Any) -> bool:
    """Is it read as a whole, when it ends?"""
    name = _name(element)
    return name == "HEADER" or (name in PRODUCTS and _name(element.getparent()) in _TRANSACTIONS)


def _drop(element: Any) -> None:
    """What was read is not kept: of a file of any size no more is held than one product."""
    element.clear()
    parent = element.getparent()
    while element.getprevious() is not None:
        del parent[0]


def _child(element: Any, *names: str) -> Any:
    return next((child for child in element if _name(child) in names), None)


def _plain(element: Any) -> str:
    return " ".join((element.text or "").split())


def _text(element: Any, name: str) -> str:
    """The text of the first element of that name within, or nothing."""
    if element is None:
        return ""
    return next((_plain(inner) for inner in element.iter() if _name(inner) == name and _plain(inner)), "")


def _said(details: Any, name: str) -> str:
    """A text in English, or in the first language of the file."""
    found = [] if details is None else [child for child in details if _name(child) == name]
    by_language = {(child.get("lang") or "").casefold(): _plain(child) for child in reversed(found)}
    return next((by_language[one] for one in _LANGUAGES if by_language.get(one)), _plain(found[0]) if found else "")


def _ean(details: Any) -> str:
    if details is None:
        return ""
    own = [
        c for c in details if _name(c) == "INTERNATIONAL_PID" and (c.get("type") or "").casefold() in {"ean", "gtin"}
    ]
    return _text(details, "EAN") or (_plain(own[0]) if own else "")


def _number(text: str) -> int | None:
    try:
        return int(float(text))
    except (ValueError, OverflowError):  # `inf` is a float
        return None


def _for_one(amount: str, factor: str, per: str) -> str:
    """A price as it is for one of what is sold, where the file has it for `per` of them and times `factor`. What is no
    number is left as it is, for the reader to refuse."""
    if not all(_DECIMAL.fullmatch(text) for text in (amount, factor, per)) or not Decimal(per):
        return amount if (factor, per) == ("1", "1") else f"{amount} x {factor} for {per}"
    if Decimal(factor) == Decimal(per):
        return amount
    exact = Decimal(amount) * Decimal(factor) / Decimal(per)
    return f"{exact.quantize(Decimal('0.000001'), ROUND_HALF_UP).normalize():f}"


def _whole(text: str) -> str:
    number = _number(text)
    return str(number) if number is not None and number >= 1 else ""


def _safe(name: str) -> str:
    return name.replace("[", "(").replace("]", ")")[:120]
