"""What a lost chargeback has paid already is not refunded again."""

from collections.abc import Sequence

from marketplace.kernel.access import SYSTEM
from settlements.disputes import actions
from settlements.refunds import queries as refund_queries
from settlements.refunds.events import RefundRequested
from settlements.refunds.states import RefundState


def cover_refunds(events: Sequence[RefundRequested]) -> None:
    """Inside: a refund that finds no payment left, of an order whose chargeback was lost, has reached the buyer;
    one that is paid leaves the loss to be borne as the order stands then."""
    for event in events:
        refund = refund_queries.refund(SYSTEM, event.refund_id, locked=True)
        if refund.payment_id is None and refund.state is RefundState.REQUESTED:
            actions.cover_later(refund)
        elif refund.payment_id is not None:
            actions.share_again(refund)
