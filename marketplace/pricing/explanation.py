"""Why every sum moved, in words: derived from two valuations alone, adding up to what each party's share moved by."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from marketplace.pricing import wording
from marketplace.pricing.facts import (
    BUYER,
    MARKETPLACE,
    DeliveryValue,
    FreeBasis,
    Line,
    LineValue,
    Order,
    Promotion,
    State,
    Valuation,
)
from marketplace.pricing.policy import DeliveryRefund, DiscountPolicy, Fault, Policy, TierPolicy
from marketplace.pricing.rated import Rated, rate


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sum in words, for one party: the buyer, the marketplace or a vendor by his id.

    amount_minor: what the party's own sum moves by: what the buyer owes, what a vendor gets, and for the marketplace,
    by kind, its discount, compensation, commission or delivery. `rule` names the term of the policy that made it.
    """

    party: str
    kind: str
    subject: str
    amount_minor: int
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """An order on its way from one state to another. `names` says how lines, deliveries and parties are called."""

    order: Order
    policy: Policy
    states: tuple[State, State]
    valuations: tuple[Valuation, Valuation]
    names: Mapping[str, str]

    def name(self, own: str) -> str:
        return self.names.get(own, own)

    def money(self, minor: int) -> str:
        return wording.money(minor, self.order.currency)


def explain(change: Change) -> list[Sentence]:
    """Every sum that moved, and what moved nothing although somebody may expect it."""
    rated = rate(change.order, change.policy, change.states[1])
    sentences: list[Sentence] = []
    units = _moved_units(change)
    steps = _steps_lost(change, rated)
    before, after = change.valuations
    for index, pair in enumerate(zip(before.lines, after.lines, strict=True)):
        moved = units.get(pair[0].id, {})
        if moved or pair[0] != pair[1]:
            sentences += _line(change, change.order.lines[index], pair, moved, steps)
    for number, values in enumerate(zip(before.deliveries, after.deliveries, strict=True)):
        sentences += _delivery(change, rated, number, values, units)
    sentences += _charges(change)
    return sentences


def _moved_units(change: Change) -> dict[str, dict[Fault, int]]:
    """Per line, and fault, how many units more (or, below zero, fewer) came back."""
    moved: dict[str, dict[Fault, int]] = {}
    for state, sign in zip(change.states, (-1, 1), strict=True):
        for entry in state.returned:
            of_line = moved.setdefault(entry.line, {})
            of_line[entry.fault] = of_line.get(entry.fault, 0) + sign * entry.quantity
    return {line: kept for line, of_line in moved.items() if (kept := {fault: n for fault, n in of_line.items() if n})}


@dataclass(frozen=True, slots=True)
class _StepLost:
    """What became of a promotion's step, and by which goods; `vendors`: whose goods these are."""

    promotion: Promotion
    words: str
    counting: str
    vendors: frozenset[str]

    def said(self, *, to_vendor: bool) -> str:
        """A vendor does not read what goods of others come to."""
        return self.words if to_vendor and len(self.vendors) > 1 else f"{self.words}, as {self.counting} count for it"


def _steps_lost(change: Change, rated: Rated) -> list[_StepLost]:
    """What became of the steps of promotions; none where they stand."""
    before, after = (valuation.promotion_steps for valuation in change.valuations)
    currency, lost = change.order.currency, []
    for index, promotion in enumerate(change.order.promotions):
        if before[index] != after[index]:
            was, now = (wording.step(promotion, steps[index], currency) for steps in (before, after))
            scope = [place for place, line in enumerate(change.order.lines) if _covers(promotion, line)]
            goods = f"goods of {change.money(sum(rated.counting[place] for place in scope))}"
            vendors = frozenset(change.order.lines[place].vendor for place in scope)
            lost.append(_StepLost(promotion, f"the discount is {now} instead of {was}", goods, vendors))
    return lost


def _covers(promotion: Promotion, line: Line) -> bool:
    return promotion.lines is None or line.id in promotion.lines


