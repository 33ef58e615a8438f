"""What open items do about events: money that arrived is matched, transfer by transfer."""

from collections.abc import Sequence

from settlements.receivables import actions, jobs
from settlements.receivables.events import BankTransfersArrived


def match_arrived(events: Sequence[BankTransfersArrived]) -> None:
    """Outside: each transfer in a transaction of its own; may see an event again, which then finds nothing left."""
    for event in events:
        for transfer_id in event.transfer_ids:
            jobs.each(lambda transfer_id=transfer_id: actions.match_by_reference(transfer_id), transfer_id)
