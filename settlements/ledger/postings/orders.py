"""Facts of business as postings: pure, and each function's postings come to zero.

What an order's parties are entitled to is a function of its valuation; an event posts the difference of two valuations,
against the buyer's money. Vendors' postings are split by kind, so that a statement is a query.
"""

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from marketplace.pricing.facts import BUYER, MARKETPLACE, Valuation
from marketplace.pricing.losses import NOTHING_BESIDE, Beside
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line, without_zeros

A, K = AccountKind, PostingKind


@dataclass(frozen=True, slots=True)
class Stage:
    """The accounts that hold a vendor order's shares while it is in one stage of its life."""

    vendor: AccountKind
    commission: AccountKind
    promotion: AccountKind


@dataclass(frozen=True, slots=True)
class DeliveryStage:
    """The accounts that hold what the operator gets for a delivery that he sells."""

    shipping: AccountKind
    tax: AccountKind


PENDING = Stage(A.VENDOR_PENDING, A.COMMISSION_DEFERRED, A.PROMO_DEFERRED)
INVOICED = Stage(A.VENDOR_PENDING, A.COMMISSION_REVENUE, A.PROMO_EXPENSE)  # on net terms: shipped, the buyer owes it
EARNED = Stage(A.VENDOR_EARNED, A.COMMISSION_REVENUE, A.PROMO_EXPENSE)
DUE = Stage(A.VENDOR_PAYABLE, A.COMMISSION_REVENUE, A.PROMO_EXPENSE)
DELIVERY_PENDING = DeliveryStage(A.SHIPPING_DEFERRED, A.TAX_DEFERRED)
DELIVERY_EARNED = DeliveryStage(A.SHIPPING_REVENUE, A.TAX_PAYABLE)


@dataclass(frozen=True, slots=True)
class Stages:
    """In which stage each part of an order is: vendor orders by their ids, the operator's deliveries by the formula's.
    What is not named has not been delivered."""

    vendor_orders: Mapping[uuid.UUID, Stage] = field(default_factory=dict)
    deliveries: Mapping[str, DeliveryStage] = field(default_factory=dict)

    def of(self, vendor_order_id: uuid.UUID) -> Stage:
        return self.vendor_orders.get(vendor_order_id, PENDING)

    def of_delivery(self, delivery: str) -> DeliveryStage:
        return self.deliveries.get(delivery, DELIVERY_PENDING)


NOTHING_DELIVERED = Stages()


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """Which order the postings are of. `vendor_orders`: the vendor order's id by vendor."""

    order_id: uuid.UUID
    currency: str
    prices_include_tax: bool
    vendor_orders: Mapping[uuid.UUID, uuid.UUID]


@dataclass(frozen=True, slots=True)
class Buyer:
    """How an event changes the buyer's side: `deficit_minor` more (below zero: less) for him to pay, `refund_minor` to
    be sent to him."""

    deficit_minor: int = 0
    refund_minor: int = 0


def order_paid(
    facts: OrderFacts, before: Valuation | None, after: Valuation | None, buyer: Buyer, net_minor: int, fee_minor: int
) -> list[Line]:
    """Money of the buyer arrived: net of the provider's fee on our balance, the fee beside it.

    `after` is the order's present valuation where this payment brings the order into the books, None where it is there
    already and the money pays a deficit or is too much.
    """
    lines = step_taken(facts, before, after, buyer)
    return without_zeros(
        [
            Line(A.PSP_CLEARING, None, K.PAYMENT, net_minor, facts.currency, facts.order_id),
            Line(A.PSP_FEES, None, K.FEE, fee_minor, facts.currency, facts.order_id),
            *lines,
        ]
    )


def step_taken(
    facts: OrderFacts,
    before: Valuation | None,
    after: Valuation | None,
    buyer: Buyer,
    stages: Stages = NOTHING_DELIVERED,
    beside: tuple[Beside, Beside] = (NOTHING_BESIDE, NOTHING_BESIDE),
) -> list[Line]:
    """The order went from one valuation to another, each of its parts in the stage it is in, and the buyer's side
    with it. `beside` tells charges and losses apart, before and after.

    Comes to zero by itself where buyer.refund_minor - buyer.deficit_minor is what the buyer owes less.
    """
    lines = entitled(facts, before, after, stages, beside)
    own = facts.order_id
    lines.append(Line(A.BUYER_CLAWBACK, own, K.DEFICIT, buyer.deficit_minor, facts.currency, own))
    lines.append(Line(A.REFUNDS_PAYABLE, own, K.REFUND, -buyer.refund_minor, facts.currency, own))
    return without_zeros(lines)


_Key = tuple[AccountKind, uuid.UUID | None, PostingKind, uuid.UUID | None]


def entitled(
    facts: OrderFacts,
    before: Valuation | None,
    after: Valuation | None,
    stages: Stages = NOTHING_DELIVERED,
    beside: tuple[Beside, Beside] = (NOTHING_BESIDE, NOTHING_BESIDE),
) -> list[Line]:
    """What the parties are entitled to in `after` more than in `before`; comes to what the buyer owes less."""
    sums: dict[_Key, int] = defaultdict(int)
    for valuation, known, sign in ((before, beside[0], -1), (after, beside[1], 1)):
        if valuation is not None:
            _add_lines(sums, valuation, facts, stages, sign)
            _add_deliveries(sums, valuation, facts, stages, sign)
            _add_rest(sums, valuation, known, facts, stages, sign)
    return [
        Line(account, party, kind, amount, facts.currency, facts.order_id, vendor_order)
        for (account, party, kind, vendor_order), amount in sums.items()
        if amount
    ]


