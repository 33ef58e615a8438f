"""What transfers do about money that is ordered, and about money that is taken off what is due to vendors."""

from collections.abc import Sequence

from marketplace.kernel.db import transaction
from marketplace.orders.events import OrderStepTaken
from settlements.transfers import jobs
from settlements.transfers.events import PayableLowered, ReversalRequested, TransferRequested
from settlements.transfers.queries import debts


def send_requested(events: Sequence[TransferRequested]) -> None:
    """Outside: send what was ordered; may see an event again, which then finds nothing left to do."""
    jobs.each(jobs.send, [event.transfer_id for event in events])


def take_back_requested(events: Sequence[ReversalRequested]) -> None:
    """Outside: take back what was asked for."""
    jobs.each(jobs.take_back, [event.reversal_id for event in events])


def recover_after_step(events: Sequence[OrderStepTaken]) -> None:
    """Outside: whoever owes since an order of his went back gives it from what he has."""
    with transaction():
        owing = debts.in_debit_of_orders([event.order_id for event in events])
    jobs.each(lambda vendor: jobs.recover(*vendor), owing)


def recover_lowered(events: Sequence[PayableLowered]) -> None:
    """Outside: the same after something was booked by hand, or a dispute was lost."""
    jobs.each(lambda vendor: jobs.recover(*vendor), [(event.vendor_id, event.currency) for event in events])
