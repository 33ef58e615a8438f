"""What return labels cost follows the fault: whoever's most units of the parcel came back by bears it, also later."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.pricing.facts import BUYER, Charge
from marketplace.pricing.policy import Fault
from marketplace.returns import judging, queries
from marketplace.returns.models import ReturnLine, ReturnParcel, ReturnParcelLine

Pairs = Sequence[tuple[ReturnLine, Mapping[str, Any]]]
Inside = Mapping[uuid.UUID, Sequence[ReturnParcelLine]]


def charges(
    case_id: uuid.UUID, lines: Sequence[ReturnLine], pairs: Pairs, standing: Counter[Charge]
) -> tuple[list[tuple[ReturnParcel, Charge]], list[Charge]]:
    """The charges that labels make, by parcel, and those that they make no more, once `pairs` of lines and verdicts are
    settled. `lines`: all of the case that go to a vendor of theirs; `standing`: the order's charges.

    A charge that the operator has taken back stays so; one of which less stands, since no more was owed, is made anew.
    """
    deciding = {line.id: verdict for line, verdict in pairs}
    made: list[tuple[ReturnParcel, Charge]] = []
    ended: list[Charge] = []
    left = Counter(standing)
    paid_for = [parcel for parcel in queries.parcels_of(case_id) if parcel.label_cost_minor]
    inside = queries.parcel_lines_of([parcel.id for parcel in paid_for]) if paid_for else {}
    for parcel in paid_for:
        own = [line for line in lines if line.id in {row.return_line_id for row in inside[parcel.id]}]
        if not any(line.id in deciding for line in own):
            continue
        was = _charge(parcel, [line.settled for line in own]) if parcel.charged_in is not None else None
        now = _charge(parcel, [deciding.get(line.id, line.settled) for line in own])
        stands = None if was is None else _standing(was, left, paid_for)
        if was is not None and (stands is None or stands == now):
            continue
        ended += [stands] if stands else []
        made += [(parcel, now)] if now else []
    return made, ended


def note_charged(made: Sequence[tuple[ReturnParcel, Charge]], charged: Sequence[Charge], number: int) -> None:
    """A label is charged by this decision where at least a part of it is, else by the next that decides its lines."""
    left, parcels = Counter(charged), [parcel for parcel, _ in made]
    for parcel, charge in made:
        parcel.charged_in = None if _standing(charge, left, parcels) is None else number


def _standing(was: Charge, left: Counter[Charge], parcels: Sequence[ReturnParcel]) -> Charge | None:
    """What stands of a label's charge, taken out of what is left; None where it was taken back. What the buyer is given
    may be less than it was, but is not what another label cost."""
    lowered = []
    if was.payee == BUYER:
        whole = {parcel.label_cost_minor for parcel in parcels}
        alike = [one for one in left.elements() if (one.payer, one.payee, one.kind) == (was.payer, BUYER, was.kind)]
        lowered = [one for one in alike if one.amount_minor < was.amount_minor and one.amount_minor not in whole]
    found = was if left[was] > 0 else max(lowered, key=lambda one: one.amount_minor, default=None)
    if found is not None:
        left[found] -= 1
    return found


def _charge(parcel: ReturnParcel, verdicts: Sequence[Mapping[str, Any] | None]) -> Charge | None:
    units: dict[Fault, int] = {}
    for verdict in verdicts:
        for fault, quantity in judging.returned_units(verdict).items():
            units[fault] = units.get(fault, 0) + quantity
    return judging.label_charge(parcel.label_by, parcel.vendor_id, parcel.label_cost_minor, units)
