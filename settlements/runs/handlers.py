"""A run that was opened is put on the queue, so is what was closed; a statement follows its transfers."""

from collections.abc import Sequence

from marketplace.kernel import queue
from settlements.runs import actions
from settlements.runs.events import RunOpened, StatementsClosed
from settlements.transfers.events import TransferMade, TransferRefused, TransferWithdrawn


def start(events: Sequence[RunOpened]) -> None:
    """One job a run."""
    for event in events:
        queue.enqueue("runs.perform", run_id=str(event.run_id))


def pay(events: Sequence[StatementsClosed]) -> None:
    """One job for the statements that were closed together."""
    for event in events:
        queue.enqueue("runs.pay", statement_ids=[str(statement_id) for statement_id in event.statement_ids])


def follow_made(events: Sequence[TransferMade]) -> None:
    """Inside: it may have been the last one of a statement."""
    for event in events:
        actions.follow(event.cause)


def follow_refused(events: Sequence[TransferRefused]) -> None:
    """Inside: a statement of which something was refused is held."""
    for event in events:
        actions.follow(event.cause)


def follow_withdrawn(events: Sequence[TransferWithdrawn]) -> None:
    """Inside: what a debt took of a statement is not waited for."""
    for event in events:
        actions.follow(event.cause)
