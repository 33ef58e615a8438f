"""Vendors' accounts at the provider, as each party may see them: every SELECT of this room.

What is read here decides about money, so rows that the session holds already are read again.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select

from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from settlements.gateway.connect import Capability
from settlements.provider_accounts.models import ProviderAccount
from settlements.provider_accounts.refusals import ProviderAccountUnknown
from settlements.provider_accounts.states import AccountState
from vendors.onboarding.models import Vendor
from vendors.onboarding.states import VendorState

AFRESH = {"populate_existing": True}


def account(actor: Actor, account_id: uuid.UUID, *, locked: bool = False) -> ProviderAccount:
    """One account. Raises ProviderAccountUnknown."""
    return _one(visible(actor, ProviderAccount).where(ProviderAccount.id == account_id), locked)


def own(actor: Actor) -> ProviderAccount | None:
    """The account of the actor's company."""
    statement = visible(actor, ProviderAccount).where(ProviderAccount.vendor_id == actor.company_id)
    found: ProviderAccount | None = db.session.scalars(statement, execution_options=AFRESH).one_or_none()
    return found


def account_of(vendor_id: uuid.UUID, *, locked: bool = False) -> ProviderAccount | None:
    """The account of a vendor, for money that is to reach him."""
    statement = visible(SYSTEM, ProviderAccount).where(ProviderAccount.vendor_id == vendor_id)
    statement = statement.with_for_update() if locked else statement
    found: ProviderAccount | None = db.session.scalars(statement, execution_options=AFRESH).one_or_none()
    return found


def _one(statement: Select[Any], locked: bool) -> ProviderAccount:
    statement = statement.with_for_update() if locked else statement
    row: ProviderAccount | None = db.session.scalars(statement, execution_options=AFRESH).one_or_none()
    if row is None:
        raise ProviderAccountUnknown
    return row


def by_provider_ids(provider_ids: Sequence[str]) -> dict[str, ProviderAccount]:
    """Our accounts among those that the provider names so."""
    statement = visible(SYSTEM, ProviderAccount).where(ProviderAccount.provider_id.in_(provider_ids))
    found = db.session.scalars(statement, execution_options=AFRESH)
    return {row.provider_id: row for row in found if row.provider_id is not None}


def accounts(actor: Actor, *, state: AccountState | None = None, able: bool | None = None) -> Select[Any]:
    """The accounts that the actor may see; `able`: those that may receive money and pay it out, or that may not."""
    statement = visible(actor, ProviderAccount)
    if state is not None:
        statement = statement.where(ProviderAccount.state == state)
    if able is None:
        return statement
    may = (
        (ProviderAccount.transfers == Capability.ACTIVE.value)
        & ProviderAccount.payouts_enabled
        & ProviderAccount.blocked_reason.is_(None)
    )
    return statement.where(may if able else ~may)


def blocked() -> list[ProviderAccount]:
    """Accounts to which we send nothing, the longest blocked first."""
    statement = visible(SYSTEM, ProviderAccount).where(ProviderAccount.blocked_reason.is_not(None))
    return list(db.session.scalars(statement.order_by(ProviderAccount.blocked_at), execution_options=AFRESH))


def requested(before: datetime, limit: int) -> list[uuid.UUID]:
    """Accounts that the provider was not asked for yet, or whose making nobody knows of."""
    statement = visible(SYSTEM, ProviderAccount).with_only_columns(ProviderAccount.id)
    statement = statement.where(ProviderAccount.state == AccountState.REQUESTED, ProviderAccount.requested_at < before)
    return list(db.session.scalars(statement.order_by(ProviderAccount.requested_at).limit(limit)))


def sellers_without(limit: int) -> list[uuid.UUID]:
    """Vendors who may sell and have no account, as those who were approved before accounts were asked for."""
    statement = visible(SYSTEM, Vendor).with_only_columns(Vendor.id)
    statement = statement.outerjoin(ProviderAccount, ProviderAccount.vendor_id == Vendor.id)
    statement = statement.where(Vendor.state == VendorState.ACTIVE, ProviderAccount.id.is_(None))
    return list(db.session.scalars(statement.order_by(Vendor.id).limit(limit)))


def not_looked_at_since(before: datetime, limit: int) -> list[uuid.UUID]:
    """Open accounts that no web hook told of for long."""
    statement = visible(SYSTEM, ProviderAccount).with_only_columns(ProviderAccount.id)
    statement = statement.where(ProviderAccount.state == AccountState.OPEN, ProviderAccount.looked_at < before)
    return list(db.session.scalars(statement.order_by(ProviderAccount.looked_at).limit(limit)))


def locked_to_list_payouts(before: datetime, limit: int) -> list[ProviderAccount]:
    """Accounts at the provider whose payouts were not listed since, the longest ago first; those that somebody else
    takes are left to him."""
    statement = visible(SYSTEM, ProviderAccount).where(
        ProviderAccount.provider_id.is_not(None),
        ProviderAccount.payouts_listed_at.is_(None) | (ProviderAccount.payouts_listed_at < before),
    )
    statement = statement.order_by(ProviderAccount.payouts_listed_at.nulls_first()).limit(limit)
    return list(db.session.scalars(statement.with_for_update(skip_locked=True), execution_options=AFRESH))


def why_not_payable(row: ProviderAccount | None, currency: str) -> str | None:
    """Why no money in this currency may be sent to a vendor now; None: it may.

    `payouts_paused` is a reason too: money that cannot leave the provider again is better kept here.
    """
    if row is None or row.state is not AccountState.OPEN:
        return "no_account"
    if row.blocked_reason is not None:
        return f"blocked: {row.blocked_reason}"
    if row.transfers != Capability.ACTIVE.value:
        return "transfers_inactive"
    if not row.payouts_enabled:
        return "payouts_paused"
    if currency not in row.currencies:
        return "currency_not_receivable"
    return None
