"""What a vendor owes is one debt at a time, claimed after a month, netted with whatever falls due to him meanwhile."""

import uuid
from datetime import timedelta

from marketplace.kernel import clock, history
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import advisory_lock, db, new_id
from marketplace.kernel.money import Money
from marketplace.notifications.actions import notify
from settlements.ledger import books
from settlements.ledger.postings import transfers as postings
from settlements.transfers import receivers
from settlements.transfers.models import VendorDebt
from settlements.transfers.queries import debts
from settlements.transfers.states import OPEN_DEBTS, DebtVerb

REMIND_AFTER = timedelta(days=30)
DECIDE_AFTER = timedelta(days=180)  # what the provider waits for itself
CLAIMED, NETTED = "debt_claimed", "debt_netted"


def hold(vendor_id: uuid.UUID, currency: str) -> None:
    """One at a time decides about what a vendor owes; taken before any row, and held until the transaction ends."""
    advisory_lock(f"owing:{vendor_id}:{currency}")


def opened(vendor_id: uuid.UUID, currency: str) -> VendorDebt:
    """The vendor's debt, opened where he has none."""
    known = debts.open_debt(vendor_id, currency)
    if known is not None:
        return known
    debt = VendorDebt(id=new_id(), vendor_id=vendor_id, currency=currency)
    db.session.add(debt)
    db.session.flush()
    return debt


def settle(vendor_id: uuid.UUID, currency: str) -> int:
    """Net what was claimed with what is due to him, and close the debt where nothing is owed; returns what is.

    Held by `hold`, or asked before the caller locks anything.
    """
    hold(vendor_id, currency)
    accounts = debts.accounts(vendor_id, currency, locked=True)
    netted = min(accounts.claimed_minor, accounts.payable_minor)
    if netted > 0:
        debt = opened(vendor_id, currency)
        lines = postings.debt_claimed(vendor_id, -netted, currency)
        books.post(next_source(debt), NETTED, lines)
    if not accounts.owed_minor:
        debt = debts.open_debt(vendor_id, currency)
        if debt is not None:
            history.move(debt, DebtVerb.SETTLE, SYSTEM)
            debt.closed_at = clock.now()
    return accounts.owed_minor


def next_source(debt: VendorDebt) -> str:
    """The source of the next entry about this debt, which the caller has locked."""
    debt.moves += 1
    return f"debt:{debt.id}:{debt.moves}"


def claim(debt: VendorDebt, at_most: int | None = None) -> int:
    """Row 5d: what is owed on the payable is claimed from the vendor; returns how much that was."""
    owed_there = -debts.accounts(debt.vendor_id, debt.currency, locked=True).payable_minor
    claimed = owed_there if at_most is None else min(owed_there, at_most)
    if claimed <= 0:
        return 0
    books.post(next_source(debt), CLAIMED, postings.debt_claimed(debt.vendor_id, claimed, debt.currency))
    return claimed


def remind(debt_id: uuid.UUID) -> VendorDebt:
    """Claim a debt that is old enough, and write to the vendor about it, once every 30 days."""
    debt = debts.debt(SYSTEM, debt_id)
    owed = settle(debt.vendor_id, debt.currency)
    debt = debts.debt(SYSTEM, debt_id, locked=True)
    if debt.state not in OPEN_DEBTS or not _is_due(debt):
        return debt
    claim(debt)
    if debt.state.value == "open":
        history.move(debt, DebtVerb.REMIND, SYSTEM)
    debt.reminded_at = clock.now()
    facts = {
        "amount": Money(owed, debt.currency).format(),
        "since": debt.since.date().isoformat(),
    }
    notify(
        debt.vendor_id,
        "debt_reminder",
        f"debt:{debt.id}:{clock.now().date().isoformat()}",
        facts,
        to=receivers.READS_LETTERS,
    )
    return debt


def _is_due(debt: VendorDebt) -> bool:
    now = clock.now()
    return debt.since <= now - REMIND_AFTER and (debt.reminded_at is None or debt.reminded_at <= now - REMIND_AFTER)


def escalate(debt_id: uuid.UUID) -> VendorDebt:
    """Put a debt that is too old on the list of those that an operator decides about."""
    debt = debts.debt(SYSTEM, debt_id)
    settle(debt.vendor_id, debt.currency)
    debt = debts.debt(SYSTEM, debt_id, locked=True)
    if debt.state in OPEN_DEBTS and debt.state.value != "to_decide" and debt.since <= clock.now() - DECIDE_AFTER:
        history.move(debt, DebtVerb.ESCALATE, SYSTEM)
    return debt
