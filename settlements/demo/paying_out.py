"""The demonstration's statements are paid out: one vendor is refused, one owes, and two people book by hand."""

import uuid

import urllib3
from flask import current_app

from marketplace.kernel.access import Actor
from marketplace.kernel.db import db, transaction
from settlements.demo import acting, queries
from settlements.gateway.connect import PayoutRequest
from settlements.gateway.provider import PaymentsNotConfigured, provider
from settlements.provider_accounts import actions as provider_accounts
from settlements.provider_accounts import queries as account_queries
from settlements.runs import jobs as run_jobs
from settlements.transfers import jobs as transfer_jobs
from settlements.transfers.actions import adjusting, payouts

_CURRENCY = "EUR"
_LATE_S = 2 * 86400  # after which the sandbox makes a charge's money available
_WHY_BLOCKED = "The bank account is in another name"
_DAMAGED = "Two pallets came back damaged; agreed with the vendor by telephone."
_LOST = "Our carrier lost a parcel, claim 26-114."
_GOOD_WILL = "Good will for the delay of our approval."


def money_comes_at_once(is_so: bool) -> None:
    """Lets our own sandbox make a charge's money available at once: the demonstration's orders are weeks old."""
    base = current_app.extensions["kontor_settings"].stripe_api_base
    if base:
        wanted = {"settle_s": 0 if is_so else _LATE_S}
        urllib3.request("POST", f"{base}/_script", json=wanted, timeout=10, retries=False)


def all_told() -> bool:
    """Was it told to its end?"""
    return queries.adjustment_exists(_GOOD_WILL)


def tell() -> None:
    """Pay out what is closed, once; where it broke off, it goes on. Nothing where no provider is set up."""
    try:
        provider()
    except PaymentsNotConfigured:
        return
    run_jobs.pay([str(statement_id) for statement_id in queries.statements_to_pay()])
    _send()
    paid = queries.vendors_paid()
    for vendor_id in paid:
        _pay_out(vendor_id)
    if paid:
        _by_hand(paid[0], paid[-1])
    db.session.rollback()


def _send() -> None:
    """The operator stops the smallest of several transfers before it is sent; it is refused, and owed as before."""
    waiting = queries.transfers_waiting()
    if len(waiting) > 1:
        with transaction():
            provider_accounts.block(min(waiting, key=waiting.__getitem__), _WHY_BLOCKED, acting.clerk("kontor"))
    transfer_jobs.send_waiting()


def _pay_out(vendor_id: uuid.UUID) -> None:
    """The provider pays a vendor's balance out to his bank."""
    account = account_queries.account_of(vendor_id)
    if account is None or account.provider_id is None or queries.payout_exists(vendor_id):
        return
    available = provider().balance(account.provider_id).available.get(_CURRENCY, 0)
    if available > 0:
        wanted = PayoutRequest(
            key=f"demo:payout:{vendor_id}",
            account=account.provider_id,
            amount_minor=available,
            currency=_CURRENCY,
        )
        made = provider().create_payout(wanted)
        with transaction():
            payouts.record(vendor_id, account.provider_id, made)


def _by_hand(best_paid: uuid.UUID, least_paid: uuid.UUID) -> None:
    """What one of the operator's people proposes, the other approves; the last waits for that."""
    ole, miriam = acting.chief("kontor"), acting.clerk("kontor")
    _adjust(best_paid, -95000, _DAMAGED, (ole, miriam))
    transfer_jobs.recover(best_paid, _CURRENCY)
    _adjust(least_paid, 1850, _LOST, (miriam, ole))
    _adjust(least_paid, 2500, _GOOD_WILL, (miriam,))


def _adjust(vendor_id: uuid.UUID, amount_minor: int, reason: str, people: tuple[Actor, ...]) -> None:
    if queries.adjustment_exists(reason):
        return
    with transaction():
        made = adjusting.propose(people[0], vendor_id, amount_minor, _CURRENCY, reason)
        for second in people[1:]:
            adjusting.approve(second, made.id)
