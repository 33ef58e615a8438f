"""The vendors of the demonstration are settled as time would have done it, day by day; one statement is held."""

from datetime import timedelta

from marketplace.kernel import clock
from marketplace.kernel.db import transaction
from settlements.demo import acting, queries
from settlements.earnings import jobs as earning_jobs
from settlements.runs import actions, jobs
from settlements.runs import queries as run_queries

_DAYS = 14  # of which two weeks of statements are made
_WHY = "The vendor asked to have his new bank account checked before anything is sent."


def settle() -> None:
    """Make up for the days that nobody worked, once; what is closed is paid out by the workers."""
    if run_queries.cycle_runs_since() is not None:
        return
    for days in range(_DAYS, -1, -1):
        with clock.moved(timedelta(days=-days)):
            earning_jobs.fall_due()
            jobs.open_due()
            for run_id in run_queries.unfinished(clock.now()):
                jobs.perform(str(run_id))
    _hold_one()


def _hold_one() -> None:
    """The smallest statement that is to be paid out waits for an answer."""
    wanted = queries.smallest_payout()
    if wanted is not None:
        with transaction():
            actions.hold(acting.chief("kontor"), wanted, _WHY)
