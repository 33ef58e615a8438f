"""An account is asked for once per vendor; what the provider says of it is recorded, newer over older only."""

import hashlib
import uuid
from datetime import datetime

from marketplace.companies.queries import companies_by_id
from marketplace.kernel import clock, history, outbox
from marketplace.kernel.access import SYSTEM, Actor, Permission, check
from marketplace.kernel.db import advisory_lock, db, new_id
from marketplace.notifications.actions import notify
from settlements.gateway.connect import AccountResult, Capability
from settlements.provider_accounts import queries
from settlements.provider_accounts.events import ProviderAccountChanged, ProviderAccountRequested
from settlements.provider_accounts.models import ProviderAccount
from settlements.provider_accounts.refusals import BlockNeedsReason, NotBlocked, ProviderAccountNotRefused
from settlements.provider_accounts.states import AccountState, AccountVerb

_SAID = (
    "transfers",
    "charges_enabled",
    "payouts_enabled",
    "details_submitted",
    "currencies",
    "due",
    "past_due",
    "pending_verification",
    "due_by",
    "disabled_reason",
)


def request(vendor_id: uuid.UUID) -> ProviderAccount:
    """The vendor's account, asked for now where there is none."""
    advisory_lock(f"provider_account:{vendor_id}")
    known = queries.account_of(vendor_id)
    if known is not None:
        return known
    company = companies_by_id([vendor_id])[vendor_id]
    row_id = new_id()
    row = ProviderAccount(
        id=row_id, vendor_id=vendor_id, country=company.country, currency=company.currency, key=f"account:{row_id}:1"
    )
    db.session.add(row)
    db.session.flush()
    outbox.publish(ProviderAccountRequested(row.id))
    return row


def asked(account_id: uuid.UUID) -> ProviderAccount | None:
    """The account that the provider is to be asked for now; None where that is no longer so."""
    row = queries.account(SYSTEM, account_id, locked=True)
    if row.state is not AccountState.REQUESTED:
        return None
    row.asked_at = row.asked_at or clock.now()
    return row


def ask_again(actor: Actor, account_id: uuid.UUID) -> ProviderAccount:
    """A refused account once more, under a new key. Raises ProviderAccountUnknown, ProviderAccountNotRefused."""
    row = queries.account(actor, account_id, locked=True)
    if row.state is not AccountState.REFUSED:
        raise ProviderAccountNotRefused(state=row.state.value)
    history.move(row, AccountVerb.ASK_AGAIN, actor)
    _new_key(row)
    outbox.publish(ProviderAccountRequested(row.id))
    return row


def renew_key(account_id: uuid.UUID) -> None:
    """The key is too old to be repeated, and nothing was made with it."""
    row = queries.account(SYSTEM, account_id, locked=True)
    if row.state is AccountState.REQUESTED:
        _new_key(row)


def _new_key(row: ProviderAccount) -> None:
    row.attempt += 1
    row.key, row.asked_at, row.trouble = f"account:{row.id}:{row.attempt}", None, None


def refuse(account_id: uuid.UUID, reason: str) -> None:
    """The provider will make no account for this request."""
    row = queries.account(SYSTEM, account_id, locked=True)
    if row.state is AccountState.REQUESTED:
        history.move(row, AccountVerb.REFUSE, SYSTEM, note=reason)
        row.trouble = reason


def record(account_id: uuid.UUID, result: AccountResult, began_at: datetime) -> ProviderAccount:
    """What the provider said in a look that began then; nothing where a later look was recorded already."""
    row = queries.account(SYSTEM, account_id, locked=True)
    if row.provider_id not in {None, result.provider_id}:
        row.trouble = f"two accounts at the provider: {result.provider_id} as well"
        return row
    if row.looked_at is not None and row.looked_at > began_at:
        return row
    before = _told(row)
    row.provider_id, row.looked_at = result.provider_id, began_at
    for name in _SAID:
        value = getattr(result, name)
        setattr(row, name, list(value) if isinstance(value, tuple) else value)
    history.move(row, AccountVerb.OPEN, SYSTEM)
    row.trouble = None
    db.session.flush()
    if _told(row) != before:
        outbox.publish(ProviderAccountChanged(row.id, row.vendor_id))
        _write(row)
    return row


def take_to_list_payouts(before: datetime, limit: int) -> list[tuple[uuid.UUID, str]]:
    """(vendor, provider's id) of accounts whose payouts were not listed since. Each has had its turn by this, also
    where the provider then does not answer: an account that it knows no more holds up no other."""
    rows = queries.locked_to_list_payouts(before, limit)
    for row in rows:
        row.payouts_listed_at = clock.now()
    return [(row.vendor_id, row.provider_id) for row in rows if row.provider_id is not None]


def _told(row: ProviderAccount) -> tuple[object, ...]:
    return (*(getattr(row, name) for name in _SAID), row.provider_id)


def _write(row: ProviderAccount) -> None:
    """Once for the same things due: what the vendor has to tell, or that his money stays at the provider."""
    due = sorted({*row.due, *row.past_due})
    if not due and (row.payouts_enabled or not row.details_submitted):
        return
    facts = {
        "due": due,
        "due_by": row.due_by.date().isoformat() if row.due_by else None,
        "transfers_stop": row.transfers != Capability.ACTIVE.value,
        "payouts_stop": not row.payouts_enabled,
    }
    digest = hashlib.sha256(repr(sorted(facts.items())).encode()).hexdigest()[:16]
    notify(row.vendor_id, "account_due", f"provider_account:{row.id}:{digest}", facts, to=Permission.PAYOUT_SETUP)


def block(vendor_id: uuid.UUID, reason: str, actor: Actor = SYSTEM) -> ProviderAccount | None:
    """Send this vendor nothing until somebody lifts it; None where he has no account. Raises BlockNeedsReason."""
    if not actor.system:
        check(actor, Permission.PAYOUT_BLOCK)
    if not reason.strip():
        raise BlockNeedsReason
    row = queries.account_of(vendor_id, locked=True)
    if row is not None and row.blocked_reason is None:
        row.blocked_reason, row.blocked_at = reason.strip(), clock.now()
        outbox.publish(ProviderAccountChanged(row.id, row.vendor_id))
    return row


def unblock(actor: Actor, account_id: uuid.UUID, reason: str) -> ProviderAccount:
    """Send this vendor money again. Raises ProviderAccountUnknown, NotBlocked, BlockNeedsReason."""
    check(actor, Permission.PAYOUT_BLOCK)
    row = queries.account(actor, account_id, locked=True)
    if not reason.strip():
        raise BlockNeedsReason
    if row.blocked_reason is None:
        raise NotBlocked
    row.blocked_reason = row.blocked_at = None
    outbox.publish(ProviderAccountChanged(row.id, row.vendor_id))
    return row
