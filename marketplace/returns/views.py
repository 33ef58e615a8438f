"""Each party has its own view of a case: nobody reads another's commission, payable or lines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from marketplace.kernel.access import Actor, Side
from marketplace.orders.models import OrderStep
from marketplace.orders.queries import WholeOrder
from marketplace.pricing import wording
from marketplace.pricing.answers import valuation_to_json
from marketplace.pricing.facts import BUYER, MARKETPLACE
from marketplace.returns.actions import Outcome
from marketplace.returns.judging import charge_to_json
from marketplace.returns.models import ReturnCase, ReturnDecision, ReturnLine
from marketplace.returns.queries import Replaced, WholeCase
from marketplace.returns.states import LINE_STATES, TURN, LineState, LineVerb, ParcelState, case_state, turn_of
from marketplace.rules.return_terms import ReturnTerms

Json = dict[str, Any]
_OF_BUYER = ("gross_minor", "tax_minor", "restocking_fee_minor", "restocking_tax_minor", "buyer_owes_minor")
_OF_VENDOR = (
    "gross_minor",
    "vendor_discount_minor",
    "tax_minor",
    "commission_minor",
    "restocking_fee_minor",
    "restocking_tax_minor",
    "compensation_minor",
)
_SENT = ("quantity", "state", "carrier", "tracking_number", "shipped_at", "ended_at")
_DELIVERY = ("amount_minor", "tax_minor", "free")
_SUMS = ("buyer_owes", "market_discount", "compensation", "commission", "operator_delivery")
SUM_NAMES = {
    "buyer_owes": "The buyer owes",
    "market_discount": "Discount paid by the marketplace",
    "compensation": "Compensation by the marketplace",
    "commission": "Commission",
    "operator_delivery": "Delivery sold by the marketplace",
}


def party_of(actor: Actor, case: ReturnCase) -> str | None:
    """Whose view it is: None sees all, `buyer`, or a vendor's id."""
    if actor.sees_all:
        return None
    if actor.acts_as(Side.BUYER) and actor.company_id == case.company_id:
        return BUYER
    return str(actor.company_id)


def summary(case: ReturnCase, lines: Sequence[ReturnLine]) -> Json:
    """A case in a list; `lines` are those that the viewer sees."""
    return {
        "id": case.id,
        "number": case.number,
        "order_id": case.order_id,
        "order_number": case.order_number,
        "company_id": case.company_id,
        "company_name": case.company_name,
        "currency": case.currency,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "state": case_state([line.state for line in lines], closed=case.closed_at is not None),
        "vendors": list(dict.fromkeys(line.vendor_name for line in lines)),
        "units": sum(line.quantity for line in lines),
        "next_due_at": min((line.due_at for line in lines if line.due_at and line.state in TURN), default=None),
    }


def case(whole: WholeCase, party: str | None) -> Json:
    """A case with everything of it that the party may know."""
    found = whole.case
    return summary(found, whole.lines) | {
        "note": found.note,
        "terms": found.terms,
        "lines": [_line(line, whole.units.get(line.id, [])) for line in whole.lines],
        "evidence": [evidence(row) for row in whole.evidence],
        "parcels": [
            {
                "id": parcel.id,
                "vendor_id": parcel.vendor_id,
                "number": parcel.number,
                "state": parcel.state,
                "carrier": parcel.carrier,
                "tracking_number": parcel.tracking_number,
                "label_by": parcel.label_by,
                "label_cost_minor": parcel.label_cost_minor,
                "announced_at": parcel.announced_at,
                "received_at": parcel.received_at,
                "lines": [
                    {
                        "line_id": row.return_line_id,
                        "quantity": row.quantity,
                        "received_quantity": row.received_quantity,
                    }
                    for row in whole.parcel_lines.get(parcel.id, [])
                ],
            }
            for parcel in whole.parcels
        ],
        "replacements": [replacement(row) for row in whole.replacements],
        "appeals": [appeal(row) for row in whole.appeals],
        "decisions": [_decision_in_case(row, party) for row in whole.decisions if concerns(row, party)],
        "history": [
            {
                "line_id": move.row_id,
                "verb": move.verb,
                "from_state": move.from_state,
                "to_state": move.to_state,
                "side": _side(move.company_id, whole),
                "note": move.note,
                "at": move.at,
            }
            for move in whole.moves
        ],
    }


