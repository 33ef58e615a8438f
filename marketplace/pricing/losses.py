"""What of a valuation's compensation and charges is for what: the formula sums them up, the books tell them apart."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from marketplace.kernel.money import share
from marketplace.pricing.facts import BUYER, MARKETPLACE, ChargeKind, Order, State, Valuation
from marketplace.pricing.policy import Fault, LossBearer, Policy


@dataclass(frozen=True, slots=True)
class Beside:
    """Parts of a valuation's sums, by party. `labels_minor`: what a vendor gets for labels (below zero: pays) within
    his charges, `between_minor`: what he gets of other vendors. `got_minor` is charged to a party by the marketplace,
    `got_labels_minor` of it for labels, `paid_minor` to the marketplace by a party. Of the compensation, `claims_minor`
    is claimed from carriers, `waived_minor` let go."""

    labels_minor: Mapping[str, int] = field(default_factory=dict)
    between_minor: Mapping[str, int] = field(default_factory=dict)
    got_minor: Mapping[str, int] = field(default_factory=dict)
    got_labels_minor: Mapping[str, int] = field(default_factory=dict)
    paid_minor: Mapping[str, int] = field(default_factory=dict)
    claims_minor: Mapping[str, int] = field(default_factory=dict)
    waived_minor: int = 0


NOTHING_BESIDE = Beside()


def beside(order: Order, policy: Policy, state: State, valuation: Valuation) -> Beside:
    """A function of the state, so that the difference of two states is what a step moves."""
    labels, between, got, got_labels, paid = (defaultdict[str, int](int) for _ in range(5))
    claims, waived = _claimed(order, policy, state, valuation), 0
    for charge in state.charges:
        payer, payee, amount = charge.payer, charge.payee, charge.amount_minor
        if charge.kind is ChargeKind.LABEL:
            labels[payer] -= amount
            labels[payee] += amount
        if payee == MARKETPLACE:
            got[payer] += amount
            got_labels[payer] += amount if charge.kind is ChargeKind.LABEL else 0
        elif (payer, payee, charge.kind) == (MARKETPLACE, BUYER, ChargeKind.WAIVED_DEFICIT):
            waived += amount
        elif payer == MARKETPLACE:
            paid[payee] += amount
            claims[payee] += amount if charge.kind is ChargeKind.CARRIER_CLAIM else 0
        elif BUYER not in {payer, payee}:
            between[payer] -= amount
            between[payee] += amount
    return Beside(labels, between, got, got_labels, paid, claims, waived)


def _claimed(order: Order, policy: Policy, state: State, valuation: Valuation) -> dict[str, int]:
    """What of the compensation of a vendor's lines goes back to a carrier's fault, by units."""
    claims: dict[str, int] = defaultdict(int)
    if not any(line.compensation_minor for line in valuation.lines):
        return claims
    lost: dict[str, int] = defaultdict(int)
    by_carrier: dict[str, int] = defaultdict(int)
    operators = {delivery.id for delivery in order.deliveries if delivery.seller == MARKETPLACE}
    for entry in state.returned:
        bearer = policy.loss_borne_by[entry.fault]
        carried = order.lines[order.position[entry.line]].delivery in operators
        if bearer is LossBearer.MARKETPLACE or (bearer is LossBearer.DELIVERER and carried):
            lost[entry.line] += entry.quantity
            by_carrier[entry.line] += entry.quantity if entry.fault is Fault.CARRIER else 0
    for line in valuation.lines:
        claims[line.vendor] += share(line.compensation_minor, by_carrier[line.id], lost[line.id])
    return claims