def _what(change: Change, line: Line, moved: Mapping[Fault, int]) -> str:
    """What happened to the units of a line."""
    name = change.name(line.id)
    more = {fault: n for fault, n in moved.items() if n > 0}
    less = {fault: -n for fault, n in moved.items() if n < 0}
    if more and less:
        return f"{name}: now {wording.as_faults(more)}, no longer {wording.as_faults(less)}"
    if less:
        return f"{name}: {sum(less.values())} of {line.quantity} did not come back after all"
    if more:
        return f"{name}: {sum(more.values())} of {line.quantity} came back {wording.by_faults(more)}"
    return name


def _line(
    change: Change, line: Line, pair: tuple[LineValue, LineValue], moved: Mapping[Fault, int], lost: Sequence[_StepLost]
) -> Iterator[Sentence]:
    before, after = pair
    what = _what(change, line, moved)
    contained = change.order.prices_include_tax
    for party, kind, amount, rule, text in (
        *_goods(change, pair, what),
        *_discounts(change, pair, what, [step for step in lost if _covers(step.promotion, line)]),
        *_taxes(change, line, pair, what),
        *_fees(change, line, pair, what),
        *_commission(change, line, pair, what),
    ):
        whom = line.vendor if party == "vendor" else party
        yield Sentence(whom, kind, line.id, amount, rule, text)
    if after.unit_price != before.unit_price:
        now, was = (wording.price(one.unit_price, change.order.currency) for one in (after, before))
        text = f"{what}: a unit costs {now} instead of {was}"
        why = f"{text}, by the volume that still counts"
        for party in (BUYER, line.vendor):
            yield Sentence(party, "price", line.id, 0, f"tier: {change.policy.tier.value}", why)
    elif contained and after.tax_minor != before.tax_minor and not moved:
        text = f"{what}: {change.money(after.tax_minor)} of the price is tax, {change.money(before.tax_minor)} before"
        yield Sentence(line.vendor, "tax", line.id, 0, f"tax_base: {change.policy.tax_base.value}", text)


_Said = tuple[str, str, int, str, str]  # party ("vendor": that of the line), kind, amount, rule, text


def _goods(change: Change, pair: tuple[LineValue, LineValue], what: str) -> Iterator[_Said]:
    gross = pair[1].gross_minor - pair[0].gross_minor
    if not gross:
        return
    how = "less" if gross < 0 else "more"
    rule = f"tier: {change.policy.tier.value}"
    if change.policy.tier is TierPolicy.KEEP or pair[0].unit_price == pair[1].unit_price:
        rule = f"discount: {change.policy.discount.value}"
    for party in (BUYER, "vendor"):
        yield party, "goods", gross, rule, f"{what}: goods of {change.money(gross)} {how}"


def _discounts(
    change: Change, pair: tuple[LineValue, LineValue], what: str, lost: Sequence[_StepLost]
) -> Iterator[_Said]:
    by_vendor = pair[1].vendor_discount_minor - pair[0].vendor_discount_minor
    by_market = pair[1].market_discount_minor - pair[0].market_discount_minor
    rule = f"discount: {change.policy.discount.value}"
    reason = to_vendor = what
    if lost and change.policy.discount is not DiscountPolicy.PROPORTIONAL:
        reason = f"{what}: {wording.listed(step.said(to_vendor=False) for step in lost)}"
        to_vendor = f"{what}: {wording.listed(step.said(to_vendor=True) for step in lost)}"
    if whole := by_vendor + by_market:
        text = f"{reason}: discount of {change.money(whole)} {'falls away' if whole < 0 else 'more'}"
        yield BUYER, "discount", -whole, rule, text
    if by_vendor:
        text = f"{to_vendor}: the vendor's part of the discount is {change.money(by_vendor)} {_less(by_vendor)}"
        yield "vendor", "vendor_discount", -by_vendor, rule, text
    if by_market:
        text = f"{reason}: the marketplace's part of the discount is {change.money(by_market)} {_less(by_market)}"
        yield MARKETPLACE, "market_discount", by_market, rule, text


def _less(amount: int) -> str:
    return "less" if amount < 0 else "more"


