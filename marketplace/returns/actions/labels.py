"""What return labels cost follows the fault: whoever's most units of the parcel came back by bears it, also later."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.pricing.facts import Charge, State
from marketplace.pricing.policy import Fault
from marketplace.returns import judging, queries
from marketplace.returns.models import ReturnLine, ReturnParcel, ReturnParcelLine

Pairs = Sequence[tuple[ReturnLine, Mapping[str, Any]]]
Inside = Mapping[uuid.UUID, Sequence[ReturnParcelLine]]


def charges(
    case_id: uuid.UUID, lines: Sequence[ReturnLine], pairs: Pairs, before: State
) -> tuple[list[Charge], list[Charge], list[ReturnParcel]]:
    """The charges that labels make and those that they make no more, once `pairs` of lines and verdicts are settled,
    and the parcels they are of. `lines`: all of the case that go to a vendor of theirs.

    A charge that the operator has taken back stays so.
    """
    deciding = {line.id: verdict for line, verdict in pairs}
    made: list[Charge] = []
    ended: list[Charge] = []
    touched: list[ReturnParcel] = []
    paid_for = [parcel for parcel in queries.parcels_of(case_id) if parcel.label_cost_minor]
    inside = queries.parcel_lines_of([parcel.id for parcel in paid_for]) if paid_for else {}
    for parcel in paid_for:
        own = [line for line in lines if line.id in {row.return_line_id for row in inside[parcel.id]}]
        if not any(line.id in deciding for line in own):
            continue
        was = _charge(parcel, [line.settled for line in own]) if parcel.charged_in is not None else None
        now = _charge(parcel, [deciding.get(line.id, line.settled) for line in own])
        touched.append(parcel)
        if was == now or (was is not None and was not in before.charges):
            continue
        ended += [was] if was else []
        made += [now] if now else []
    return made, ended, touched


def _charge(parcel: ReturnParcel, verdicts: Sequence[Mapping[str, Any] | None]) -> Charge | None:
    units: dict[Fault, int] = {}
    for verdict in verdicts:
        for fault, quantity in judging.returned_units(verdict).items():
            units[fault] = units.get(fault, 0) + quantity
    return judging.label_charge(parcel.label_by, parcel.vendor_id, parcel.label_cost_minor, units)
