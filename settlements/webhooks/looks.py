"""A look at a transfer or a payout of which the provider speaks: recorded as it stands, or kept with the reason."""

import uuid
from collections.abc import Callable, Mapping

from marketplace.kernel.db import transaction
from settlements.gateway.port import Rejected, own_id
from settlements.gateway.provider import provider
from settlements.provider_accounts import queries as provider_accounts
from settlements.transfers.actions import payouts, sending
from settlements.transfers.queries import transfers
from settlements.webhooks.actions import Verdict
from settlements.webhooks.models import Outcome
from settlements.webhooks.queries import Told

HANDLED: Verdict = (Outcome.HANDLED, None)
Tell = Callable[[str, Verdict], None]


def look_at_transfers(told: Mapping[str, Told], tell: Tell) -> None:
    """Transfers of ours as they stand; what came back of them without our asking is kept."""
    with transaction():
        known = transfers.known_attempts(list(told))
    for provider_id in told:
        tell(provider_id, _transfer(provider_id, known.get(provider_id)))


def _transfer(provider_id: str, known: uuid.UUID | None) -> Verdict:
    try:
        result = provider().transfer_by_id(provider_id)
    except Rejected as refusal:
        return Outcome.KEPT, f"the provider does not know it: {refusal.code}"
    attempt_id = known or own_id(result.metadata, "attempt_id")
    with transaction():
        if attempt_id is None or not transfers.attempt_exists(attempt_id):
            return Outcome.KEPT, "it is no transfer of ours"
        trouble = sending.told(attempt_id, result)
    return (Outcome.KEPT, trouble) if trouble else HANDLED


def look_at_payouts(told: Mapping[str, Told], tell: Tell) -> None:
    """Payouts of vendors' accounts as they stand."""
    with transaction():
        accounts = provider_accounts.by_provider_ids([row.account for row in told.values() if row.account])
        vendors = {provider_id: row.vendor_id for provider_id, row in accounts.items()}
    for provider_id, row in told.items():
        if row.account is None:
            tell(provider_id, (Outcome.IGNORED, "it is a payout of our own balance"))
        elif row.account not in vendors:
            tell(provider_id, (Outcome.KEPT, "it speaks of an account that is none of ours"))
        else:
            tell(provider_id, _payout(provider_id, row.account, vendors[row.account]))


def _payout(provider_id: str, account: str, vendor_id: uuid.UUID) -> Verdict:
    try:
        result = provider().payout_by_id(provider_id, account)
    except Rejected as refusal:
        return Outcome.KEPT, f"the provider does not know it: {refusal.code}"
    if result.amount_minor <= 0:
        return Outcome.IGNORED, "it fills up a debit of the account from its bank"
    with transaction():
        payouts.record(vendor_id, account, result)
    return HANDLED
