"""From verdicts on lines to the formula's next state: pure, so that a preview and a settlement cannot differ."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.kernel.money import allocate, round_half_up
from marketplace.pricing.charges import as_far_as_owed
from marketplace.pricing.facts import BUYER, MARKETPLACE, Charge, ChargeKind, Order, Returned, State
from marketplace.pricing.policy import Fault, LossBearer, Policy
from marketplace.pricing.valuation import value

Verdict = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """A line with the verdict that holds now (None: none yet) and the one to settle."""

    order_line_id: uuid.UUID
    vendor_id: uuid.UUID
    was: Verdict | None
    verdict: Verdict


def returned_units(verdict: Verdict | None) -> dict[Fault, int]:
    """How many units of a line came back for money, by fault."""
    units: Counter[Fault] = Counter()
    for entry in verdict["units"] if verdict else ():
        units[Fault(entry["fault"])] += entry["quantity"]
    return dict(units)


def total(verdict: Verdict | None) -> int:
    return sum(returned_units(verdict).values())


def as_claimed(fault: str, quantity: int) -> dict[str, Any]:
    """The verdict that gives the buyer what he asks for."""
    return {"units": [{"fault": fault, "quantity": quantity}] if quantity else [], "replaced": 0, "note": ""}


def is_the_same(standing: Verdict | None, verdict: Verdict) -> bool:
    """Does a verdict give what stands settled already, whatever is said with it?"""
    if standing is None or returned_units(verdict) != returned_units(standing):
        return False
    return all((verdict.get(name) or None) == (standing.get(name) or None) for name in ("replaced", "shares"))


def moves_nothing(before: State, after: State) -> bool:
    """Are two states one, whatever the order in which they name what came back and what is charged?"""
    return set(before.returned) == set(after.returned) and Counter(before.charges) == Counter(after.charges)


def shared(shares: Sequence[tuple[Fault, int]], quantity: int) -> list[dict[str, Any]]:
    """A fault shared by units: `[(vendor, 70), (buyer, 30)]` of 10 are 7 and 3; largest remainder."""
    parts = allocate(quantity, [weight for _, weight in shares])
    return [{"fault": fault.value, "quantity": part} for (fault, _), part in zip(shares, parts, strict=True) if part]


def state_after(
    order: Order,
    policy: Policy,
    before: State,
    judged: Sequence[Judged],
    labels: Sequence[Charge],
    given: Sequence[Charge] = (),
    taken_back: Sequence[Charge] = (),
) -> tuple[State, list[tuple[int, Charge]], list[Charge]]:
    """The state in which these verdicts hold instead of those before, with what labels cost and what is given besides,
    and without the charges `taken_back`; the charges that faults shared as sums make, each with the number of its line
    in `judged`; and all that are new. What stood before, and labels, are lowered to what is still owed; what is given
    is not, so that it is refused where it does not fit."""
    counts = {(entry.line, entry.fault): entry.quantity for entry in before.returned}
    for line in judged:
        name = str(line.order_line_id)
        for verdict, sign in ((line.was, -1), (line.verdict, 1)):
            for fault, quantity in returned_units(verdict).items():
                counts[name, fault] = counts.get((name, fault), 0) + sign * quantity
    returned = tuple(Returned(name, fault, quantity) for (name, fault), quantity in counts.items() if quantity)
    kept = Counter(before.charges) - Counter(taken_back)
    for line in judged:
        kept -= Counter(charge_from_json(entry) for entry in (line.was or {}).get("charges", ()))
    base = State(returned, tuple(charge for charge in before.charges if _taken(kept, charge)))
    made = _shared_as_charges(order, policy, base, judged)
    shared_out = [charge for _, charge in made]
    base = as_far_as_owed(order, policy, State(returned, (*base.charges, *shared_out)))
    after = as_far_as_owed(order, policy, State(returned, (*base.charges, *labels)))
    charged = Counter(after.charges) - Counter(base.charges) - Counter(taken_back)  # a label may cost what it did
    new = [*shared_out, *given, *charged.elements()]
    return State(returned, (*after.charges, *given)), made, new


def _taken(kept: Counter[Charge], charge: Charge) -> bool:
    if not kept[charge]:
        return False
    kept[charge] -= 1
    return True


def _shared_as_charges(
    order: Order, policy: Policy, after: State, judged: Sequence[Judged]
) -> list[tuple[int, Charge]]:
    """Faults shared as sums: the others pay their share of what the line's return is worth to who bears the loss."""
    made: list[tuple[int, Charge]] = []
    for number, line in enumerate(judged):
        shares = line.verdict.get("shares") or ()
        if not shares or not total(line.verdict):
            continue
        name, main = str(line.order_line_id), Fault(shares[0]["fault"])
        kept = tuple(entry for entry in after.returned if (entry.line, entry.fault) != (name, main))
        worth = value(order, policy, State(kept)).buyer_owes_minor
        worth -= value(order, policy, State(after.returned)).buyer_owes_minor
        payee = _bearer(order, policy, name, main)
        whole = sum(share["percent"] for share in shares)
        for share in shares[1:]:
            payer = BUYER if share["fault"] == Fault.BUYER else _bearer(order, policy, name, Fault(share["fault"]))
            amount = round_half_up(worth * share["percent"], whole)
            if amount > 0 and payer != payee:
                made.append((number, Charge(payer, payee, amount, ChargeKind.FAULT_SHARE)))
    return made


def _bearer(order: Order, policy: Policy, line: str, fault: Fault) -> str:
    """Who bears the loss of a line by a fault: its vendor or the marketplace."""
    own = order.lines[order.position[line]]
    bearer = policy.loss_borne_by[fault]
    by_market = {delivery.id for delivery in order.deliveries if delivery.seller == MARKETPLACE}
    if bearer is LossBearer.MARKETPLACE or (bearer is LossBearer.DELIVERER and own.delivery in by_market):
        return MARKETPLACE
    return own.vendor


def bears_loss(order: Order, policy: Policy, line_id: uuid.UUID, fault: Fault) -> bool:
    """Does the vendor of a line bear the loss by this fault himself?"""
    return _bearer(order, policy, str(line_id), fault) != MARKETPLACE


def label_charge(payee_side: str, vendor_id: uuid.UUID, cost_minor: int, units: Mapping[Fault, int]) -> Charge | None:
    """What a return label costs whoever's fault it was (that of most units) and who did not buy it himself."""
    if not units or not cost_minor:
        return None
    fault = max(units, key=lambda one: units[one])
    payers = {Fault.BUYER: BUYER, Fault.VENDOR: str(vendor_id)}
    payees = {"buyer": BUYER, "vendor": str(vendor_id), "operator": MARKETPLACE}
    payer, payee = payers.get(fault, MARKETPLACE), payees[payee_side]
    return None if payer == payee else Charge(payer, payee, cost_minor, ChargeKind.LABEL)


def charge_to_json(charge: Charge) -> dict[str, Any]:
    return {
        "payer": charge.payer,
        "payee": charge.payee,
        "amount_minor": charge.amount_minor,
        "kind": charge.kind.value,
    }


def charge_from_json(entry: Mapping[str, Any]) -> Charge:
    return Charge(entry["payer"], entry["payee"], entry["amount_minor"], ChargeKind(entry.get("kind", "other")))


def waived(amount_minor: int) -> dict[str, Any]:
    """A deficit that the marketplace lets go."""
    return charge_to_json(Charge(MARKETPLACE, BUYER, amount_minor, ChargeKind.WAIVED_DEFICIT))
