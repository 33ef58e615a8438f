"""Facts as JSON and back, exactly: what the case files hold and what an order keeps of its terms.

Reading refuses what is unknown, missing or of a wrong type, with a JSON pointer in the reason; a document that
breaks a rule of the formula is refused by the facts themselves, in their words.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from marketplace.pricing.facts import (
    Charge,
    ChargeKind,
    Delivery,
    FreeBasis,
    Line,
    Order,
    PriceTier,
    Promotion,
    PromotionStep,
    Returned,
    State,
)
from marketplace.pricing.policy import (
    CommissionPolicy,
    DeliveryRefund,
    DiscountPolicy,
    Fault,
    FreeDeliveryPolicy,
    LossBearer,
    Policy,
    TaxBase,
    TierPolicy,
)
from marketplace.pricing.refusals import Refused

Json = Mapping[str, object]
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
_DECIMAL = re.compile(r"-?\d{1,12}(\.\d{1,6})?", re.ASCII)
_MAX_WHOLE = 10**18
_MAX_TEXT = 200


class RepeatedKeys(dict[str, object]):
    """A JSON object in which a key came twice; whoever reads it refuses it."""


def members(value: object, at: str, required: str, optional: str = "") -> Json:
    """A JSON object that holds every required key (names with spaces between) and no key besides the optional ones."""
    if isinstance(value, RepeatedKeys):
        raise _malformed("a key comes twice", at)
    if not isinstance(value, dict):
        raise _malformed("an object is expected", at)
    for key in required.split():
        if key not in value:
            raise _malformed(f"{key} is missing", at)
    for key in value:
        if key not in required.split() and key not in optional.split():
            raise _malformed("an unknown key", f"{at}/{_escaped(key)}")
    return value


def text(value: object, at: str) -> str:
    """A name: a string of 1 to 200 characters."""
    if not isinstance(value, str) or not 1 <= len(value) <= _MAX_TEXT:
        raise _malformed(f"a string of 1 to {_MAX_TEXT} characters is expected", at)
    return value


def whole(value: object, at: str) -> int:
    """A whole number; a boolean or a fraction is none."""
    if type(value) is not int or abs(value) > _MAX_WHOLE:
        raise _malformed("a whole number is expected", at)
    return value


def each(value: object, at: str, read: Callable[[object, str], T]) -> tuple[T, ...]:
    """Every element of a JSON array, read by a function of element and pointer."""
    if not isinstance(value, list):
        raise _malformed("an array is expected", at)
    return tuple(read(element, f"{at}/{index}") for index, element in enumerate(value))


def mapped(value: object, at: str, read: Callable[[object, str], T]) -> dict[str, T]:
    """Every member of a JSON object of any keys, read by a function of member and pointer."""
    if isinstance(value, RepeatedKeys):
        raise _malformed("a key comes twice", at)
    if not isinstance(value, dict):
        raise _malformed("an object is expected", at)
    return {key: read(member, f"{at}/{_escaped(key)}") for key, member in value.items()}


def optional(value: object, at: str, read: Callable[[object, str], T]) -> T | None:
    """None for null, else what the function reads."""
    return None if value is None else read(value, at)


def decimal(value: object, at: str) -> Decimal:
    """A decimal string of at most twelve digits before and six behind the point."""
    if not isinstance(value, str) or _DECIMAL.fullmatch(value) is None:
        raise _malformed("a decimal string of at most six decimals is expected", at)
    return Decimal(value)


def flag(value: object, at: str) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise _malformed("true or false is expected", at)
    return value


def order_from_json(value: object, at: str = "") -> Order:
    """The order of a JSON object as order_to_json writes it; at: the pointer of the object, for refusals."""
    o = members(value, at, "currency prices_include_tax lines promotions deliveries")
    return Order(
        currency=text(o["currency"], f"{at}/currency"),
        prices_include_tax=flag(o["prices_include_tax"], f"{at}/prices_include_tax"),
        lines=each(o["lines"], f"{at}/lines", _line),
        promotions=each(o["promotions"], f"{at}/promotions", _promotion),
        deliveries=each(o["deliveries"], f"{at}/deliveries", _delivery),
    )


def order_to_json(order: Order) -> dict[str, object]:
    """The order as plain JSON values; decimals as strings that keep their digits."""
    return {
        "currency": order.currency,
        "prices_include_tax": order.prices_include_tax,
        "lines": [_line_to_json(line) for line in order.lines],
        "promotions": [_promotion_to_json(promotion) for promotion in order.promotions],
        "deliveries": [
            {
                "id": delivery.id,
                "seller": delivery.seller,
                "price_minor": delivery.price_minor,
                "free_from_minor": delivery.free_from_minor,
                "free_basis": delivery.free_basis.value,
                "tax_rate": written(delivery.tax_rate),
            }
            for delivery in order.deliveries
        ],
    }


def policy_from_json(value: object, at: str = "") -> Policy:
    """The policy of a JSON object as policy_to_json writes it."""
    p = members(
        value,
        at,
        "discount tier free_delivery protected_faults delivery_refund loss_borne_by tax_base commission"
        " commission_fee_rate commission_fee_cap_minor restocking_taxed restocking_cap_minor",
    )
    return Policy(
        discount=_one_of(DiscountPolicy)(p["discount"], f"{at}/discount"),
        tier=_one_of(TierPolicy)(p["tier"], f"{at}/tier"),
        free_delivery=_one_of(FreeDeliveryPolicy)(p["free_delivery"], f"{at}/free_delivery"),
        protected_faults=frozenset(each(p["protected_faults"], f"{at}/protected_faults", _one_of(Fault))),
        delivery_refund=_by_fault(p["delivery_refund"], f"{at}/delivery_refund", DeliveryRefund),
        loss_borne_by=_by_fault(p["loss_borne_by"], f"{at}/loss_borne_by", LossBearer),
        tax_base=_one_of(TaxBase)(p["tax_base"], f"{at}/tax_base"),
        commission=_one_of(CommissionPolicy)(p["commission"], f"{at}/commission"),
        commission_fee_rate=decimal(p["commission_fee_rate"], f"{at}/commission_fee_rate"),
        commission_fee_cap_minor=optional(p["commission_fee_cap_minor"], f"{at}/commission_fee_cap_minor", whole),
        restocking_taxed=flag(p["restocking_taxed"], f"{at}/restocking_taxed"),
        restocking_cap_minor=optional(p["restocking_cap_minor"], f"{at}/restocking_cap_minor", whole),
    )


def policy_to_json(policy: Policy) -> dict[str, object]:
    """The policy as plain JSON values."""
    return {
        "discount": policy.discount.value,
        "tier": policy.tier.value,
        "free_delivery": policy.free_delivery.value,
        "protected_faults": sorted(fault.value for fault in policy.protected_faults),
        "delivery_refund": {fault.value: policy.delivery_refund[fault].value for fault in Fault},
        "loss_borne_by": {fault.value: policy.loss_borne_by[fault].value for fault in Fault},
        "tax_base": policy.tax_base.value,
        "commission": policy.commission.value,
        "commission_fee_rate": written(policy.commission_fee_rate),
        "commission_fee_cap_minor": policy.commission_fee_cap_minor,
        "restocking_taxed": policy.restocking_taxed,
        "restocking_cap_minor": policy.restocking_cap_minor,
    }


def state_from_json(value: object, at: str = "") -> State:
    """The state of a JSON object as state_to_json writes it."""
    s = members(value, at, "returned charges")
    return State(
        returned=each(s["returned"], f"{at}/returned", _returned),
        charges=each(s["charges"], f"{at}/charges", _charge),
    )


def state_to_json(state: State) -> dict[str, object]:
    """The state as plain JSON values."""
    return {
        "returned": [
            {"line": entry.line, "fault": entry.fault.value, "quantity": entry.quantity} for entry in state.returned
        ],
        "charges": [_charge_to_json(charge) for charge in state.charges],
    }


def written(value: Decimal) -> str:
    """A decimal with all its digits and no exponent."""
    return format(value, "f")


def _line(value: object, at: str) -> Line:
    o = members(value, at, "id vendor quantity prices tax_rate commission_rate delivery restocking_rate")
    return Line(
        id=text(o["id"], f"{at}/id"),
        vendor=text(o["vendor"], f"{at}/vendor"),
        quantity=whole(o["quantity"], f"{at}/quantity"),
        prices=each(o["prices"], f"{at}/prices", _price),
        tax_rate=decimal(o["tax_rate"], f"{at}/tax_rate"),
        commission_rate=decimal(o["commission_rate"], f"{at}/commission_rate"),
        delivery=optional(o["delivery"], f"{at}/delivery", text),
        restocking_rate=decimal(o["restocking_rate"], f"{at}/restocking_rate"),
    )


def _line_to_json(line: Line) -> dict[str, object]:
    return {
        "id": line.id,
        "vendor": line.vendor,
        "quantity": line.quantity,
        "prices": [
            {"from_quantity": tier.from_quantity, "unit_price": written(tier.unit_price)} for tier in line.prices
        ],
        "tax_rate": written(line.tax_rate),
        "commission_rate": written(line.commission_rate),
        "delivery": line.delivery,
        "restocking_rate": written(line.restocking_rate),
    }


def _price(value: object, at: str) -> PriceTier:
    o = members(value, at, "from_quantity unit_price")
    return PriceTier(whole(o["from_quantity"], f"{at}/from_quantity"), decimal(o["unit_price"], f"{at}/unit_price"))


def _promotion(value: object, at: str) -> Promotion:
    o = members(value, at, "id steps vendor_share vendor_share_by lines")
    return Promotion(
        id=text(o["id"], f"{at}/id"),
        steps=each(o["steps"], f"{at}/steps", _step),
        vendor_share=decimal(o["vendor_share"], f"{at}/vendor_share"),
        vendor_share_by=mapped(o["vendor_share_by"], f"{at}/vendor_share_by", decimal),
        lines=optional(o["lines"], f"{at}/lines", _names),
    )


def _promotion_to_json(promotion: Promotion) -> dict[str, object]:
    return {
        "id": promotion.id,
        "steps": [
            {"from_minor": step.from_minor, "amount_minor": step.amount_minor}
            if step.rate is None
            else {"from_minor": step.from_minor, "rate": written(step.rate)}
            for step in promotion.steps
        ],
        "vendor_share": written(promotion.vendor_share),
        "vendor_share_by": {vendor: written(rate) for vendor, rate in promotion.vendor_share_by.items()},
        "lines": None if promotion.lines is None else list(promotion.lines),
    }


def _step(value: object, at: str) -> PromotionStep:
    o = members(value, at, "from_minor", "rate amount_minor")
    return PromotionStep(
        from_minor=whole(o["from_minor"], f"{at}/from_minor"),
        rate=decimal(o["rate"], f"{at}/rate") if "rate" in o else None,
        amount_minor=whole(o["amount_minor"], f"{at}/amount_minor") if "amount_minor" in o else None,
    )


def _delivery(value: object, at: str) -> Delivery:
    o = members(value, at, "id seller price_minor free_from_minor free_basis tax_rate")
    return Delivery(
        id=text(o["id"], f"{at}/id"),
        seller=text(o["seller"], f"{at}/seller"),
        price_minor=whole(o["price_minor"], f"{at}/price_minor"),
        free_from_minor=optional(o["free_from_minor"], f"{at}/free_from_minor", whole),
        free_basis=_one_of(FreeBasis)(o["free_basis"], f"{at}/free_basis"),
        tax_rate=decimal(o["tax_rate"], f"{at}/tax_rate"),
    )


def _returned(value: object, at: str) -> Returned:
    o = members(value, at, "line fault quantity")
    return Returned(
        line=text(o["line"], f"{at}/line"),
        fault=_one_of(Fault)(o["fault"], f"{at}/fault"),
        quantity=whole(o["quantity"], f"{at}/quantity"),
    )


def _charge(value: object, at: str) -> Charge:
    o = members(value, at, "payer payee amount_minor", "kind")
    return Charge(
        payer=text(o["payer"], f"{at}/payer"),
        payee=text(o["payee"], f"{at}/payee"),
        amount_minor=whole(o["amount_minor"], f"{at}/amount_minor"),
        kind=_one_of(ChargeKind)(o["kind"], f"{at}/kind") if "kind" in o else ChargeKind.OTHER,
    )


def _charge_to_json(charge: Charge) -> dict[str, object]:
    moved = {"payer": charge.payer, "payee": charge.payee, "amount_minor": charge.amount_minor}
    return moved if charge.kind is ChargeKind.OTHER else {**moved, "kind": charge.kind.value}


def _by_fault(value: object, at: str, kind: type[E]) -> dict[Fault, E]:
    o = members(value, at, " ".join(Fault))
    return {fault: _one_of(kind)(o[fault], f"{at}/{fault}") for fault in Fault}


def _names(value: object, at: str) -> tuple[str, ...]:
    return each(value, at, text)


def _one_of(kind: type[E]) -> Callable[[object, str], E]:
    def read(value: object, at: str) -> E:
        for member in kind:
            if member.value == value:
                return member
        raise _malformed(f"one of {', '.join(kind)} is expected", at)

    return read


def _malformed(reason: str, at: str) -> Refused:
    pointer = at or "/"
    return Refused(f"{reason}, at {pointer}", pointer)


def _escaped(key: str) -> str:
    return key[:_MAX_TEXT].replace("~", "~0").replace("/", "~1")
