"""What a form about a case says of faults and sums, in the words that the actions take."""

import uuid
from typing import Any

from marshmallow import ValidationError

from marketplace.kernel import forms
from marketplace.kernel.access import current_actor
from marketplace.kernel.errors import Refusal
from marketplace.pricing.policy import Fault
from marketplace.returns import compare, queries

FAULTS = [Fault.BUYER, Fault.VENDOR, Fault.CARRIER, Fault.OPERATOR]


def verdicts(note: str) -> list[dict[str, Any]]:
    """What the form says of each line that it names: units by fault, and units that are replaced."""
    by_line: dict[uuid.UUID, dict[str, Any]] = {}
    for fault in FAULTS:
        for line_id, quantity in forms.quantities(f"units-{fault.value}").items():
            verdict = by_line.setdefault(line_id, {"line_id": line_id, "units": [], "replaced": 0, "note": note})
            if quantity:
                verdict["units"].append({"fault": fault.value, "quantity": quantity})
    for line_id, quantity in forms.quantities("replaced").items():
        if quantity or line_id in by_line:
            verdict = by_line.setdefault(line_id, {"line_id": line_id, "units": [], "replaced": 0, "note": note})
            verdict["replaced"] = quantity
    return list(by_line.values())


def check_said(what: str, decided: list[dict[str, Any]], charged: list[dict[str, Any]]) -> None:
    """Whoever emptied all fields decides nothing, and whoever typed a charge wants it made."""
    if not decided and not charged:
        raise ValidationError("Say by whose fault units came back, or how many are replaced; 0 where none is accepted.")
    if charged and what == "decide":
        raise ValidationError({"amount": "A charge is made when it is settled: decide and settle."})


def charges(case_id: uuid.UUID, form: dict[str, Any]) -> list[dict[str, Any]]:
    amount = minor(case_id, form["amount"], "amount")
    if not amount:
        return []
    return [{"payer": form["payer"], "payee": form["payee"], "amount_minor": amount, "kind": form["kind"]}]


def minor(case_id: uuid.UUID, text: str, name: str) -> int | None:
    """A sum as people type it (`6.00`) in minor units of the case's currency."""
    if not text:
        return None
    try:
        return compare.minor(text, queries.case(current_actor(), case_id).currency)
    except (ValueError, Refusal) as failure:
        raise ValidationError({name: "A sum such as 6.00."}) from failure
