"""The lines of an invoice, and of what corrects one, from what was sold: sums are the formula's, to the cent.

Pure. A correction tells differences: of units that are not kept any more at the price they were invoiced at, of price
and discount alone where the units stayed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from marketplace.kernel.money import minor_digits
from settlements.invoices.position import GOODS, Key, Sold

DISCOUNT = "discount"  # a line of its own for what moved without any units
_CENTS_OFF = 2  # a unit price fits while it comes this close to the sum of its line
_NOTHING = Sold(0, None, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A line in the sense of its document. `key` names what was sold; `units_moved`: goods came or went."""

    key: Key
    quantity: int
    unit_price: Decimal
    per: int
    list_minor: int
    net_minor: int
    tax_minor: int
    units_moved: bool = True


@dataclass(frozen=True, slots=True)
class Draft:
    """`sign` 1: the buyer owes it, -1: it is credited. Sums are above zero in that sense."""

    sign: int
    lines: tuple[DraftLine, ...]
    market_minor: int

    @property
    def net_minor(self) -> int:
        return sum(line.net_minor for line in self.lines)

    @property
    def tax_minor(self) -> int:
        return sum(line.tax_minor for line in self.lines)

    @property
    def buyer_minor(self) -> int:
        return self.net_minor + self.tax_minor - self.market_minor


@dataclass(frozen=True, slots=True)
class TaxPart:
    """The tax of one category and rate. reason and code (VATEX): why none is charged, where none is."""

    category: str
    rate: Decimal
    net_minor: int
    tax_minor: int
    reason: str
    code: str

    def as_json(self) -> dict[str, Any]:
        return {
            "category": self.category,
            "rate": str(self.rate),
            "net_minor": self.net_minor,
            "tax_minor": self.tax_minor,
            "reason": self.reason,
            "code": self.code,
        }


def invoice(now: Mapping[Key, Sold], currency: str) -> Draft | None:
    """All that was sold; None where nothing was, or more is owed back for it than it cost."""
    lines = [
        DraftLine(key, sold.units, *_price(sold, currency), sold.list_minor, sold.net_minor, sold.tax_minor)
        if key[0] == GOODS
        else _once(key, sold.net_minor, sold.tax_minor, currency)
        for key, sold in now.items()
        if sold.units and (key[0] == GOODS or sold.net_minor or sold.tax_minor)
    ]
    draft = Draft(1, tuple(lines), sum(sold.market_minor for sold in now.values()))
    gross = draft.net_minor + draft.tax_minor
    of_goods = any(line.key[0] == GOODS for line in lines)
    return draft if gross > 0 or (gross == 0 and of_goods) else None


def correction(before: Mapping[Key, Sold], now: Mapping[Key, Sold], currency: str) -> Draft | None:
    """What has moved since it was told; None where nothing has.

    A credit note where all of it together came down, or the same is now paid by the marketplace instead of the buyer.
    """
    moved = [(key, before.get(key, _NOTHING), now.get(key, _NOTHING)) for key in {**before, **now}]
    moved = [(key, old, new) for key, old, new in moved if _sums(old) != _sums(new)]
    if not moved:
        return None
    gross = sum(new.net_minor + new.tax_minor - old.net_minor - old.tax_minor for _, old, new in moved)
    sign = -1 if (gross, sum(new.buyer_minor - old.buyer_minor for _, old, new in moved)) < (0, 0) else 1
    lines = [_difference(key, old, new, sign, currency) for key, old, new in moved]
    told = tuple(line for line in lines if line.net_minor or line.tax_minor) or (lines[0],)
    return Draft(sign, told, sign * sum(new.market_minor - old.market_minor for _, old, new in moved))


def breakdown(taxed: Iterable[tuple[DraftLine, str, Decimal, str]]) -> list[TaxPart]:
    """The tax per category and rate of (line, category, rate, reason), in the order of the lines."""
    parts: dict[tuple[str, Decimal], list[tuple[DraftLine, str]]] = {}
    for line, category, rate, reason in taxed:
        parts.setdefault((category, rate), []).append((line, reason))
    return [
        _tax_part(category, rate, [line for line, _ in rows], list(dict.fromkeys(reason for _, reason in rows)))
        for (category, rate), rows in parts.items()
    ]


# Exempt by which article of the directive, where there is a code for it.
_EXEMPT = (("art. 132", "VATEX-EU-132"), ("art. 144", "VATEX-EU-144"))
_CODES = {"AE": "VATEX-EU-AE", "K": "VATEX-EU-IC", "G": "VATEX-EU-G", "O": "VATEX-EU-O"}


def _tax_part(category: str, rate: Decimal, lines: Sequence[DraftLine], reasons: Sequence[str]) -> TaxPart:
    reason, code = "", ""
    if category not in {"S", "Z"}:
        reason = " ".join(reasons)
        code = _CODES.get(category) or next((c for of, c in _EXEMPT if len(reasons) == 1 and of in reason), "")
    net, tax = sum(line.net_minor for line in lines), sum(line.tax_minor for line in lines)
    return TaxPart(category, rate, net, tax, reason, code)


def _sums(sold: Sold) -> tuple[int, int, int]:
    return sold.net_minor, sold.tax_minor, sold.market_minor


def _difference(key: Key, old: Sold, new: Sold, sign: int, currency: str) -> DraftLine:
    net, tax = sign * (new.net_minor - old.net_minor), sign * (new.tax_minor - old.tax_minor)
    units = sign * (new.units - old.units)
    if key[0] != GOODS or units == 0:
        return _once(key, net, tax, currency, units_moved=units != 0)
    told = old if old.units >= new.units else new
    price, per = _price(told, currency)
    listed, moved = _in_minor(price * units / per, currency), sign * (new.list_minor - old.list_minor)
    if abs(listed - moved) <= _CENTS_OFF:
        listed = moved
    return DraftLine(key, units, price, per, listed, net, tax)


def _once(key: Key, net: int, tax: int, currency: str, *, units_moved: bool = True) -> DraftLine:
    """A line of one thing; what takes back has a quantity below zero, since a price is never."""
    quantity = -1 if net < 0 else 1
    return DraftLine(key, quantity, _in_major(abs(net), currency), 1, net, net, tax, units_moved)


def _price(sold: Sold, currency: str) -> tuple[Decimal, int]:
    """(price, for how many units): of one unit where that comes to the line's sum, else of all of them."""
    price = sold.unit_price
    if price is None:
        each = _in_major(sold.list_minor, currency) / sold.units
        price = each.quantize(Decimal("0.000001"), ROUND_HALF_UP)
    if abs(_in_minor(price * sold.units, currency) - sold.list_minor) <= _CENTS_OFF:
        return price, 1
    return _in_major(sold.list_minor, currency), sold.units


def _in_major(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-minor_digits(currency))


def _in_minor(major: Decimal, currency: str) -> int:
    return int(major.scaleb(minor_digits(currency)).to_integral_value(ROUND_HALF_UP))
