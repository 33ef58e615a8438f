"""Reserve, call, record: the provider is asked with no transaction open, and what it did not answer is looked up."""

import uuid
from datetime import timedelta

import structlog

from marketplace.kernel import clock
from marketplace.kernel.db import transaction
from marketplace.kernel.queue import apart, each, job
from settlements.gateway.connect import TransferRequest
from settlements.gateway.port import Later, Rejected, Unknown
from settlements.gateway.provider import provider
from settlements.provider_accounts import actions as accounts
from settlements.transfers.actions import owing, payouts, recovering, reversing, sending
from settlements.transfers.actions.reversing import TakingBack
from settlements.transfers.actions.sending import Sending
from settlements.transfers.queries import debts, transfers
from settlements.transfers.queries import payouts as payout_queries

log = structlog.get_logger("transfers")
_BATCH = 200
_LOOK_AT_PAYOUTS_AFTER = timedelta(hours=1)
_LIST_PAYOUTS_AFTER = timedelta(days=1)
_LISTED_BACK = timedelta(days=31)  # so that none is missed after the marketplace stood still


def send(transfer_id: uuid.UUID) -> None:
    """Send a transfer, or find out what became of it; does nothing where nothing is open.

    Raises Later or Unknown only where the provider could not be asked what became of it.
    """
    with transaction():
        sending_now = sending.reserve(transfer_id)
        tried = [] if sending_now else sending.tried(transfer_id)
    for attempt in tried:
        gateway = provider()
        if attempt.provider_id is not None:
            found = gateway.transfer_by_id(attempt.provider_id)
        else:
            found = gateway.find_transfer(attempt.key, attempt.transfer_group)
        if found is not None:
            with transaction():
                sending.record(attempt.attempt_id, found)
            return
    if tried:
        with transaction():
            sending_now = sending.reserve_anew(transfer_id, tried[0].attempt_id)
    if sending_now is not None:
        _make(sending_now)


def _make(attempt: Sending) -> None:
    wanted = TransferRequest(
        key=attempt.key,
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
        destination=attempt.account,
        transfer_group=attempt.transfer_group,
        source_charge_id=attempt.charge_id,
        metadata={"transfer_id": str(attempt.transfer_id), "attempt_id": str(attempt.attempt_id)},
    )
    try:
        result = provider().transfer(wanted)
    except Rejected as refusal:
        with transaction():
            sending.refused(attempt.attempt_id, refusal.code)
    except Later as refusal:
        with transaction():
            sending.postponed(attempt.attempt_id, refusal.code)
    except Unknown as doubt:
        log.warning("transfer outcome unknown", transfer_id=str(attempt.transfer_id), code=doubt.code)
        with transaction():
            sending.doubted(attempt.attempt_id, doubt.code)
    else:
        with transaction():
            sending.record(attempt.attempt_id, result)


def take_back(reversal_id: uuid.UUID) -> None:
    """Take money of a transfer back, or find out what became of it; raises as `send` does."""
    with transaction():
        asking = reversing.reserve(reversal_id)
        tried = [] if asking else reversing.tried(reversal_id)
    for attempt in tried:
        found = provider().find_reversal(attempt.key, attempt.transfer_id)
        if found is not None:
            with transaction():
                reversing.record(attempt.attempt_id, found)
            return
    if tried:
        with transaction():
            asking = reversing.reserve_anew(reversal_id, tried[0].attempt_id)
    if asking is not None:
        _ask_back(asking)


def _ask_back(attempt: TakingBack) -> None:
    metadata = {"reversal_id": str(attempt.reversal_id), "attempt_id": str(attempt.attempt_id)}
    try:
        result = provider().reverse_transfer(attempt.key, attempt.transfer_id, attempt.amount_minor, metadata)
    except Rejected as refusal:
        with transaction():
            reversing.refused(attempt.attempt_id, refusal.code)
    except Later as refusal:
        with transaction():
            reversing.postponed(attempt.attempt_id, refusal.code)
    except Unknown as doubt:
        log.warning("reversal outcome unknown", reversal_id=str(attempt.reversal_id), code=doubt.code)
        with transaction():
            reversing.doubted(attempt.attempt_id, doubt.code)
    else:
        with transaction():
            reversing.record(attempt.attempt_id, result)


def recover(vendor_id: uuid.UUID, currency: str) -> None:
    """Recover what a vendor owes, as far as it can be had now; raises where the provider does not tell his balance."""
    with transaction():
        asking = recovering.lower_transfers(vendor_id, currency)
    if asking is None:
        return
    available_minor = 0
    if asking.account is not None:
        available_minor = provider().balance(asking.account).available.get(currency, 0)
    with transaction():
        recovering.take(vendor_id, currency, available_minor)


@job("transfers.send", every=30, timeout=300, alone=True)
def send_waiting() -> None:
    """Send what waits for its turn, and look up what nobody knows the outcome of."""
    with transaction():
        due = transfers.transfers_waiting(clock.now(), _BATCH)
    each(send, due)


@job("transfers.take_back", every=60, timeout=300, alone=True)
def take_back_waiting() -> None:
    """Ask again for what could not be taken back before, and look up what nobody knows the outcome of."""
    with transaction():
        due = transfers.reversals_waiting(clock.now(), _BATCH)
    each(take_back, due)


@job("debts.recover", every=300, timeout=300, alone=True)
def recover_waiting() -> None:
    """Recover from every vendor who owes, those tried last at the end."""
    with transaction():
        owing_now = [*debts.debts_open(_BATCH), *debts.in_debit(_BATCH)]
    each(lambda vendor: recover(*vendor), owing_now)


@job("debts.remind", every=86400, timeout=300)
def remind_debtors() -> None:
    """Claim debts of 30 days, write to those who owe them, and list those of 180 days for a decision."""
    now = clock.now()
    with transaction():
        due = debts.due_debts(now - owing.REMIND_AFTER, now - owing.REMIND_AFTER, _BATCH)
        old = debts.debts_to_decide(now - owing.DECIDE_AFTER, _BATCH)
    for debt_id in due:
        apart(owing.remind, debt_id)
    for debt_id in old:
        apart(owing.escalate, debt_id)


@job("payouts.look_up", every=900, timeout=300)
def look_at_payouts() -> None:
    """Ask what became of payouts that have not ended, and for those never heard of, should web hooks be lost."""
    now = clock.now()
    with transaction():
        due = payout_queries.payouts_open(now - _LOOK_AT_PAYOUTS_AFTER, _BATCH)
    each(lambda known: look_at_payout(*known), due)
    with transaction():
        turn = accounts.take_to_list_payouts(now - _LIST_PAYOUTS_AFTER, _BATCH)
    each(lambda account: list_payouts(*account), turn)


def look_at_payout(provider_id: str, account: str) -> None:
    """Fetch one payout and record it as it stands."""
    result = provider().payout_by_id(provider_id, account)
    with transaction():
        known = payout_queries.payout_by_provider_id(provider_id)
        if known is not None:
            payouts.record(known.vendor_id, account, result)


def list_payouts(vendor_id: uuid.UUID, account: str) -> None:
    """Record what the provider lists of an account and we do not know so: new ones, and those that came back late."""
    found = provider().payouts(account, clock.now() - _LISTED_BACK)
    listed = [result for result in found if result.amount_minor > 0]  # below zero his bank fills up a debit there
    with transaction():
        known = payout_queries.states_of(result.provider_id for result in listed)
        for result in listed:
            state = known.get(result.provider_id)
            if state is None or state.value != result.state.value:
                payouts.record(vendor_id, account, result)
