"""What vendors owe, since when, and what was booked by hand."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists

from marketplace.companies.models import Company
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from marketplace.orders.models import VendorOrder
from settlements.ledger import books
from settlements.ledger.chart import AccountKind, account_id
from settlements.ledger.models import Account
from settlements.transfers.models import Adjustment, VendorDebt
from settlements.transfers.refusals import AdjustmentUnknown, DebtUnknown
from settlements.transfers.states import OPEN_DEBTS, AdjustmentState, DebtState

AFRESH = {"populate_existing": True}
A = AccountKind


@dataclass(frozen=True, slots=True)
class Accounts:
    """A vendor's money in one currency: due (below zero: he owes), claimed from him, held back, under way."""

    payable_minor: int = 0
    claimed_minor: int = 0
    reserve_minor: int = 0
    in_transit_minor: int = 0

    @property
    def owed_minor(self) -> int:
        """What he owes in all, 0 or more."""
        return max(0, self.claimed_minor - self.payable_minor)


_KINDS = (A.VENDOR_PAYABLE, A.VENDOR_RECEIVABLE, A.VENDOR_RESERVE, A.TRANSFER_IN_TRANSIT)


def accounts(vendor_id: uuid.UUID, currency: str, *, locked: bool = False) -> Accounts:
    """The vendor's accounts; `locked`, in the order in which entries lock them: nothing is posted until this ends."""
    ids = {account_id(kind, vendor_id, currency): kind for kind in _KINDS}
    if locked:
        books.open_accounts(_KINDS[1:], vendor_id, currency)
    statement = visible(SYSTEM, Account).where(Account.id.in_(list(ids))).order_by(Account.id)
    rows = db.session.scalars(statement.with_for_update() if locked else statement, execution_options=AFRESH)
    held = dict.fromkeys(_KINDS, 0) | {ids[row.id]: row.balance_minor or 0 for row in rows}
    return Accounts(
        payable_minor=-held[A.VENDOR_PAYABLE],
        claimed_minor=held[A.VENDOR_RECEIVABLE],
        reserve_minor=-held[A.VENDOR_RESERVE],
        in_transit_minor=-held[A.TRANSFER_IN_TRANSIT],
    )


def has_accounts(vendor_id: uuid.UUID) -> bool:
    """Was anything ever booked for this vendor?"""
    statement = visible(SYSTEM, Account).with_only_columns(Account.id)
    statement = statement.where(Account.party == vendor_id, Account.kind == A.VENDOR_PAYABLE.value).limit(1)
    return db.session.scalar(statement) is not None


def vendors_with_accounts(limit: int) -> list[tuple[uuid.UUID, str]]:
    """(id, name) of companies for which something was booked as vendors, by name."""
    statement = visible(SYSTEM, Company).with_only_columns(Company.id, Company.name).distinct()
    statement = statement.join(Account, Account.party == Company.id).where(
        Account.kind.in_([kind.value for kind in (A.VENDOR_PENDING, A.VENDOR_PAYABLE)])
    )
    return [(row[0], row[1]) for row in db.session.execute(statement.order_by(Company.name).limit(limit))]


def in_debit(limit: int) -> list[tuple[uuid.UUID, str]]:
    """(vendor, currency) of every vendor who owes, or from whom something is claimed, and has no debt open."""
    opened = exists().where(
        VendorDebt.vendor_id == Account.party,
        VendorDebt.currency == Account.currency,
        VendorDebt.state.in_(OPEN_DEBTS),
    )
    statement = visible(SYSTEM, Account).with_only_columns(Account.party, Account.currency).distinct()
    statement = statement.where(
        Account.kind.in_([A.VENDOR_PAYABLE.value, A.VENDOR_RECEIVABLE.value]), Account.balance_minor > 0, ~opened
    )
    return [(row[0], row[1]) for row in db.session.execute(statement.order_by(Account.party).limit(limit))]


def in_debit_of_orders(order_ids: Sequence[uuid.UUID]) -> list[tuple[uuid.UUID, str]]:
    """(vendor, currency) of those of the orders' vendors who owe."""
    vendors = visible(SYSTEM, VendorOrder).with_only_columns(VendorOrder.vendor_id)
    statement = visible(SYSTEM, Account).with_only_columns(Account.party, Account.currency)
    statement = statement.where(
        Account.party.in_(vendors.where(VendorOrder.order_id.in_(order_ids))),
        Account.kind == A.VENDOR_PAYABLE.value,
        Account.balance_minor > 0,
    )
    return [(row[0], row[1]) for row in db.session.execute(statement)]


def debts(actor: Actor, *, state: DebtState | None = None) -> Select[Any]:
    """The debts that the actor may see."""
    statement = visible(actor, VendorDebt)
    return statement if state is None else statement.where(VendorDebt.state == state)


