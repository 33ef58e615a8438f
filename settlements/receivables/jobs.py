"""What time does to open items: money is matched when its invoice has come, and who is late is reminded."""

import uuid
from collections.abc import Callable

import structlog

from marketplace.kernel.db import transaction
from marketplace.kernel.errors import Refusal
from marketplace.kernel.queue import LONG, job
from settlements.receivables import actions, queries

log = structlog.get_logger("receivables")
_BATCH = 200


@job("bank.match", every=900, timeout=600)
def match_waiting() -> None:
    """Try the transfers again of which something is left: the invoice that they name may have come since."""
    with transaction():
        waiting = queries.to_match(_BATCH)
    for transfer_id in waiting:
        each(lambda transfer_id=transfer_id: actions.match_by_reference(transfer_id), transfer_id)


@job("receivables.remind", queue=LONG, timeout=1800, every=3600)
def remind_overdue() -> None:
    """Remind of what is overdue, invoice by invoice; running twice reminds nobody twice."""
    day, days, after = queries.today(), actions.ladder().days, None
    while True:
        with transaction():
            due = queries.to_remind(day, days, _BATCH, after)
        for receivable_id in due:
            each(lambda receivable_id=receivable_id: actions.remind(receivable_id, day), receivable_id)
        if len(due) < _BATCH:
            return
        after = due[-1]


def each(act: Callable[[], object], row_id: uuid.UUID) -> None:
    """One row that is refused holds up no other; its turn comes again."""
    try:
        with transaction():
            act()
    except Refusal as refusal:
        log.warning("not done", row_id=str(row_id), error=refusal.text)