def _side(company_id: Any, whole: WholeCase) -> str:
    """Who moved a line: a company speaks for one side of a case, and where none did, time has."""
    sides = {line.vendor_id: "vendor" for line in whole.lines} | {whole.case.company_id: "buyer", None: "deadline"}
    return sides.get(company_id, "operator")


def preview(outcome: Outcome, party: str | None) -> Json:
    """What an outcome would come to, for one party."""
    before, after = valuation_to_json(outcome.before), valuation_to_json(outcome.after)
    names = _names(outcome)
    shown = _shares(before, after, party, names) | {
        "policy_version": outcome.order.policy_version,
        "currency": outcome.order.currency,
        "charges": _charges([charge_to_json(charge) for charge in outcome.charges], party),
        "sentences": _sentences([asdict(sentence) for sentence in outcome.sentences], party),
    }
    if party is None or party == BUYER:
        shown |= {
            "net_paid_minor": outcome.paid_minor,
            "refund_minor": outcome.refund_minor,
            "credited_minor": outcome.credited_minor,
            "deficit_minor": outcome.deficit_minor,
        }
    return shown


def decision(row: ReturnDecision, steps: Mapping[Any, OrderStep], whole: WholeOrder, party: str | None) -> Json:
    """A decision that was taken, for one party: the frozen valuations and the stored words."""
    names = {str(line.id): line.name for line in whole.lines} | {str(one.id): one.name for one in whole.deliveries}
    names |= {str(part.vendor_id): part.vendor_name for part in whole.parts}
    before, after = steps[row.before_step_id].valuation, steps[row.step_id].valuation
    return (
        _decision_in_case(row, party)
        | _shares(before, after, party, names)
        | {"policy_version": whole.order.policy_version, "currency": whole.order.currency}
    )


def concerns(row: ReturnDecision, party: str | None) -> bool:
    """A vendor reads of the decisions about lines of his, and of those that moved a sum of his."""
    own = {sentence["party"] for sentence in row.explanation} | {line["vendor_id"] for line in row.lines}
    return party in {None, BUYER} or party in own


def _decision_in_case(row: ReturnDecision, party: str | None) -> Json:
    shown: Json = {
        "number": row.number,
        "cause": row.cause,
        "at": row.at,
        "note": row.note,
        "step_id": row.step_id,
        "charges": _charges(row.charges, party),
        "sentences": _sentences(row.explanation, party),
    }
    if party is None or party == BUYER:
        shown |= {
            "refund_minor": row.refund_minor,
            "credited_minor": row.credited_minor,
            "deficit_minor": row.deficit_minor,
        }
    return shown


def words_of_rest(terms: ReturnTerms, deficit_minor: int, currency: str, *, on_account: bool) -> str:
    """What is not paid yet after a decision is called: of an order on account its invoices ask for it anyway."""
    if on_account:
        return "Left to pay on account"
    return "To be paid" if terms.asks_for(deficit_minor, currency) else "Still to pay"


def _shares(before: Mapping[str, Any], after: Mapping[str, Any], party: str | None, names: Mapping[str, str]) -> Json:
    parties = []
    if party is None or party == BUYER:
        parties += [
            _party(name, SUM_NAMES[name], before[f"{name}_minor"], after[f"{name}_minor"])
            for name in _SUMS
            if party is None or name == "buyer_owes"
        ]
    vendors = [party] if party not in {None, BUYER} else list(after["vendors_minor"]) if party is None else []
    parties += [
        _party(str(one), names.get(str(one), str(one)), before["vendors_minor"][one], after["vendors_minor"][one])
        for one in vendors
        if one in after["vendors_minor"]
    ]
    return {
        "parties": parties,
        "lines": _lines(before["lines"], after["lines"], party, names),
        "deliveries": _deliveries(before["deliveries"], after["deliveries"], party, names),
    }


def _party(party: str, name: str, before: int, after: int) -> Json:
    return {
        "party": party,
        "name": name,
        "before_minor": before,
        "after_minor": after,
        "change_minor": after - before,
    }


def _lines(before: Sequence[Json], after: Sequence[Json], party: str | None, names: Mapping[str, str]) -> list[Json]:
    """The lines that moved, with the sums that are the party's to know."""
    shown = []
    for old, new in zip(before, after, strict=True):
        if old == new or (party not in {None, BUYER} and new["vendor"] != party):
            continue
        shown.append(
            {
                "id": new["id"],
                "name": names.get(new["id"], new["id"]),
                "vendor_id": new["vendor"],
                "kept_before": old["kept"],
                "kept_after": new["kept"],
                "before": _line_sums(old, party),
                "after": _line_sums(new, party),
            }
        )
    return shown


