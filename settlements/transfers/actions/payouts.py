"""A payout is what the provider reports of it: states and letters, and nothing in our books."""

import uuid

from sqlalchemy.dialects.postgresql import insert

from marketplace.kernel import clock, history
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, new_id
from marketplace.kernel.money import Money
from marketplace.notifications.actions import notify
from settlements.gateway.connect import PayoutResult
from settlements.gateway.connect import PayoutState as Reported
from settlements.transfers import receivers
from settlements.transfers.models import VendorPayout
from settlements.transfers.queries import payouts
from settlements.transfers.states import PayoutState, PayoutVerb

_VERBS = {
    Reported.PENDING: PayoutVerb.AWAIT,
    Reported.IN_TRANSIT: PayoutVerb.LEAVE,
    Reported.PAID: PayoutVerb.ARRIVE,
    Reported.FAILED: PayoutVerb.FAIL,
    Reported.CANCELLED: PayoutVerb.CANCEL,
}


def record(vendor_id: uuid.UUID, account: str, result: PayoutResult) -> VendorPayout:
    """What the provider says of a payout now; older news than what is known changes nothing."""
    payout = _kept(vendor_id, account, result)
    payout.looked_at = clock.now()
    payout.arrives_on = result.arrives_at.date() if result.arrives_at else payout.arrives_on
    if history.move(payout, _VERBS[result.state], SYSTEM, note=result.failure_code or ""):
        payout.failure_code = result.failure_code
        if payout.state is PayoutState.FAILED:
            _tell_failed(payout)
    return payout


def _kept(vendor_id: uuid.UUID, account: str, result: PayoutResult) -> VendorPayout:
    known = payouts.payout_by_provider_id(result.provider_id)
    if known is not None:
        return known
    values = {
        "id": new_id(),
        "vendor_id": vendor_id,
        "account": account,
        "provider_id": result.provider_id,
        "amount_minor": result.amount_minor,
        "currency": result.currency,
        "state": PayoutState.PENDING,
        "seen_at": clock.now(),
        "looked_at": clock.now(),
    }
    db.session.execute(insert(VendorPayout).values(values).on_conflict_do_nothing(index_elements=["provider_id"]))
    made = payouts.payout_by_provider_id(result.provider_id)
    assert made is not None
    return made


def _tell_failed(payout: VendorPayout) -> None:
    facts = {
        "amount": Money(payout.amount_minor, payout.currency).format(),
        "reason": (payout.failure_code or "unknown").replace("_", " "),
    }
    source = f"payout:{payout.id}:failed"
    notify(payout.vendor_id, "payout_failed", source, facts, to=receivers.READS_LETTERS)
