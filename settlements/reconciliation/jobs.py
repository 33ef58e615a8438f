"""A look at the provider's balance: everything that moved it, fetched with no transaction open, then compared."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import transaction
from marketplace.kernel.queue import LONG, job
from settlements.disputes import jobs as dispute_jobs
from settlements.disputes.refusals import DisputeNotOurs
from settlements.gateway.connect import Balance, BalanceTransaction
from settlements.gateway.port import PaymentGateway, Rejected, Unknown, own_id
from settlements.gateway.provider import PaymentsNotConfigured, provider
from settlements.payments import actions as payments
from settlements.payments.refusals import PaymentUnknown
from settlements.provider_accounts import queries as provider_accounts
from settlements.reconciliation import actions, queries, recording
from settlements.reconciliation.kinds import find
from settlements.reconciliation.models import BalanceDifference, ReconciledDay
from settlements.reconciliation.recording import GRACE, Seen
from settlements.refunds import actions as refunds
from settlements.refunds import queries as refund_queries
from settlements.transfers.actions import sending
from settlements.transfers.queries import transfers

log = structlog.get_logger("reconciliation")
Facts = Mapping[str, str]
LOOK_BACK_DAYS = 3
_TRIES = 4
_AHEAD = timedelta(minutes=5)  # the provider's clock may be ahead of ours


def run(days: int | None = None) -> list[ReconciledDay]:
    """Compare what moved in these days (None: since the last look, and some before it), and the whole balance.

    Raises PaymentsNotConfigured, Later, Unknown.
    """
    gateway, at = provider(), clock.now()
    with transaction():
        last = queries.last_look() if days is None else None
    since = min(last or at, at) - timedelta(days=LOOK_BACK_DAYS if days is None else days)
    movements, balance = _at_one_moment(gateway, since)
    with transaction():
        booked = queries.booked_between(since, at - GRACE)
    known = {movement.id for movement in movements}
    missing = {name: facts for name, facts in booked.items() if name not in known and _is_missing(gateway, name)}
    with transaction():
        return recording.record(Seen(at, movements, balance, missing))


def _at_one_moment(gateway: PaymentGateway, since: datetime) -> tuple[list[BalanceTransaction], Balance]:
    """Movements and balance between which nothing moved. Raises Unknown where it never stands still."""
    movements = list(gateway.balance_transactions(since, clock.now() + _AHEAD))
    for _ in range(_TRIES):
        balance = gateway.balance()
        recent = max([since, *(movement.created for movement in movements)]) - timedelta(seconds=1)
        again = list(gateway.balance_transactions(recent, clock.now() + _AHEAD))
        known = {movement.id for movement in movements}
        new = [movement for movement in again if movement.id not in known]
        if not new:
            return movements, balance
        movements = [*new, *movements]
    raise Unknown("balance_moves", "The balance moved each time that it was looked at.")


def _is_missing(gateway: PaymentGateway, movement_id: str) -> bool:
    try:
        gateway.balance_transaction(movement_id)
    except Rejected:
        return True
    return False


@job("reconciliation.run", queue=LONG, every=86400, timeout=3600)
def run_nightly() -> None:
    """Every night; what differs stays on the operator's page until somebody resolves it."""
    try:
        days = run()
    except PaymentsNotConfigured:
        return
    for day in days:
        if day.closed_at is None:
            difference = day.provider_minor - day.booked_minor
            log.error("balance differs", currency=day.currency, difference=difference, rows=day.open_rows)


def look_again(actor: Actor, difference_id: uuid.UUID) -> BalanceDifference:
    """Fetch what caused a difference, as if its web hook had come. Raises DifferenceUnknown, StillDiffers, Upstream."""
    row = queries.difference(actor, difference_id)
    movement_id, facts = row.movement_id, row.facts
    said = None
    if movement_id is not None and facts:
        said = _look(facts)
    still = _still(movement_id) if movement_id else row.reason
    with transaction():
        return actions.looked_again(actor, difference_id, still and (said or still))


def _look(facts: dict) -> str | None:  # type: ignore[type-arg]
    """Records what the movement's source is now; why not, where it is none of ours."""
    source = facts.get("source") or ""
    look = next((look for prefixes, look in _LOOKS if source.startswith(prefixes)), None)
    if look is None:
        return f"nothing is known of {source or 'its source'}"
    try:
        return look(source, facts.get("related", {}), facts.get("metadata", {}))
    except Rejected as refusal:
        return f"the provider does not know it: {refusal.code}"


def _look_at_dispute(source: str, _related: Facts, _metadata: Facts) -> str | None:
    try:
        return dispute_jobs.look_at(source).trouble
    except DisputeNotOurs as refusal:
        return refusal.text


def _look_at_payment(_source: str, related: Facts, metadata: Facts) -> str | None:
    provider_id, payment_id = related.get("payment_intent"), own_id(metadata, "payment_id")
    if provider_id is None or payment_id is None:
        return "it is no payment of ours"
    result = provider().payment(provider_id)
    try:
        with transaction():
            return payments.record(payment_id, result).trouble
    except PaymentUnknown:
        return "it is no payment of ours"


def _look_at_refund(source: str, _related: Facts, metadata: Facts) -> str | None:
    result, attempt_id = provider().refund_by_id(source), own_id(metadata, "attempt_id")
    with transaction():
        if attempt_id is None or not refund_queries.attempt_exists(attempt_id):
            return "it is no refund of ours"
        return refunds.record(attempt_id, result).trouble


def _look_at_transfer(source: str, related: Facts, _metadata: Facts) -> str | None:
    result = provider().transfer_by_id(related.get("transfer") or source)
    attempt_id = own_id(result.metadata, "attempt_id")
    with transaction():
        if attempt_id is None or not transfers.attempt_exists(attempt_id):
            return "it is no transfer of ours"
        return sending.told(attempt_id, result)


def _still(movement_id: str) -> str | None:
    try:
        movement = provider().balance_transaction(movement_id)
    except Rejected as refusal:
        return f"the provider does not know it: {refusal.code}"
    with transaction():
        finding = find(movement, queries.booked_of([movement_id], 9).get(movement_id))
    return None if finding is None else finding.reason


def vendor_of(difference_id: uuid.UUID) -> uuid.UUID | None:
    """The vendor to whom a movement's transfer went, or from whom it came back."""
    related = queries.difference(SYSTEM, difference_id).facts.get("related", {})
    account = related.get("destination")
    if account is None and related.get("transfer"):
        try:
            account = provider().transfer_by_id(related["transfer"]).destination
        except Rejected:
            return None
    found = provider_accounts.by_provider_ids([account]) if account else {}
    return found[account].vendor_id if account in found else None


_LOOKS: tuple[tuple[tuple[str, ...], Callable[[str, Facts, Facts], str | None]], ...] = (
    (("dp_", "du_"), _look_at_dispute),
    (("re_", "pyr_"), _look_at_refund),
    (("tr_", "trr_"), _look_at_transfer),
    (("ch_", "py_"), _look_at_payment),
)