def _line_sums(line: Mapping[str, Any], party: str | None) -> Json:
    sums: Json = {"unit_price": line["unit_price"]}
    if party == BUYER:
        sums |= {name: line[name] for name in _OF_BUYER}
        sums["discount_minor"] = line["vendor_discount_minor"] + line["market_discount_minor"]
    elif party is None:
        sums |= {name: line[name] for name in {*_OF_BUYER, *_OF_VENDOR, "market_discount_minor"}}
    else:
        sums |= {name: line[name] for name in _OF_VENDOR}
    return sums


def _deliveries(
    before: Sequence[Json], after: Sequence[Json], party: str | None, names: Mapping[str, str]
) -> list[Json]:
    return [
        {
            "id": new["id"],
            "name": names.get(new["id"], new["id"]),
            "vendor_id": new["seller"],
            "before": {name: old[name] for name in _DELIVERY},
            "after": {name: new[name] for name in _DELIVERY},
        }
        for old, new in zip(before, after, strict=True)
        if party in {None, BUYER, new["seller"]}
    ]


def _charges(charges: Sequence[Json], party: str | None) -> list[Json]:
    return [charge for charge in charges if party is None or party in {charge["payer"], charge["payee"]}]


def _sentences(sentences: Sequence[Json], party: str | None) -> list[Json]:
    return [
        sentence | {"why": wording.why(sentence["kind"], sentence["rule"])}
        for sentence in sentences
        if party is None or sentence["party"] == party
    ]


def _names(outcome: Outcome) -> dict[str, str]:
    names = {str(line.id): line.name for line in outcome.lines} | {str(one.id): one.name for one in outcome.deliveries}
    return names | {str(part.vendor_id): part.vendor_name for part in outcome.parts} | {MARKETPLACE: "the marketplace"}


def _line(line: ReturnLine, serials: Sequence[str]) -> Json:
    names = (
        "id order_line_id vendor_id vendor_name sku name unit quantity received_quantity lost_quantity"
        " replaced_quantity to_replace reason"
        " fault_claimed wish note discovered_on state due_at answer goods inspection verdict settled decided_side"
        " decided_by decided_at arbitrated"
    )
    shown = {name: getattr(line, name) for name in names.split()}
    return shown | {"serial_numbers": list(serials), "turn": turn_of(line.state, line.goods)}


def _named(row: Any, *names: str) -> Json:
    return {"id": row.id, "line_id": row.return_line_id} | {name: getattr(row, name) for name in names}


def appeal(row: Any) -> Json:
    return _named(row, "side", "text", "at", "reply", "replied_at", "ruling", "ruled_at")


def replacement(row: Any) -> Json:
    return _named(row, *_SENT)


def to_send(whole: WholeCase) -> dict[Any, int]:
    """Units by line that come back and are neither received nor under way, as far as a parcel may be announced."""
    left = {
        line.id: line.quantity - line.received_quantity
        for line in whole.lines
        if (line.state, LineVerb.ANNOUNCE) in LINE_STATES and line.goods == "back"
    }
    for parcel in whole.parcels:
        for row in whole.parcel_lines.get(parcel.id, []) if parcel.state is ParcelState.IN_TRANSIT else []:
            if row.return_line_id in left:
                left[row.return_line_id] -= row.quantity - row.received_quantity
    return {line_id: units for line_id, units in left.items() if units > 0}


def replaced(found: Iterable[Replaced]) -> list[Json]:
    """Replacements as an order shows them: nobody's money is in them, so that all parties see the same."""
    return [_replaced(one.line, one) for one in found]


def _replaced(line: ReturnLine, one: Replaced) -> Json:
    waits = line.state is LineState.REPLACING
    return {
        "case_id": line.case_id,
        "case_number": one.case_number,
        "vendor_order_id": line.vendor_order_id,
        "line_id": line.order_line_id,
        "sku": line.sku,
        "name": line.name,
        "unit": line.unit,
        "to_replace": line.to_replace if waits else 0,
        "ship_by": line.due_at if waits else None,
        "sent": [{name: getattr(row, name) for name in ("id", *_SENT)} for row in one.sent],
    }


def evidence(row: Any) -> Json:
    return _named(row, "side", "name", "content_type", "size_bytes", "sha256", "note", "at")
