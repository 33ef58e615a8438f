"""A run that was opened is put on the queue."""

from collections.abc import Sequence

from marketplace.kernel import queue
from settlements.runs.events import RunOpened


def start(events: Sequence[RunOpened]) -> None:
    """One job a run; a second one for the same run shares the work."""
    for event in events:
        queue.enqueue("runs.perform", run_id=str(event.run_id))
