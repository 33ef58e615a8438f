"""Payouts of the provider to vendors' banks, as reported."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Select

from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from settlements.transfers.models import VendorPayout
from settlements.transfers.refusals import PayoutUnknown
from settlements.transfers.states import PayoutState

AFRESH = {"populate_existing": True}


def payout(actor: Actor, payout_id: uuid.UUID) -> VendorPayout:
    """One payout. Raises PayoutUnknown."""
    statement = visible(actor, VendorPayout).where(VendorPayout.id == payout_id)
    row: VendorPayout | None = db.session.scalars(statement, execution_options=AFRESH).one_or_none()
    if row is None:
        raise PayoutUnknown
    return row


def payouts(actor: Actor, *, state: PayoutState | None = None, vendor_id: uuid.UUID | None = None) -> Select[Any]:
    """The payouts that the actor may see."""
    statement = visible(actor, VendorPayout)
    if state is not None:
        statement = statement.where(VendorPayout.state == state)
    return statement if vendor_id is None else statement.where(VendorPayout.vendor_id == vendor_id)


def payout_by_provider_id(provider_id: str) -> VendorPayout | None:
    """The payout that the provider knows by this id, locked."""
    statement = visible(SYSTEM, VendorPayout).where(VendorPayout.provider_id == provider_id).with_for_update()
    return db.session.scalars(statement, execution_options=AFRESH).one_or_none()


def states_of(provider_ids: Iterable[str]) -> dict[str, PayoutState]:
    """What is known of the payouts that the provider knows by these ids; those that we never heard of are left out."""
    statement = visible(SYSTEM, VendorPayout).with_only_columns(VendorPayout.provider_id, VendorPayout.state)
    rows = db.session.execute(statement.where(VendorPayout.provider_id.in_(list(provider_ids))))
    return {row[0]: row[1] for row in rows}


def payouts_open(before: datetime, limit: int) -> list[tuple[str, str]]:
    """(provider's id, account) of payouts that have not ended and were not looked at since, the longest ago first."""
    statement = visible(SYSTEM, VendorPayout).with_only_columns(VendorPayout.provider_id, VendorPayout.account)
    statement = statement.where(
        VendorPayout.state.in_((PayoutState.PENDING, PayoutState.IN_TRANSIT)), VendorPayout.looked_at < before
    )
    return [(row[0], row[1]) for row in db.session.execute(statement.order_by(VendorPayout.looked_at).limit(limit))]