def _add_lines(sums: dict[_Key, int], valuation: Valuation, facts: OrderFacts, stages: Stages, sign: int) -> None:
    for line in valuation.lines:
        vendor = uuid.UUID(line.vendor)
        part = facts.vendor_orders[vendor]
        stage = stages.of(part)
        goods = line.gross_minor - line.market_discount_minor
        fee, tax = line.restocking_fee_minor, line.tax_minor + line.restocking_tax_minor
        if facts.prices_include_tax:
            goods, fee = goods - line.tax_minor, fee - line.restocking_tax_minor
        for kind, amount in (
            (K.GOODS, goods),
            (K.MARKET_DISCOUNT, line.market_discount_minor),
            (K.VENDOR_DISCOUNT, -line.vendor_discount_minor),
            (K.TAX, tax),
            (K.RESTOCKING_FEE, fee),
            (K.COMMISSION, -line.commission_minor),
            (K.COMPENSATION, line.compensation_minor),
        ):
            if amount:
                sums[stage.vendor, vendor, kind, part] -= sign * amount
        sums[stage.commission, None, K.COMMISSION, part] -= sign * line.commission_minor
        sums[stage.promotion, None, K.MARKET_DISCOUNT, part] += sign * line.market_discount_minor


def _add_deliveries(sums: dict[_Key, int], valuation: Valuation, facts: OrderFacts, stages: Stages, sign: int) -> None:
    for delivery in valuation.deliveries:
        net = delivery.amount_minor - (delivery.tax_minor if facts.prices_include_tax else 0)
        if delivery.seller == MARKETPLACE:
            own = stages.of_delivery(delivery.id)
            sums[own.shipping, None, K.DELIVERY, None] -= sign * net
            sums[own.tax, None, K.TAX, None] -= sign * delivery.tax_minor
            continue
        vendor = uuid.UUID(delivery.seller)
        part = facts.vendor_orders[vendor]
        account = stages.of(part).vendor
        sums[account, vendor, K.DELIVERY, part] -= sign * net
        sums[account, vendor, K.TAX, part] -= sign * delivery.tax_minor
        sums[account, vendor, K.COMPENSATION, part] -= sign * delivery.compensation_minor


def _add_rest(
    sums: dict[_Key, int], valuation: Valuation, known: Beside, facts: OrderFacts, stages: Stages, sign: int
) -> None:
    """The marketplace's compensation, and the charges: what the valuation's sums hold beyond lines and deliveries.

    What the marketplace has with a vendor is of his vendor order, so that each of them comes to what the buyer owes for
    it; what it has with the buyer is of none.
    """
    sold, made_good = _sold(valuation, facts.prices_include_tax), _made_good(valuation)
    for name, due in valuation.vendors_minor.items():
        vendor = uuid.UUID(name)
        part = facts.vendor_orders[vendor]
        label = known.labels_minor.get(name, 0)
        for kind, amount in ((K.LABEL, label), (K.CHARGE, due - sold[name] - label)):
            if amount:
                sums[stages.of(part).vendor, vendor, kind, part] -= sign * amount
        got, lost = known.got_minor.get(name, 0), made_good[name] + known.paid_minor.get(name, 0)
        _add_own(sums, known, name, part, (sign * got, sign * lost), sign)
        sold[MARKETPLACE] += got
        made_good[MARKETPLACE] += lost
    got = valuation.operator_delivery_minor - sold[MARKETPLACE]
    lost = valuation.compensation_minor - known.waived_minor - made_good[MARKETPLACE]
    _add_own(sums, known, BUYER, None, (sign * got, sign * lost), sign)
    sums[A.PROMO_EXPENSE, None, K.DEFICIT, None] += sign * known.waived_minor


def _add_own(
    sums: dict[_Key, int], known: Beside, name: str, part: uuid.UUID | None, moved: tuple[int, int], sign: int
) -> None:
    """What the marketplace gets of a party beside the goods (a return label: sold at once, whatever has been delivered)
    and what it bears for it."""
    got, lost = moved
    label, claims = sign * known.got_labels_minor.get(name, 0), sign * known.claims_minor.get(name, 0)
    sums[A.SHIPPING_REVENUE, None, K.LABEL, part] -= label
    sums[A.SHIPPING_REVENUE, None, K.CHARGE, part] -= got - label
    sums[A.CARRIER_CLAIMS, None, K.COMPENSATION, part] += claims
    sums[A.OPERATOR_LOSS, None, K.COMPENSATION, part] += lost - claims


def _made_good(valuation: Valuation) -> dict[str, int]:
    """What each vendor is compensated for lines and deliveries."""
    sums: dict[str, int] = defaultdict(int)
    for line in valuation.lines:
        sums[line.vendor] += line.compensation_minor
    for delivery in valuation.deliveries:
        sums[delivery.seller] += delivery.compensation_minor
    return sums


def _sold(valuation: Valuation, contained: bool) -> dict[str, int]:
    """What each vendor, and the marketplace by its deliveries, is entitled to apart from charges."""
    sold: dict[str, int] = defaultdict(int)
    for line in valuation.lines:
        taxes = 0 if contained else line.tax_minor + line.restocking_tax_minor
        earned = line.gross_minor - line.vendor_discount_minor - line.commission_minor
        sold[line.vendor] += earned + line.restocking_fee_minor + taxes + line.compensation_minor
    for delivery in valuation.deliveries:
        amount = delivery.amount_minor + (0 if contained else delivery.tax_minor)
        sold[delivery.seller] += amount + (0 if delivery.seller == MARKETPLACE else delivery.compensation_minor)
    return sold
