"""Reserve, call, record: an account is made with a key from its row, and looked at when something may have changed."""

import uuid
from datetime import timedelta

from marketplace.companies.queries import companies_by_id
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import read_only_end, transaction
from marketplace.kernel.queue import apart, each, job
from settlements.gateway.connect import AccountLink, AccountRequest, AccountResult
from settlements.gateway.port import PaymentGateway, Rejected
from settlements.gateway.provider import PaymentsNotConfigured, provider
from settlements.provider_accounts import actions, queries
from settlements.provider_accounts.models import ProviderAccount
from settlements.provider_accounts.refusals import ProviderAccountNotOpen
from settlements.provider_accounts.states import AccountState

_BATCH = 100
ASK_AGAIN_AFTER = timedelta(minutes=2)
LOOK_AGAIN_AFTER = timedelta(hours=20)
KEY_LIVES = timedelta(hours=23)  # the provider forgets keys after 24
_SKEW = timedelta(hours=1)


def open_account(account_id: uuid.UUID) -> ProviderAccount | None:
    """Have the provider make a requested account; None where nothing is asked for. Raises Later, Unknown,
    PaymentsNotConfigured: the sweep asks again with the same key."""
    gateway = provider()
    with transaction():
        row = actions.asked(account_id)
    if row is None:
        return None
    began_at = clock.now()
    try:
        result = _made_before(gateway, row) or gateway.create_account(_request(row))
    except Rejected as refusal:
        with transaction():
            actions.refuse(account_id, f"{refusal.code}: {refusal.text}")
        return None
    with transaction():
        return actions.record(account_id, result, began_at)


def _made_before(gateway: PaymentGateway, row: ProviderAccount) -> AccountResult | None:
    """What an old key may have made; a young one is repeated instead, and answers as it did."""
    assert row.asked_at is not None
    if row.asked_at > clock.now() - KEY_LIVES:
        return None
    found = gateway.find_account(row.key, row.asked_at - _SKEW)
    if found is None:
        with transaction():
            actions.renew_key(row.id)
            actions.asked(row.id)
    return found


def _request(row: ProviderAccount) -> AccountRequest:
    company = companies_by_id([row.vendor_id])[row.vendor_id]
    wanted = AccountRequest(
        key=row.key,
        country=row.country,
        email=company.email,
        company_name=company.name,
        currency=row.currency,
        metadata={"vendor_id": str(row.vendor_id), "account_id": str(row.id)},
    )
    read_only_end()
    return wanted


def look_at(account_id: uuid.UUID) -> ProviderAccount:
    """Ask the provider how an account stands, and record it. Raises ProviderAccountNotOpen, Upstream."""
    provider_id = _open(account_id).provider_id
    began_at = clock.now()
    read_only_end()
    result = provider().account(provider_id or "")
    with transaction():
        return actions.record(account_id, result, began_at)


def link(account_id: uuid.UUID, return_url: str) -> AccountLink:
    """Where the vendor tells the provider what is due. Raises ProviderAccountNotOpen, Rejected, Later, Unknown."""
    provider_id = _open(account_id).provider_id
    read_only_end()
    return provider().account_link(provider_id or "", return_url=return_url, refresh_url=return_url)


def _open(account_id: uuid.UUID) -> ProviderAccount:
    row = queries.account(SYSTEM, account_id)
    if row.state is not AccountState.OPEN:
        raise ProviderAccountNotOpen(state=row.state.value, trouble=row.trouble)
    return row


@job("provider_accounts.open", every=120, timeout=300, alone=True)
def open_waiting() -> None:
    """Ask for those of sellers who have none, and again for accounts whose making failed or is not known of."""
    with transaction():
        without = queries.sellers_without(_BATCH)
    for vendor_id in without:
        apart(actions.request, vendor_id)
    try:
        provider()
    except PaymentsNotConfigured:
        return
    with transaction():
        waiting = queries.requested(clock.now() - ASK_AGAIN_AFTER, _BATCH)
    each(open_account, waiting)


@job("provider_accounts.look", every=3600, timeout=600)
def look_at_all() -> None:
    """Look at accounts that no web hook told of for a day: one may have been lost."""
    with transaction():
        old = queries.not_looked_at_since(clock.now() - LOOK_AGAIN_AFTER, _BATCH)
    each(look_at, old)
