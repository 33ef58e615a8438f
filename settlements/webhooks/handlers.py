"""An event is a hint: its object is fetched and recorded as it stands now, so neither order nor repetition matters.

What our own row knows for final already is not fetched, since nearly every event only repeats an answer we had.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from marketplace.kernel import clock
from marketplace.kernel.db import transaction
from settlements.disputes import jobs as dispute_jobs
from settlements.disputes.refusals import DisputeNotOurs
from settlements.gateway.port import EventKind, PaymentGateway, Rejected, own_id
from settlements.gateway.provider import provider
from settlements.payments import actions as payment_actions
from settlements.payments.refusals import PaymentUnknown
from settlements.provider_accounts import actions as provider_account_actions
from settlements.provider_accounts import queries as provider_accounts
from settlements.provider_accounts.refusals import ProviderAccountUnknown
from settlements.refunds import actions as refund_actions
from settlements.refunds import queries as refund_queries
from settlements.webhooks import actions, queries
from settlements.webhooks.actions import Verdict
from settlements.webhooks.events import WebHookStored
from settlements.webhooks.looks import HANDLED, Tell, look_at_payouts, look_at_transfers
from settlements.webhooks.models import Outcome

About = dict[tuple[str, str], list[queries.Told]]  # by kind and the provider's id of the object


def look_into(events: Sequence[WebHookStored]) -> None:
    """Outside: one look at each object that these events speak of, whatever their number."""
    with transaction():
        rows = queries.waiting(event.row_id for event in events)
    about: About = defaultdict(list)
    verdicts: dict[uuid.UUID, Verdict] = {}
    for row in rows:
        if row.account is not None and row.kind not in _OF_VENDORS:
            verdicts[row.id] = (Outcome.KEPT, "it speaks of another account")
        elif row.kind == EventKind.ACCOUNT.value and row.account != row.object_id:
            verdicts[row.id] = (Outcome.KEPT, "it speaks of one account in the name of another")
        elif row.kind == EventKind.PAYMENT.value and row.captured:
            verdicts[row.id] = HANDLED
        elif row.kind not in _LOOKS:
            verdicts[row.id] = (Outcome.IGNORED, "nothing is done about events of this kind")
        else:
            about[row.kind, row.object_id].append(row)
    try:
        _look(about, verdicts)
    finally:
        # What was found out stays, also where the provider did not answer for the rest.
        with transaction():
            actions.mark(verdicts)


def _look(about: About, verdicts: dict[uuid.UUID, Verdict]) -> None:
    for kind, looks in _LOOKS.items():
        told = {object_id: rows[0] for (of_kind, object_id), rows in about.items() if of_kind == kind}
        if told:
            looks(
                told,
                lambda object_id, verdict, kind=kind: verdicts.update(
                    {row.id: verdict for row in about[kind, object_id]}
                ),
            )


def _look_at_payments(payments: Mapping[str, queries.Told], tell: Tell) -> None:
    for provider_id, row in payments.items():
        tell(provider_id, _look_at_payment(provider(), provider_id, row.payment_id))


def _look_at_payment(gateway: PaymentGateway, provider_id: str, known: uuid.UUID | None) -> Verdict:
    try:
        result = gateway.payment(provider_id)
    except Rejected as refusal:
        return Outcome.KEPT, f"the provider does not know it: {refusal.code}"
    payment_id = known or own_id(result.metadata, "payment_id")
    if payment_id is None:
        return Outcome.KEPT, "it is no payment of ours"
    try:
        with transaction():
            payment = payment_actions.record(payment_id, result)
    except PaymentUnknown:
        return Outcome.KEPT, "it is no payment of ours"
    return (Outcome.KEPT, payment.trouble) if payment.trouble else HANDLED


def _look_at_refunds(refunds: Mapping[str, queries.Told], tell: Tell) -> None:
    with transaction():
        known = refund_queries.attempts_by_provider_ids(list(refunds))
    for provider_id in refunds:
        attempt = known.get(provider_id)
        tell(provider_id, _look_at_refund(provider(), provider_id, None if attempt is None else attempt.id))


def _look_at_refund(gateway: PaymentGateway, provider_id: str, known: uuid.UUID | None) -> Verdict:
    try:
        result = gateway.refund_by_id(provider_id)
    except Rejected as refusal:
        return Outcome.KEPT, f"the provider does not know it: {refusal.code}"
    attempt_id = known or own_id(result.metadata, "attempt_id")
    with transaction():
        if attempt_id is None or not refund_queries.attempt_exists(attempt_id):
            return Outcome.KEPT, "it is no refund of ours"
        refund = refund_actions.record(attempt_id, result)
    differs = (result.amount_minor, result.currency) != (refund.amount_minor, refund.currency)
    return (Outcome.KEPT, refund.trouble) if differs else HANDLED


def _look_at_accounts(accounts: Mapping[str, queries.Told], tell: Tell) -> None:
    with transaction():
        known = {name: row.id for name, row in provider_accounts.by_provider_ids(list(accounts)).items()}
    for provider_id in accounts:
        tell(provider_id, _look_at_account(provider(), provider_id, known.get(provider_id)))


def _look_at_account(gateway: PaymentGateway, provider_id: str, known: uuid.UUID | None) -> Verdict:
    began_at = clock.now()
    try:
        result = gateway.account(provider_id)
    except Rejected as refusal:
        return Outcome.KEPT, f"the provider does not know it: {refusal.code}"
    account_id = known or own_id(result.metadata, "account_id")
    if account_id is None:
        return Outcome.KEPT, "it is no account of ours"
    try:
        with transaction():
            row = provider_account_actions.record(account_id, result, began_at)
    except ProviderAccountUnknown:
        return Outcome.KEPT, "it is no account of ours"
    return (Outcome.KEPT, row.trouble) if row.provider_id != provider_id else HANDLED


def _look_at_disputes(disputes: Mapping[str, queries.Told], tell: Tell) -> None:
    for provider_id in disputes:
        try:
            row = dispute_jobs.look_at(provider_id)
        except DisputeNotOurs:
            tell(provider_id, (Outcome.KEPT, "it disputes no payment of ours"))
        except Rejected as refusal:
            tell(provider_id, (Outcome.KEPT, f"the provider does not know it: {refusal.code}"))
        else:
            tell(provider_id, (Outcome.KEPT, row.trouble) if row.trouble else HANDLED)


_LOOKS: dict[str, Callable[[Mapping[str, queries.Told], Tell], None]] = {
    EventKind.PAYMENT.value: _look_at_payments,
    EventKind.REFUND.value: _look_at_refunds,
    EventKind.ACCOUNT.value: _look_at_accounts,
    EventKind.TRANSFER.value: look_at_transfers,
    EventKind.PAYOUT.value: look_at_payouts,
    EventKind.DISPUTE.value: _look_at_disputes,
}
# Kinds whose events speak of a vendor's account; all others are about our own.
_OF_VENDORS = frozenset({EventKind.ACCOUNT.value, EventKind.PAYOUT.value})
