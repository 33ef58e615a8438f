"""What is closed is paid out, unless somebody holds it; what was held is looked at again."""

import uuid

from marketplace.kernel import history, outbox
from marketplace.kernel.access import Actor
from settlements.runs import queries
from settlements.runs.actions.closing import retry
from settlements.runs.events import RunOpened, StatementsClosed
from settlements.runs.models import SettlementRun, Statement
from settlements.runs.refusals import RunIsClosed
from settlements.runs.states import RunState, StatementState, StatementVerb
from settlements.transfers.refusals import TransfersUnderWay


def resume(actor: Actor, run_id: uuid.UUID) -> SettlementRun:
    """Try again the statements of a run that could not be closed. Raises RunUnknown, RunIsClosed."""
    run = queries.run(actor, run_id, locked=True)
    if run.state is RunState.CLOSED:
        raise RunIsClosed
    retry(run)
    outbox.publish(RunOpened(run_id=run.id))
    return run


def hold(actor: Actor, statement_id: uuid.UUID, reason: str) -> Statement:
    """Do not pay a closed statement out for now. Raises StatementUnknown, TransfersUnderWay, IllegalMove."""
    row = queries.statement(actor, statement_id, locked=True)
    if row.state is StatementState.TRANSFERRING:
        raise TransfersUnderWay("Its transfers are under way: holding it would stop none of them.")
    history.move(row, StatementVerb.HOLD, actor, note=reason)
    row.reason = reason
    return row


def release(actor: Actor, statement_id: uuid.UUID) -> Statement:
    """Look at a held statement again, as if it had just been closed. Raises StatementUnknown, IllegalMove."""
    row = queries.statement(actor, statement_id, locked=True)
    history.move(row, StatementVerb.RELEASE, actor)
    row.reason = None
    outbox.publish(StatementsClosed(statement_ids=(row.id,)))
    return row
