"""One function prices everything: what every party owes or is owed, as a function of the state of the order alone."""

from collections.abc import Sequence

from marketplace.kernel.money import round_half_up, share
from marketplace.pricing.baskets import Basket, basket_of, rerate
from marketplace.pricing.deliveries import delivery_values
from marketplace.pricing.discounts import earned, kept_cuts
from marketplace.pricing.facts import (
    BUYER,
    MARKETPLACE,
    Decision,
    DeliveryValue,
    Line,
    LineValue,
    Order,
    State,
    Valuation,
)
from marketplace.pricing.policy import CommissionPolicy, DiscountPolicy, Policy
from marketplace.pricing.rated import Rated, rate
from marketplace.pricing.refusals import MICROS, Refused
from marketplace.pricing.taxes import tax_on


def value(order: Order, policy: Policy, state: State) -> Valuation:
    """What every party owes or is owed when this much has come back, by whose fault; State() prices the cart.

    Sums in minor units of the order's currency. Refused where the state does not fit the order, or where
    charges in the buyer's favour exceed what he owes.
    """
    rated = rate(order, policy, state)
    steps_placed = steps = earned(order, rated.placed)
    if policy.discount is not DiscountPolicy.PROPORTIONAL and rated.counting is not rated.placed:
        # Never above the step of the order as it was placed.
        steps = tuple(map(min, steps_placed, earned(order, rated.counting)))
    placed = basket_of(order, policy, rated.placed, steps_placed)
    if state.returned:
        now = _basket_now(rated, placed, steps_placed, steps)
        lines = _line_values(rated, placed, now)
    else:
        lines = _placed_values(rated, placed)
    return _summed(order, state, steps, lines, delivery_values(rated))


def decide(before: Valuation, after: Valuation, net_paid: int) -> Decision:
    """What moves on entering a state, given what was paid less what was refunded so far, in minor units."""
    if net_paid < 0:
        raise Refused("what was paid, less what was refunded, is not negative")
    vendors = {party: due - before.vendors_minor[party] for party, due in after.vendors_minor.items()}
    decision = Decision(
        refund_minor=max(0, net_paid - after.buyer_owes_minor),
        deficit_minor=max(0, after.buyer_owes_minor - net_paid),
        buyer_owes_minor=after.buyer_owes_minor - before.buyer_owes_minor,
        market_discount_minor=after.market_discount_minor - before.market_discount_minor,
        compensation_minor=after.compensation_minor - before.compensation_minor,
        commission_minor=after.commission_minor - before.commission_minor,
        operator_delivery_minor=after.operator_delivery_minor - before.operator_delivery_minor,
        vendors_minor=vendors,
    )
    paid_in = decision.buyer_owes_minor + decision.market_discount_minor + decision.compensation_minor
    assert paid_in == sum(vendors.values()) + decision.commission_minor + decision.operator_delivery_minor
    return decision


def _basket_now(rated: Rated, placed: Basket, steps_placed: Sequence[int], steps: Sequence[int]) -> Basket:
    """The basket that the state is valued by: the kept goods themselves, or all of them at what is still earned."""
    order, policy = rated.order, rated.policy
    if policy.discount is DiscountPolicy.REPRICE_KEPT:
        kept = rated.prices.listed_each(rated.tally.kept)
        return basket_of(order, policy, kept, steps)
    basket = placed if steps == steps_placed else basket_of(order, policy, placed.gross, steps)
    return rerate(rated, basket, steps)


def _placed_values(rated: Rated, placed: Basket) -> tuple[LineValue, ...]:
    """The lines of an order of which nothing came back, without any sharing."""
    contained = rated.order.prices_include_tax
    rows = zip(
        rated.order.lines,
        rated.prices.placed,
        placed.gross,
        placed.cuts.by_vendor,
        placed.cuts.by_market,
        placed.taxes,
        placed.commissions,
        strict=True,
    )
    return tuple(
        LineValue(
            id=line.id,
            vendor=line.vendor,
            kept=line.quantity,
            unit_price=tier.unit_price,
            gross_minor=gross,
            vendor_discount_minor=by_vendor,
            market_discount_minor=by_market,
            tax_minor=tax,
            commission_minor=commission,
            restocking_fee_minor=0,
            restocking_tax_minor=0,
            compensation_minor=0,
            buyer_owes_minor=gross - by_vendor - by_market + (0 if contained else tax),
        )
        for line, tier, gross, by_vendor, by_market, tax, commission in rows
    )


