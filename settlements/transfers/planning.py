"""How much leaves by which charge, and where what a vendor owes is taken from: pure, and no cent is lost."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marketplace.kernel.money import allocate


@dataclass(frozen=True, slots=True)
class Charge:
    """What one payment of a buyer can carry. `left_minor`: what it took less what goes back to the buyer or his bank;
    `linked_minor`: what transfers name it for already, `own_minor` of it for the vendor in question.

    `entitled`: what each vendor of its order is entitled to, in minor units.
    """

    payment_id: uuid.UUID
    left_minor: int
    linked_minor: int
    own_minor: int
    entitled: Mapping[uuid.UUID, int]


@dataclass(frozen=True, slots=True)
class Part:
    """One transfer to be: linked to a payment, or plain."""

    payment_id: uuid.UUID | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Shared:
    """What one vendor gets of a charge: with the charge named, and plain from our own balance."""

    linked_minor: int
    plain_minor: int


def transfer_plan(charge_minor: int, due: Sequence[int]) -> list[Shared]:
    """What each vendor is due, linked to the charge as far as it reaches (largest remainder), the rest plain."""
    linked = allocate(min(max(0, charge_minor), sum(due)), due)
    return [Shared(part, owed - part) for part, owed in zip(linked, due, strict=True)]


def plan_request(vendor_id: uuid.UUID, amount_minor: int, charges: Sequence[Charge]) -> list[Part]:
    """The transfers that bring a vendor `amount_minor`: linked to charges in their order, the rest plain at the end."""
    parts, left = [], amount_minor
    for charge in charges:
        part = min(left, _room(vendor_id, charge))
        if part > 0:
            parts.append(Part(charge.payment_id, part))
            left -= part
    return [*parts, Part(None, left)] if left else parts


def _room(vendor_id: uuid.UUID, charge: Charge) -> int:
    """His share of the charge less what it carried to him; never more than nobody else's transfers have used."""
    vendors = [vendor for vendor, due in charge.entitled.items() if due > 0]
    if vendor_id not in vendors:
        return 0
    shares = transfer_plan(charge.left_minor, [charge.entitled[vendor] for vendor in vendors])
    own = shares[vendors.index(vendor_id)].linked_minor
    return max(0, min(own - charge.own_minor, charge.left_minor - charge.linked_minor))


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a vendor's debt can be taken from: transfers not sent yet, transfers made and not reversed, what is
    available on his account at the provider, and his reserve."""

    not_sent_minor: int = 0
    reversible_minor: int = 0
    available_minor: int = 0
    reserve_minor: int = 0


@dataclass(frozen=True, slots=True)
class Recovery:
    """Where the debt is taken from, step by step; what is carried nets with his later sales."""

    less_transfer_minor: int
    reversal_minor: int
    reserve_minor: int
    carried_minor: int


def recover(debt_minor: int, sources: Sources) -> Recovery:
    """Less of what is not sent, then back from what is available, then the reserve; the rest stays owed."""
    left = debt_minor
    less = min(left, max(0, sources.not_sent_minor))
    left -= less
    back = min(left, max(0, min(sources.reversible_minor, sources.available_minor)))
    left -= back
    reserve = min(left, max(0, sources.reserve_minor))
    return Recovery(less, back, reserve, left - reserve)


def take_back(amount_minor: int, made: Sequence[tuple[uuid.UUID, int]]) -> list[tuple[uuid.UUID, int]]:
    """Which transfers give an amount back: in their order, each as far as it reaches. ValueError where all do not."""
    parts, left = [], amount_minor
    for transfer_id, rest_minor in made:
        part = min(left, rest_minor)
        if part > 0:
            parts.append((transfer_id, part))
            left -= part
    if left:
        raise ValueError("more than was transferred cannot be taken back")
    return parts
