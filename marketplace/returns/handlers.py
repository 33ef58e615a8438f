"""What happens to a return becomes a letter to whoever should read of it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from marketplace.companies import queries as companies
from marketplace.kernel.access import SYSTEM, Permission
from marketplace.notifications.actions import notify
from marketplace.returns import queries
from marketplace.returns.events import ReturnMoved
from marketplace.returns.models import ReturnCase, ReturnLine
from marketplace.returns.states import TURN

# To whom each kind of news goes.
_TO = {
    "requested": ("vendor",),
    "evidence": ("buyer",),
    "approved": ("buyer",),
    "declined": ("buyer",),
    "received": ("buyer",),
    "decided": ("buyer",),
    "settled": ("buyer", "vendor"),
    "appealed": ("operator",),
    "ruled": ("buyer", "vendor"),
    "reminder": (),  # whoever the line waits for
}
WORDS = {
    "requested": "A buyer asks to return goods of yours.",
    "evidence": "The vendor wants to see more before he answers.",
    "approved": "The vendor accepts the return.",
    "declined": "The vendor does not accept the return; you may appeal.",
    "received": "The goods have arrived.",
    "decided": "It is decided what counts.",
    "settled": "It is settled; what is due to you is on its way.",
    "appealed": "Somebody does not accept what was said.",
    "ruled": "The marketplace has ruled upon the appeal.",
    "reminder": "This still waits for you.",
}


def write_letters(events: Sequence[ReturnMoved]) -> None:
    """A letter for each side that should know, once an event."""
    for event in events:
        case = queries.case(SYSTEM, event.case_id)
        lines = [line for line in queries.lines_of(SYSTEM, case.id) if str(line.id) in event.line_ids]
        sides = _TO[event.what] or {TURN.get(line.state, "") for line in lines}
        for side in sides:
            _write(event, case, lines, side)


def _write(event: ReturnMoved, case: ReturnCase, lines: Sequence[ReturnLine], side: str) -> None:
    if side == "buyer":
        _letter(event, case, lines, case.company_id, Permission.RETURN_REQUEST)
    elif side == "operator":
        if companies.operator_exists():
            _letter(event, case, lines, companies.operator().id, Permission.RETURN_SETTLE)
    elif side == "vendor":
        by_vendor: dict[Any, list[ReturnLine]] = defaultdict(list)
        for line in lines:
            by_vendor[line.vendor_id].append(line)
        for vendor_id, own in by_vendor.items():
            _letter(event, case, own, vendor_id, Permission.RETURN_ANSWER)


def _letter(event: ReturnMoved, case: ReturnCase, lines: Sequence[ReturnLine], company_id: Any, to: Permission) -> None:
    first = lines[0]
    due = min((line.due_at for line in lines if line.due_at), default=None)
    facts = {
        "number": case.number,
        "order": case.order_number,
        "words": WORDS[event.what],
        "lines": [f"{line.quantity} {line.unit} {line.name} ({line.sku}): {line.state.value}" for line in lines],
        "said": first.answer if event.what in {"evidence", "declined", "approved"} else "",
        "until": due.date().isoformat() if due and event.what in {"requested", "evidence", "reminder"} else "",
        "case_id": str(case.id),
    }
    moved = f"{event.what}:{first.id}:{len(queries.moves_of([first]))}"
    notify(company_id, "return_news", f"return:{case.id}:{moved}", facts, to=to)
