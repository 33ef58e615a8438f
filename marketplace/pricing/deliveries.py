"""A delivery is charged as a whole and given back by value, and a seller without fault is kept whole."""

from marketplace.kernel.money import share
from marketplace.pricing.facts import MARKETPLACE, Delivery, DeliveryValue, FreeBasis
from marketplace.pricing.policy import DeliveryRefund, FreeDeliveryPolicy, LossBearer
from marketplace.pricing.rated import Rated
from marketplace.pricing.taxes import tax_on


def delivery_values(rated: Rated) -> tuple[DeliveryValue, ...]:
    """Every delivery of the order in its state."""
    return tuple(_delivery(rated, delivery, _is_free(rated, delivery)) for delivery in rated.order.deliveries)


def _is_free(rated: Rated, delivery: Delivery) -> bool:
    limit = delivery.free_from_minor
    if limit is None:
        return False
    by_order = delivery.free_basis is FreeBasis.ORDER
    lines = range(len(rated.placed)) if by_order else rated.order.by_delivery[delivery.id]
    if sum(rated.placed[index] for index in lines) < limit:
        return False
    if rated.policy.free_delivery is FreeDeliveryPolicy.KEEP:
        return True
    return sum(rated.counting[index] for index in lines) >= limit


def _delivery(rated: Rated, delivery: Delivery, free: bool) -> DeliveryValue:
    charge = 0 if free else delivery.price_minor
    if charge == 0:
        return DeliveryValue(delivery.id, delivery.seller, 0, 0, 0, free)
    contained = rated.order.prices_include_tax
    whole_tax = tax_on(charge, delivery.tax_micros, contained)
    whole, back, lost = _weights(rated, delivery)
    amount = share(charge, whole - back, whole)
    tax = share(whole_tax, amount, charge)
    compensation = 0
    if lost and delivery.seller != MARKETPLACE:
        net = charge - whole_tax if contained else charge
        compensation = net - share(net, whole - lost, whole)
    return DeliveryValue(delivery.id, delivery.seller, amount, tax, compensation, free)


def _weights(rated: Rated, delivery: Delivery) -> tuple[int, int, int]:
    """All of the delivery, what of it goes back, and what of that is the marketplace's loss: by value, unrounded.

    Where everything in it was free, it is weighed by quantity.
    """
    tally, policy = rated.tally, rated.policy
    lines = rated.order.by_delivery[delivery.id]
    weight_of = {index: rated.prices.placed[index].micros for index in lines}
    if not any(weight_of.values()):
        weight_of = dict.fromkeys(lines, 1)
    whole = sum(weight * tally.ordered[index] for index, weight in weight_of.items())
    all_back = not any(tally.kept[index] for index in lines)
    back = lost = 0
    for index, weight in weight_of.items():
        for fault, quantity in tally.returned.get(index, ()):
            rule = policy.delivery_refund[fault]
            if rule is DeliveryRefund.NONE or (rule is DeliveryRefund.FULL_ON_FULL and not all_back):
                continue
            back += weight * quantity
            if policy.loss_borne_by[fault] is LossBearer.MARKETPLACE:
                lost += weight * quantity
    return whole, back, lost
