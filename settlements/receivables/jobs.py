"""What time does to open items: money is matched when its invoice has come, and who is late is reminded."""

import uuid

from marketplace.kernel.queue import LONG, all_of, apart, job
from settlements.receivables import actions, queries

_BATCH = 200


@job("bank.match", every=900, timeout=600)
def match_waiting() -> None:
    """Try the transfers again of which something is left: the invoice that they name may have come since."""
    for transfer_id in all_of(lambda last: queries.to_match(_BATCH, last)):
        apart(actions.match_by_reference, transfer_id)


@job("receivables.remind", queue=LONG, timeout=1800, every=3600)
def remind_overdue() -> None:
    """Remind of what is overdue, invoice by invoice; running twice reminds nobody twice."""
    day, days = queries.today(), actions.ladder().days

    def remind(receivable_id: uuid.UUID) -> None:
        actions.remind(receivable_id, day)

    for receivable_id in all_of(lambda last: queries.to_remind(day, days, _BATCH, last)):
        apart(remind, receivable_id)