def _line_values(rated: Rated, placed: Basket, now: Basket) -> tuple[LineValue, ...]:
    order, policy, tally, prices = rated.order, rated.policy, rated.tally, rated.prices
    contained = order.prices_include_tax
    repriced = policy.discount is DiscountPolicy.REPRICE_KEPT
    values = []
    for index, line in enumerate(order.lines):
        ordered, kept = tally.ordered[index], tally.kept[index]
        gross, tax, commission = now.gross[index], now.taxes[index], now.commissions[index]
        by_vendor, by_market = now.cuts.by_vendor[index], now.cuts.by_market[index]
        fee = fee_tax = compensation = 0
        if kept != ordered:
            if not repriced:
                gross, tax = share(gross, kept, ordered), share(tax, kept, ordered)
                commission = share(commission, kept, ordered)
                by_vendor, by_market = kept_cuts(now.cuts, index, kept, ordered)
            not_lost = ordered - tally.lost[index]
            commission = _commission(policy, commission, share(placed.commissions[index], not_lost, ordered))
            fee, fee_tax = _restocking(policy, line, placed.paid(index), tally.by_buyer[index], contained)
            if tally.lost[index]:
                earned_placed = placed.earned(index, contained)
                compensation = earned_placed - share(earned_placed, not_lost, ordered)
        elif policy.commission is not CommissionPolicy.REVERSE:
            commission = _commission(policy, commission, placed.commissions[index])
        rerated = prices.rerated.get(index)
        values.append(
            LineValue(
                id=line.id,
                vendor=line.vendor,
                kept=kept,
                unit_price=prices.placed[index].unit_price if rerated is None else rerated.unit_price,
                gross_minor=gross,
                vendor_discount_minor=by_vendor,
                market_discount_minor=by_market,
                tax_minor=tax,
                commission_minor=commission,
                restocking_fee_minor=fee,
                restocking_tax_minor=fee_tax,
                compensation_minor=compensation,
                buyer_owes_minor=gross - by_vendor - by_market + fee + (0 if contained else tax + fee_tax),
            )
        )
    return tuple(values)


def _commission(policy: Policy, commission: int, held: int) -> int:
    """The commission on a line, where held is that of the placed order on the units which are not lost."""
    if policy.commission is CommissionPolicy.REVERSE:
        return commission
    if policy.commission is CommissionPolicy.KEEP:
        return max(commission, held)
    fee = round_half_up(max(0, held - commission) * policy.commission_fee_micros, MICROS)
    cap = policy.commission_fee_cap_minor
    return commission + (fee if cap is None else min(cap, fee))


def _restocking(policy: Policy, line: Line, paid: int, by_buyer: int, contained: bool) -> tuple[int, int]:
    """The restocking fee on what was paid for the units that the buyer sent back, and its tax."""
    if by_buyer == 0 or line.restocking_micros == 0:
        return 0, 0
    back = paid - share(paid, line.quantity - by_buyer, line.quantity)
    fee = round_half_up(back * line.restocking_micros, MICROS)
    if policy.restocking_cap_minor is not None:
        fee = min(policy.restocking_cap_minor, fee)
    return fee, tax_on(fee, line.tax_micros, contained) if policy.restocking_taxed else 0


def _summed(
    order: Order,
    state: State,
    steps: tuple[int, ...],
    lines: tuple[LineValue, ...],
    deliveries: tuple[DeliveryValue, ...],
) -> Valuation:
    contained = order.prices_include_tax
    owed = commission = discount = compensation = operator_delivery = 0
    vendors = dict.fromkeys(order.by_vendor, 0)
    for line in lines:
        taxes = 0 if contained else line.tax_minor + line.restocking_tax_minor
        earned_by_vendor = line.gross_minor - line.vendor_discount_minor - line.commission_minor
        vendors[line.vendor] += earned_by_vendor + line.restocking_fee_minor + taxes + line.compensation_minor
        owed += line.buyer_owes_minor
        discount += line.market_discount_minor
        compensation += line.compensation_minor
        commission += line.commission_minor
    for delivery in deliveries:
        sold = delivery.amount_minor + (0 if contained else delivery.tax_minor)
        owed += sold
        compensation += delivery.compensation_minor
        if delivery.seller == MARKETPLACE:
            operator_delivery += sold
        else:
            vendors[delivery.seller] += sold + delivery.compensation_minor
    parties = {BUYER: 0, MARKETPLACE: 0, **dict.fromkeys(vendors, 0)} if state.charges else {}
    for charge in state.charges:
        if charge.payer not in parties or charge.payee not in parties:
            raise Refused("a charge moves a positive sum between two parties of the order")
        owed += charge.amount_minor * ((charge.payer == BUYER) - (charge.payee == BUYER))
        compensation += charge.amount_minor * (charge.payer == MARKETPLACE)
        operator_delivery += charge.amount_minor * (charge.payee == MARKETPLACE)
        parties[charge.payer] -= charge.amount_minor
        parties[charge.payee] += charge.amount_minor
    if state.charges:
        vendors = {vendor: due + parties[vendor] for vendor, due in vendors.items()}
    if owed < 0:
        raise Refused("charges in the buyer's favour exceed what he owes")
    assert owed + discount + compensation == sum(vendors.values()) + commission + operator_delivery
    return Valuation(
        buyer_owes_minor=owed,
        market_discount_minor=discount,
        compensation_minor=compensation,
        commission_minor=commission,
        operator_delivery_minor=operator_delivery,
        vendors_minor=vendors,
        promotion_steps=steps,
        lines=lines,
        deliveries=deliveries,
    )
