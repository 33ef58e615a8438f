"""What open items do about events: money that arrived is matched, transfer by transfer."""

from collections.abc import Sequence

from settlements.payments.events import DeficitPaid
from settlements.receivables import actions, jobs
from settlements.receivables.events import BankTransfersArrived


def match_arrived(events: Sequence[BankTransfersArrived]) -> None:
    """Outside: each transfer in a transaction of its own; may see an event again, which then finds nothing left."""
    for event in events:
        for transfer_id in event.transfer_ids:
            jobs.each(lambda transfer_id=transfer_id: actions.match_by_reference(transfer_id), transfer_id)


def follow_paid_deficit(events: Sequence[DeficitPaid]) -> None:
    """Inside: a card pays what was claimed."""
    for event in events:
        actions.follow_deficit(event.order_id, event.amount_minor, "paid", f"payment:{event.payment_id}")