def _taxes(change: Change, line: Line, pair: tuple[LineValue, LineValue], what: str) -> Iterator[_Said]:
    tax = pair[1].tax_minor - pair[0].tax_minor
    if not tax:
        return
    contained = change.order.prices_include_tax
    text = f"{what}: tax of {wording.percent(line.tax_rate)}, {change.money(tax)} {_less(tax)}"
    text += ", contained in the price" if contained else ""
    for party in (BUYER, "vendor"):
        yield party, "tax", 0 if contained else tax, f"tax_base: {change.policy.tax_base.value}", text


def _fees(change: Change, line: Line, pair: tuple[LineValue, LineValue], what: str) -> Iterator[_Said]:
    fee = pair[1].restocking_fee_minor - pair[0].restocking_fee_minor
    tax = pair[1].restocking_tax_minor - pair[0].restocking_tax_minor
    cap = change.policy.restocking_cap_minor
    if fee:
        limit = "" if cap is None or pair[1].restocking_fee_minor < cap else f", at most {change.money(cap)}"
        of_price = f"{wording.percent(line.restocking_rate)} of what was paid{limit}"
        for party in (BUYER, "vendor"):
            text = f"{what}: restocking fee, {of_price}: {change.money(fee)} {_less(fee)}"
            yield party, "restocking_fee", fee, "restocking", text
    if tax and not change.order.prices_include_tax:
        for party in (BUYER, "vendor"):
            text = f"{what}: tax on the restocking fee, {change.money(tax)} {_less(tax)}"
            yield party, "restocking_tax", tax, "restocking_taxed", text


def _commission(change: Change, line: Line, pair: tuple[LineValue, LineValue], what: str) -> Iterator[_Said]:
    commission = pair[1].commission_minor - pair[0].commission_minor
    made_good = pair[1].compensation_minor - pair[0].compensation_minor
    if commission:
        verb = "given back" if commission < 0 else "more"
        text = f"{what}: commission of {wording.percent(line.commission_rate)}, {change.money(commission)} {verb}"
        rule = f"commission: {change.policy.commission.value}"
        yield "vendor", "commission", -commission, rule, text
        yield MARKETPLACE, "commission", commission, rule, text
    if made_good:
        text = f"{what}: what the vendor had earned by them is made good, {change.money(made_good)} {_less(made_good)}"
        yield "vendor", "compensation", made_good, "loss_borne_by", text
        yield MARKETPLACE, "compensation", made_good, "loss_borne_by", text


def _delivery(
    change: Change,
    rated: Rated,
    number: int,
    values: tuple[DeliveryValue, DeliveryValue],
    units: Mapping[str, Mapping[Fault, int]],
) -> Iterator[Sentence]:
    """What became of a delivery; said also where nothing of it is returned, since that is asked about most."""
    before, after = values
    delivery = change.order.deliveries[number]
    lines = rated.order.by_delivery[delivery.id]
    if before == after and not any(change.order.lines[index].id in units for index in lines):
        return
    seller = MARKETPLACE if delivery.seller == MARKETPLACE else delivery.seller
    amount, tax = after.amount_minor - before.amount_minor, after.tax_minor - before.tax_minor
    for party in (BUYER, seller):
        rule, text = _delivery_words(change, rated, number, values, to_vendor=party not in {BUYER, MARKETPLACE})
        yield Sentence(party, "delivery", delivery.id, amount, rule, text)
        if tax and not change.order.prices_include_tax:
            said = f"{text}; tax on it, {change.money(tax)} {_less(tax)}"
            yield Sentence(party, "delivery_tax", delivery.id, tax, rule, said)
    made_good = after.compensation_minor - before.compensation_minor
    if made_good:
        said = f"{text}; the seller of the delivery is kept whole, {change.money(made_good)} {_less(made_good)}"
        yield Sentence(seller, "compensation", delivery.id, made_good, "loss_borne_by", said)
        yield Sentence(MARKETPLACE, "compensation", delivery.id, made_good, "loss_borne_by", said)


