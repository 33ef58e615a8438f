"""A debt is recovered step by step, on its own: less of what is not sent, back from his balance, his reserve."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from settlements.earnings import actions as earnings
from settlements.earnings import queries as earning_queries
from settlements.ledger import books
from settlements.ledger.postings import transfers as postings
from settlements.transfers import planning, receivers
from settlements.transfers.actions import owing, requesting, reversing
from settlements.transfers.models import Transfer, VendorDebt
from settlements.transfers.planning import Recovery, Sources
from settlements.transfers.queries import charges, debts, transfers

RESERVE_USED = "reserve_used"


@dataclass(frozen=True, slots=True)
class Asking:
    """The account at the provider whose balance decides how the rest is recovered; None where nothing left for it."""

    account: str | None


def lower_transfers(vendor_id: uuid.UUID, currency: str) -> Asking | None:
    """The first step, for which the provider is not needed; None where nothing is owed any more."""
    owing.hold(vendor_id, currency)
    if debts.accounts(vendor_id, currency).owed_minor:
        _lower(vendor_id, currency)
    if not owing.settle(vendor_id, currency):
        return None
    owing.opened(vendor_id, currency).tried_at = clock.now()
    has_left = bool(transfers.reversible(vendor_id, currency))
    return Asking(receivers.account_of(vendor_id) if has_left else None)


def _lower(vendor_id: uuid.UUID, currency: str) -> None:
    waiting = transfers.not_sent(vendor_id, currency)
    charges.links_locked([row.payment_id for row in waiting if row.payment_id])
    for transfer in waiting:
        owed = debts.accounts(vendor_id, currency, locked=True).owed_minor
        if not owed:
            return
        plan = planning.recover(owed, Sources(not_sent_minor=transfer.amount_minor))
        requesting.withdraw(transfer)
        owing.settle(vendor_id, currency)
        if plan.less_transfer_minor < transfer.amount_minor:
            requesting.stand_in(transfer, transfer.amount_minor - plan.less_transfer_minor)


def take(vendor_id: uuid.UUID, currency: str, available_minor: int) -> Recovery | None:
    """The other steps, with what is available at the provider; the rest is carried. None where nothing is owed.

    What is being reversed already is waited for; what was refused for want of balance is not: it is tried later.
    """
    owing.hold(vendor_id, currency)
    made = _locked(transfers.reversible(vendor_id, currency), debts.accounts(vendor_id, currency).owed_minor)
    earning_queries.locked_reserves(vendor_id, currency)
    accounts = debts.accounts(vendor_id, currency, locked=True)
    if not accounts.owed_minor:
        return None
    debt = owing.opened(vendor_id, currency)
    coming, not_asked = transfers.under_way_of(vendor_id, currency)
    sources = Sources(
        reversible_minor=sum(left for _, left in made),
        available_minor=available_minor - not_asked,
        reserve_minor=accounts.reserve_minor,
    )
    plan = planning.recover(max(0, accounts.owed_minor - coming), sources)
    parts = planning.take_back(plan.reversal_minor, [(row.id, left) for row, left in made])
    for transfer_id, amount_minor in parts:
        transfer = next(row for row, _ in made if row.id == transfer_id)
        reversing.request(transfer, amount_minor, f"{reversing.FOR_A_DEBT}{debt.id}")
    if plan.reserve_minor:
        _use_reserve(debt, plan.reserve_minor)
    owing.settle(vendor_id, currency)
    return plan


def _locked(made: Sequence[tuple[uuid.UUID, int]], owed_minor: int) -> list[tuple[Transfer, int]]:
    """As many of these transfers, locked, as what is owed may need: rows are locked before accounts."""
    found, reached = [], 0
    for transfer_id, left_minor in made:
        if reached >= owed_minor:
            break
        found.append((transfers.transfer(SYSTEM, transfer_id, locked=True), left_minor))
        reached += left_minor
    return found


def _use_reserve(debt: VendorDebt, amount_minor: int) -> None:
    """Row 5: what was held back for returns pays for them, and is not released a second time."""
    used = earnings.use_reserve(debt.vendor_id, debt.currency, amount_minor)
    if used:
        lines = postings.reserve_used(debt.vendor_id, used, debt.currency)
        books.post(owing.next_source(debt), RESERVE_USED, lines)
