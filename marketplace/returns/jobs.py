"""What time does to returns: silence becomes an answer, people are reminded, ended cases are closed."""

import uuid

from marketplace.kernel import clock
from marketplace.kernel.queue import all_of, apart, job
from marketplace.returns import actions, queries

_BATCH = 100


@job("returns.deadlines", every=60, timeout=300, alone=True)
def end_turns() -> None:
    """Decide for those whose time is over, each line in a transaction of its own."""
    now = clock.now()
    for case_id, line_id, _ in all_of(lambda last: queries.due(now, _BATCH, last)):
        apart(actions.time_is_up, case_id, line_id)


@job("returns.remind", every=900, timeout=300)
def remind() -> None:
    """Remind those whose time is nearly over, once, each line in a transaction of its own."""
    now = clock.now()
    for case_id, line_id, _ in all_of(lambda last: queries.to_remind(now, _BATCH, last)):
        apart(actions.remind, case_id, line_id)


@job("returns.close", every=3600, timeout=300)
def close_ended() -> None:
    """Close cases of which nothing is under way, and let small deficits go that are still carried."""
    for case_id in all_of(lambda last: queries.to_close(_BATCH, last)):
        apart(_close, case_id)


def _close(case_id: uuid.UUID) -> None:
    actions.let_go_deficit(case_id)
    actions.close_ended(case_id)