def debt(actor: Actor, debt_id: uuid.UUID, *, locked: bool = False) -> VendorDebt:
    """One debt. Raises DebtUnknown."""
    statement = visible(actor, VendorDebt).where(VendorDebt.id == debt_id)
    if locked:
        statement = statement.with_for_update()
    row: VendorDebt | None = db.session.scalars(statement, execution_options=AFRESH).one_or_none()
    if row is None:
        raise DebtUnknown
    return row


def open_debt(vendor_id: uuid.UUID, currency: str) -> VendorDebt | None:
    """The debt of a vendor that has not ended, locked."""
    statement = visible(SYSTEM, VendorDebt).where(
        VendorDebt.vendor_id == vendor_id, VendorDebt.currency == currency, VendorDebt.state.in_(OPEN_DEBTS)
    )
    return db.session.scalars(statement.with_for_update(), execution_options=AFRESH).one_or_none()


def debts_open(limit: int) -> list[tuple[uuid.UUID, str]]:
    """(vendor, currency) of every debt that has not ended, the longest untried first."""
    statement = visible(SYSTEM, VendorDebt).with_only_columns(VendorDebt.vendor_id, VendorDebt.currency)
    statement = statement.where(VendorDebt.state.in_(OPEN_DEBTS))
    rows = db.session.execute(statement.order_by(VendorDebt.tried_at.nulls_first()).limit(limit))
    return [(row[0], row[1]) for row in rows]


def due_debts(opened_before: datetime, reminded_before: datetime, limit: int) -> list[uuid.UUID]:
    """Debts that are old enough for a letter, and had none lately."""
    statement = visible(SYSTEM, VendorDebt).with_only_columns(VendorDebt.id)
    statement = statement.where(
        VendorDebt.state.in_(OPEN_DEBTS),
        VendorDebt.since <= opened_before,
        VendorDebt.reminded_at.is_(None) | (VendorDebt.reminded_at <= reminded_before),
    )
    return list(db.session.scalars(statement.order_by(VendorDebt.since).limit(limit)))


def debts_to_decide(opened_before: datetime, limit: int) -> list[uuid.UUID]:
    """Debts that are so old that an operator decides about them."""
    statement = visible(SYSTEM, VendorDebt).with_only_columns(VendorDebt.id)
    statement = statement.where(
        VendorDebt.state.in_((DebtState.OPEN, DebtState.REMINDED)), VendorDebt.since <= opened_before
    )
    return list(db.session.scalars(statement.order_by(VendorDebt.since).limit(limit)))


def owed_by(debts_shown: Sequence[VendorDebt]) -> dict[uuid.UUID, int]:
    """What each of these debts comes to now, by its id; nothing is locked."""
    wanted = {}
    for row in debts_shown:
        for kind in (A.VENDOR_PAYABLE, A.VENDOR_RECEIVABLE):
            wanted[account_id(kind, row.vendor_id, row.currency)] = row.id
    statement = visible(SYSTEM, Account).with_only_columns(Account.id, Account.balance_minor)
    found = dict.fromkeys(wanted.values(), 0)
    for account, balance_minor in db.session.execute(statement.where(Account.id.in_(list(wanted)))):
        found[wanted[account]] += balance_minor or 0
    ended = {row.id for row in debts_shown if row.state not in OPEN_DEBTS}
    return {debt_id: 0 if debt_id in ended else max(0, owed) for debt_id, owed in found.items()}


def adjustments(
    actor: Actor, *, state: AdjustmentState | None = None, vendor_id: uuid.UUID | None = None
) -> Select[Any]:
    """What was proposed to be booked by hand."""
    statement = visible(actor, Adjustment)
    if state is not None:
        statement = statement.where(Adjustment.state == state)
    return statement if vendor_id is None else statement.where(Adjustment.vendor_id == vendor_id)


def adjustment(actor: Actor, adjustment_id: uuid.UUID, *, locked: bool = False) -> Adjustment:
    """One adjustment. Raises AdjustmentUnknown."""
    statement = visible(actor, Adjustment).where(Adjustment.id == adjustment_id)
    if locked:
        statement = statement.with_for_update()
    row: Adjustment | None = db.session.scalars(statement, execution_options=AFRESH).one_or_none()
    if row is None:
        raise AdjustmentUnknown
    return row


def waiting_write_off(debt_id: uuid.UUID) -> Adjustment | None:
    """The write-off of a debt that was proposed and is not decided."""
    statement = visible(SYSTEM, Adjustment)
    statement = statement.where(Adjustment.debt_id == debt_id, Adjustment.state == AdjustmentState.PROPOSED)
    return db.session.scalars(statement, execution_options=AFRESH).one_or_none()
