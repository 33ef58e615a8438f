"""Valuations as JSON and back, exactly, and as the shorter form in which case files expect them."""

from collections.abc import Mapping

from marketplace.pricing.facts import DeliveryValue, LineValue, Valuation
from marketplace.pricing.wire import decimal, each, flag, mapped, members, text, whole, written

_SUMS = (
    "buyer_owes_minor",
    "market_discount_minor",
    "compensation_minor",
    "commission_minor",
    "operator_delivery_minor",
)
_LINE_SUMS = (
    "gross_minor",
    "vendor_discount_minor",
    "market_discount_minor",
    "tax_minor",
    "commission_minor",
    "restocking_fee_minor",
    "restocking_tax_minor",
    "compensation_minor",
    "buyer_owes_minor",
)


def valuation_to_json(valuation: Valuation) -> dict[str, object]:
    """Everything that is known of a valuation, as plain JSON values."""
    return {
        **{name: getattr(valuation, name) for name in _SUMS},
        "vendors_minor": dict(valuation.vendors_minor),
        "promotion_steps": list(valuation.promotion_steps),
        "lines": [
            {"vendor": line.vendor, "unit_price": written(line.unit_price), **_line_expected(line)}
            for line in valuation.lines
        ],
        "deliveries": [
            {
                "seller": delivery.seller,
                "compensation_minor": delivery.compensation_minor,
                **_delivery_expected(delivery),
            }
            for delivery in valuation.deliveries
        ],
    }


def valuation_from_json(value: object, at: str = "") -> Valuation:
    """The valuation of a JSON object as valuation_to_json writes it."""
    o = members(value, at, " ".join(_SUMS) + " vendors_minor promotion_steps lines deliveries")
    return Valuation(
        **{name: whole(o[name], f"{at}/{name}") for name in _SUMS},
        vendors_minor=mapped(o["vendors_minor"], f"{at}/vendors_minor", whole),
        promotion_steps=each(o["promotion_steps"], f"{at}/promotion_steps", whole),
        lines=each(o["lines"], f"{at}/lines", _line),
        deliveries=each(o["deliveries"], f"{at}/deliveries", _delivery),
    )


def expected_to_json(valuation: Valuation, refund_minor: int, deficit_minor: int) -> dict[str, object]:
    """The valuation of one state and what entering it moved, with the keys of a case's expected."""
    return {
        **{name: getattr(valuation, name) for name in _SUMS},
        "vendors_minor": dict(valuation.vendors_minor),
        "promotion_steps": list(valuation.promotion_steps),
        "lines": [_line_expected(line) for line in valuation.lines],
        "deliveries": [_delivery_expected(delivery) for delivery in valuation.deliveries],
        "refund_minor": refund_minor,
        "deficit_minor": deficit_minor,
    }


def _line_expected(line: LineValue) -> Mapping[str, object]:
    return {"id": line.id, "kept": line.kept, **{name: getattr(line, name) for name in _LINE_SUMS}}


def _delivery_expected(delivery: DeliveryValue) -> Mapping[str, object]:
    return {
        "id": delivery.id,
        "amount_minor": delivery.amount_minor,
        "tax_minor": delivery.tax_minor,
        "free": delivery.free,
    }


def _line(value: object, at: str) -> LineValue:
    o = members(value, at, "id vendor unit_price kept " + " ".join(_LINE_SUMS))
    return LineValue(
        id=text(o["id"], f"{at}/id"),
        vendor=text(o["vendor"], f"{at}/vendor"),
        kept=whole(o["kept"], f"{at}/kept"),
        unit_price=decimal(o["unit_price"], f"{at}/unit_price"),
        **{name: whole(o[name], f"{at}/{name}") for name in _LINE_SUMS},
    )


def _delivery(value: object, at: str) -> DeliveryValue:
    o = members(value, at, "id seller amount_minor tax_minor compensation_minor free")
    return DeliveryValue(
        id=text(o["id"], f"{at}/id"),
        seller=text(o["seller"], f"{at}/seller"),
        amount_minor=whole(o["amount_minor"], f"{at}/amount_minor"),
        tax_minor=whole(o["tax_minor"], f"{at}/tax_minor"),
        compensation_minor=whole(o["compensation_minor"], f"{at}/compensation_minor"),
        free=flag(o["free"], f"{at}/free"),
    )