def _delivery_words(
    change: Change, rated: Rated, number: int, values: tuple[DeliveryValue, DeliveryValue], *, to_vendor: bool
) -> tuple[str, str]:
    """(rule, sentence): `delivery 14.90 EUR: 2 of 7 units by value came back by the vendor's fault: ...`."""
    before, after = values
    delivery = change.order.deliveries[number]
    lines = rated.order.by_delivery[delivery.id]
    name = f"{change.name(delivery.id)} {change.money(delivery.price_minor)}"
    if before.free or after.free:
        by_order = delivery.free_basis is FreeBasis.ORDER
        counting = sum(rated.counting[index] for index in (range(len(rated.counting)) if by_order else lines))
        from_sum = change.money(delivery.free_from_minor or 0)
        rule = f"free_delivery: {change.policy.free_delivery.value}"
        if after.free:
            return rule, f"{name}: it {'stays' if before.free else 'is'} free, from {from_sum}"
        if before.free:
            of_others = to_vendor and by_order and len({line.vendor for line in change.order.lines}) > 1
            goods = "less than that" if of_others else f"goods of {change.money(counting)}"
            why = f"it was free from {from_sum}, and {goods} still {'counts' if of_others else 'count'}"
            return rule, f"{name}: {why}: {change.money(after.amount_minor)} charged"
    ordered = sum(rated.tally.ordered[index] for index in lines)
    back: Counter[Fault] = Counter()
    for index in lines:
        back.update(dict(rated.tally.returned.get(index, ())))
    all_back = not any(rated.tally.kept[index] for index in lines)
    refunding = {fault: n for fault, n in back.items() if _refunds(change.policy, fault, all_back)}
    kept = {fault: n for fault, n in back.items() if fault not in refunding}
    now = before.amount_minor - after.amount_minor
    if not refunding:
        fault = next(iter(kept), Fault.BUYER)
        rule = f"delivery_refund.{fault.value}: {change.policy.delivery_refund[fault].value}"
        came = f"{sum(kept.values())} of {ordered} units came back {wording.by_faults(kept)}" if kept else "all is kept"
        said = f"{change.money(now)} {'returned' if now > 0 else 'charged again'}" if now else "nothing returned"
        return rule, f"{name}: {came}: {said}"
    fault = next(iter(refunding))
    rule = f"delivery_refund.{fault.value}: {change.policy.delivery_refund[fault].value}"
    whole = delivery.price_minor - after.amount_minor
    now_words = "" if now == whole else f", {change.money(now)} of it {'now' if now >= 0 else 'charged again'}"
    came = f"{sum(refunding.values())} of {ordered} units by value came back {wording.by_faults(refunding)}"
    return rule, f"{name}: {came}: {change.money(whole)} returned{now_words}"


def _refunds(policy: Policy, fault: Fault, all_back: bool) -> bool:
    rule = policy.delivery_refund[fault]
    return rule is DeliveryRefund.PROPORTIONAL or (rule is DeliveryRefund.FULL_ON_FULL and all_back)


def _charges(change: Change) -> Iterator[Sentence]:
    """Each charge that is new, or no longer there, for the two parties it moves money between."""
    old, new = (Counter(state.charges) for state in change.states)
    for charges, sign in ((new - old, 1), (old - new, -1)):
        for charge in charges.elements():
            text = (
                f"{wording.CHARGES[charge.kind]}: {change.name(charge.payer)} pays "
                f"{change.money(charge.amount_minor)} to {change.name(charge.payee)}"
            )
            text = text if sign > 0 else f"{text}: taken back"
            for party, gets in ((charge.payer, -1), (charge.payee, 1)):
                yield _charged(party, charge.kind.value, gets, sign * charge.amount_minor, text)


def _charged(party: str, kind: str, gets: int, amount: int, text: str) -> Sentence:
    """What the buyer pays raises what he owes; what the marketplace pays is compensation, what it gets a sale."""
    if party == BUYER:
        return Sentence(BUYER, kind, "", -gets * amount, "charge", text)
    if party == MARKETPLACE:
        return Sentence(MARKETPLACE, "compensation" if gets < 0 else "delivery", "", amount, "charge", text)
    return Sentence(party, kind, "", gets * amount, "charge", text)


def moved_by(sentences: Sequence[Sentence], party: str, *kinds: str) -> int:
    """What the sentences for a party come to, of some kinds or of all."""
    return sum(one.amount_minor for one in sentences if one.party == party and (not kinds or one.kind in kinds))
