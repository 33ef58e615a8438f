"""What came back, line by line: how much is kept, how much still counts, and whose loss the rest is."""

from dataclasses import dataclass

from marketplace.pricing.facts import MARKETPLACE, Order, State
from marketplace.pricing.policy import Fault, LossBearer, Policy
from marketplace.pricing.refusals import Refused


@dataclass(frozen=True, slots=True)
class Tally:
    """Units by position of the line. qualifying: ordered less what a fault took back that is not protected.

    by_buyer: sent back by the buyer's own fault; lost: units whose loss the vendor does not bear.
    """

    ordered: list[int]
    kept: list[int]
    qualifying: list[int]
    by_buyer: list[int]
    lost: list[int]
    returned: dict[int, list[tuple[Fault, int]]]


def count(order: Order, policy: Policy, state: State) -> Tally:
    """The tally of a state; Refused for an unknown line or more returned than ordered."""
    ordered = [line.quantity for line in order.lines]
    kept, qualifying = ordered.copy(), ordered.copy()
    by_buyer, lost = [0] * len(ordered), [0] * len(ordered)
    returned: dict[int, list[tuple[Fault, int]]] = {}
    by_marketplace = {delivery.id for delivery in order.deliveries if delivery.seller == MARKETPLACE}
    for entry in state.returned:
        index = order.position.get(entry.line)
        if index is None:
            raise Refused("unknown line returned")
        kept[index] -= entry.quantity
        if entry.fault not in policy.protected_faults:
            qualifying[index] -= entry.quantity
        if entry.fault is Fault.BUYER:
            by_buyer[index] += entry.quantity
        bearer = policy.loss_borne_by[entry.fault]
        if bearer is LossBearer.MARKETPLACE or (
            bearer is LossBearer.DELIVERER and order.lines[index].delivery in by_marketplace
        ):
            lost[index] += entry.quantity
        returned.setdefault(index, []).append((entry.fault, entry.quantity))
    if kept and min(kept) < 0:
        raise Refused("returned more than was delivered")
    return Tally(ordered, kept, qualifying, by_buyer, lost, returned)
