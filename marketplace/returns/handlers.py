"""What happens to a return becomes a letter to whoever should read of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from marketplace.companies import queries as companies
from marketplace.kernel.access import SYSTEM, Permission
from marketplace.kernel.money import Money
from marketplace.kernel.pages import units_text, words
from marketplace.notifications.actions import notify
from marketplace.orders import queries as orders
from marketplace.returns import queries
from marketplace.returns.events import ReturnMoved
from marketplace.returns.models import ReturnCase, ReturnLine, ReturnReplacement
from marketplace.returns.states import turn_of
from marketplace.rules.return_terms import ReturnTerms

# To whom each kind of news goes.
_TO = {
    "requested": ("vendor",),
    "evidence": ("buyer",),
    "approved": ("buyer",),
    "declined": ("buyer",),
    "announced": ("vendor",),
    "received": ("buyer",),
    "counted": ("buyer", "vendor"),
    "missing": ("buyer", "operator"),
    "decided": ("buyer",),
    "settled": ("buyer", "vendor"),
    "replacing": ("vendor",),
    "replacement_sent": ("buyer",),
    "replacement_lost": ("buyer", "vendor"),
    "appealed": ("operator", "other"),  # the other side may reply
    "ruled": ("buyer", "vendor"),
    "reminder": (),  # whoever the line waits for
}
WORDS = {
    "requested": "A buyer asks to return goods of yours.",
    "evidence": "The vendor wants to see more before he answers.",
    "approved": "The vendor accepts the return.",
    "declined": "The vendor does not accept the return; you may appeal.",
    "announced": "Goods are on their way back: record what arrives, or say that nothing did; else they count as there.",
    "received": "The goods have arrived.",
    "counted": "No arrival was recorded in time: the goods count as arrived, and are inspected next.",
    "missing": "The vendor says that nothing has arrived: show that it was sent. The marketplace rules upon it.",
    "decided": "It is decided what counts.",
    "settled": "It is settled; what is due to you is on its way.",
    "replacing": "The buyer gets a replacement: ship it in time, or say that you cannot; else he gets money.",
    "replacement_sent": "The replacement is on its way.",
    "replacement_lost": "The replacement was lost on its way; the vendor ships another.",
    "appealed": "Somebody does not accept what was said.",
    "ruled": "The marketplace has ruled upon it.",
    "reminder": "This still waits for you.",
}
TO_OPERATOR = {
    "missing": "A vendor says that nothing has arrived of what was sent back to him: rule upon it.",
}
CREDITED = "It is settled: {} are credited, and lower what your invoices ask for."
_SAYS = {"evidence", "declined", "approved", "missing"}
_HAS_TIME = {"requested", "evidence", "reminder", "replacing", "announced"}
OWING = {
    True: "It is settled. What you keep comes to more than you have paid: {} are to be paid.",
    False: "It is settled. What you keep comes to more than you have paid: {} are taken off your next refund.",
}


def write_letters(events: Sequence[ReturnMoved]) -> None:
    """A letter for each side that should know, once an event."""
    for event in events:
        case = queries.case(SYSTEM, event.case_id)
        lines = [line for line in queries.lines_of(SYSTEM, case.id) if str(line.id) in event.line_ids]
        sides = _TO[event.what] or {turn_of(line.state, line.goods) or "" for line in lines}
        for side in sides:
            _write(event, case, lines, _other_side(lines) if side == "other" else side)


def _other_side(lines: Sequence[ReturnLine]) -> str:
    """Who did not make the appeal that is open: the buyer or the vendor; nobody where it is ruled upon already."""
    sides = [appeal.side for line in lines for appeal in queries.open_appeals(line.id)]
    return "" if not sides else "buyer" if sides[0] == "vendor" else "vendor"


def _write(event: ReturnMoved, case: ReturnCase, lines: Sequence[ReturnLine], side: str) -> None:
    if side == "buyer":
        _letter(event, case, lines, case.company_id, Permission.RETURN_REQUEST, _deficit(event, case))
    elif side == "operator":
        if companies.operator_exists():
            own_words = {"words": TO_OPERATOR[event.what]} if event.what in TO_OPERATOR else {}
            _letter(event, case, lines, companies.operator_company().id, Permission.RETURN_SETTLE, own_words)
    elif side == "vendor":
        by_vendor: dict[Any, list[ReturnLine]] = defaultdict(list)
        for line in lines:
            by_vendor[line.vendor_id].append(line)
        for vendor_id, own in by_vendor.items():
            _letter(event, case, own, vendor_id, Permission.RETURN_ANSWER)


def _deficit(event: ReturnMoved, case: ReturnCase) -> dict[str, str]:
    """What the buyer has to read where he owes more than he has paid, although he had paid all: that it is asked for,
    or what becomes of it. Of an order on terms his invoices tell what is left to pay, here is said what is credited."""
    if event.what != "settled":
        return {}
    order = orders.order(SYSTEM, case.order_id)
    if order.payment_terms is not None:
        last = queries.decisions_of(case.id)[-1]
        credited = Money(last.credited_minor, case.currency).format()
        return {} if last.refund_minor or not last.credited_minor else {"words": CREDITED.format(credited)}
    deficit = order.owed_minor - orders.net_paid(order.id)
    if deficit <= 0:
        return {}
    asked = ReturnTerms(case.terms).asks_for(deficit, case.currency)
    owing = Money(deficit, case.currency).format()
    return {"words": OWING[asked].format(owing), "order_to_pay": str(order.id) if asked else ""}


def _letter(
    event: ReturnMoved,
    case: ReturnCase,
    lines: Sequence[ReturnLine],
    company_id: Any,
    to: Permission,
    instead: Mapping[str, str] = MappingProxyType({}),
) -> None:
    first = lines[0]
    due = min((line.due_at for line in lines if line.due_at), default=None)
    to_inspect = event.what == "counted" and to is Permission.RETURN_ANSWER
    facts = {
        "number": case.number,
        "order": case.order_number,
        "words": WORDS[event.what],
        "lines": [
            f"{units_text(line.quantity, line.unit)} {line.name} ({line.sku}): {words(line.state)}" for line in lines
        ],
        "said": first.answer if event.what in _SAYS else "",
        "until": due.date().isoformat() if due and (event.what in _HAS_TIME or to_inspect) else "",
        "case_id": str(case.id),
        "order_to_pay": "",
    } | dict(instead)
    moves = len(queries.moves_of([first]))
    if event.what in {"replacement_sent", "replacement_lost"}:
        sent = _sent(case, first)
        facts["said"] = f"{sent[-1].quantity} by {sent[-1].carrier} {sent[-1].tracking_number}".strip()
        moves += sum(2 if row.ended_at else 1 for row in sent)  # not every one of them moves the line
    moved = f"{event.what}:{first.id}:{moves}"
    notify(company_id, "return_news", f"return:{case.id}:{moved}", facts, to=to)


def _sent(case: ReturnCase, line: ReturnLine) -> list[ReturnReplacement]:
    """The replacements of a line that were shipped, oldest first."""
    return [row for row in queries.replacements_of(SYSTEM, case.id) if row.return_line_id == line.id]
