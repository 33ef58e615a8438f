"""What of a valuation's compensation and charges is for what: the formula sums them up, the books tell them apart."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from marketplace.kernel.money import share
from marketplace.pricing.facts import MARKETPLACE, ChargeKind, Order, State, Valuation
from marketplace.pricing.policy import Fault, LossBearer, Policy


@dataclass(frozen=True, slots=True)
class Beside:
    """Parts of a valuation's sums. `labels_minor`: what each vendor, or the marketplace, gets for labels (below zero:
    pays) within its charges. Of the compensation, `claims_minor` is claimed from carriers, `waived_minor` let go."""

    labels_minor: Mapping[str, int] = field(default_factory=dict)
    claims_minor: int = 0
    waived_minor: int = 0


NOTHING_BESIDE = Beside()


def beside(order: Order, policy: Policy, state: State, valuation: Valuation) -> Beside:
    """A function of the state, so that the difference of two states is what a step moves."""
    labels: dict[str, int] = defaultdict(int)
    claims, waived = _claimed(order, policy, state, valuation), 0
    for charge in state.charges:
        if charge.kind is ChargeKind.LABEL:
            labels[charge.payer] -= charge.amount_minor
            labels[charge.payee] += charge.amount_minor
        elif charge.payer == MARKETPLACE and charge.kind is ChargeKind.CARRIER_CLAIM:
            claims += charge.amount_minor
        elif charge.payer == MARKETPLACE and charge.kind is ChargeKind.WAIVED_DEFICIT:
            waived += charge.amount_minor
    return Beside(dict(labels), claims, waived)


def _claimed(order: Order, policy: Policy, state: State, valuation: Valuation) -> int:
    """What of the lines' compensation goes back to a carrier's fault, by units."""
    if not any(line.compensation_minor for line in valuation.lines):
        return 0
    lost: dict[str, int] = defaultdict(int)
    by_carrier: dict[str, int] = defaultdict(int)
    operators = {delivery.id for delivery in order.deliveries if delivery.seller == MARKETPLACE}
    for entry in state.returned:
        bearer = policy.loss_borne_by[entry.fault]
        carried = order.lines[order.position[entry.line]].delivery in operators
        if bearer is LossBearer.MARKETPLACE or (bearer is LossBearer.DELIVERER and carried):
            lost[entry.line] += entry.quantity
            by_carrier[entry.line] += entry.quantity if entry.fault is Fault.CARRIER else 0
    return sum(share(line.compensation_minor, by_carrier[line.id], lost[line.id]) for line in valuation.lines)
