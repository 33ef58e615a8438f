"""Every attempt to send a transfer is written before it is made; its outcome is recorded once, and never assumed."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from marketplace.kernel import clock, history, outbox
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, new_id
from marketplace.kernel.money import Money
from settlements.gateway.connect import TransferResult
from settlements.ledger import books
from settlements.ledger.postings import transfers as postings
from settlements.transfers import receivers
from settlements.transfers.actions.requesting import free_link
from settlements.transfers.events import TransferMade, TransferRefused
from settlements.transfers.models import Transfer, TransferAttempt
from settlements.transfers.queries import transfers
from settlements.transfers.refusals import VendorCannotBePaid
from settlements.transfers.states import ARRIVED, TransferState, TransferVerb

KEY_LIVES = timedelta(hours=23)  # the provider forgets keys after 24
ASK_AGAIN_AFTER = timedelta(minutes=1)
WAITS = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720)]
MADE, REFUSED = "transfer_made", "transfer_refused"
# Refusals that say nothing about the vendor's account: the next transfers may well be made.
NOT_HIS_ACCOUNT = frozenset({"invalid_source_transaction", "balance_insufficient", "parameter_invalid_integer"})


@dataclass(frozen=True, slots=True)
class Sending:
    """An attempt to be made, or to be found out about where it, or one before it, may have been made."""

    transfer_id: uuid.UUID
    attempt_id: uuid.UUID
    key: str
    account: str
    transfer_group: str
    charge_id: str | None
    amount_minor: int
    currency: str
    provider_id: str | None = None


def reserve(transfer_id: uuid.UUID) -> Sending | None:
    """The first attempt of a transfer, written down with its key; None where it was tried already or has ended."""
    transfer = transfers.transfer(SYSTEM, transfer_id, locked=True)
    if transfer.state is not TransferState.REQUESTED or transfer.attempts:
        return None
    return _new_attempt(transfer)


def tried(transfer_id: uuid.UUID) -> list[Sending]:
    """The attempts that may have been made, the newest first; nobody else asks about them for a minute."""
    transfer = transfers.transfer(SYSTEM, transfer_id, locked=True)
    waits = transfer.state is TransferState.REQUESTED and transfer.next_at > clock.now()
    if waits or not transfer.attempts or transfer.state in ARRIVED or transfer.state is TransferState.REFUSED:
        return []
    transfer.next_at = clock.now() + ASK_AGAIN_AFTER
    attempts = transfers.attempts_of([transfer.id])[transfer.id]
    return [_sending(transfer, attempt) for attempt in reversed(attempts)]


def reserve_anew(transfer_id: uuid.UUID, attempt_id: uuid.UUID) -> Sending | None:
    """No attempt reached the provider: the last one again, or a new one where it was postponed or its key is old."""
    transfer = transfers.transfer(SYSTEM, transfer_id, locked=True)
    attempt = transfers.attempt(attempt_id)
    if attempt.number != transfer.attempts or attempt.provider_id:
        return None
    if transfer.state is TransferState.UNKNOWN:
        history.move(transfer, TransferVerb.LOOK_UP, SYSTEM, note="not found")
    if transfer.state is TransferState.SENT:
        if attempt.asked_at > clock.now() - KEY_LIVES:
            return _sending(transfer, attempt)
        attempt.failure_code = "never_reached"
        history.move(transfer, TransferVerb.POSTPONE, SYSTEM, note="never_reached")
    return _new_attempt(transfer) if transfer.state is TransferState.REQUESTED else None


def _new_attempt(transfer: Transfer) -> Sending | None:
    try:
        account = receivers.account_for(transfer.vendor_id, transfer.currency)
    except VendorCannotBePaid as refusal:
        _refuse(transfer, str(refusal.facts["reason"]))
        return None
    history.move(transfer, TransferVerb.SEND, SYSTEM)
    transfer.attempts += 1
    transfer.next_at = clock.now() + ASK_AGAIN_AFTER
    attempt = TransferAttempt(
        id=new_id(),
        transfer_id=transfer.id,
        number=transfer.attempts,
        key=f"transfer:{transfer.id}:{transfer.attempts}",
        account=account,
    )
    db.session.add(attempt)
    db.session.flush()
    return _sending(transfer, attempt)


def _sending(transfer: Transfer, attempt: TransferAttempt) -> Sending:
    return Sending(
        transfer_id=transfer.id,
        attempt_id=attempt.id,
        key=attempt.key,
        account=attempt.account,
        transfer_group=transfer.transfer_group,
        charge_id=transfer.charge_id,
        amount_minor=transfer.amount_minor,
        currency=transfer.currency,
        provider_id=attempt.provider_id,
    )


def doubted(attempt_id: uuid.UUID, code: str) -> Transfer:
    """The provider did not answer: it may have been made, and is looked up."""
    transfer, attempt = _locked(attempt_id)
    if attempt.number == transfer.attempts and transfer.state in {TransferState.SENT, TransferState.UNKNOWN}:
        history.move(transfer, TransferVerb.DOUBT, SYSTEM, note=code)
        transfer.trouble = code
    return transfer


def postponed(attempt_id: uuid.UUID, code: str) -> Transfer:
    """The provider asks to wait: a new attempt is made later, after a look whether one before it arrived after all."""
    transfer, attempt = _locked(attempt_id)
    attempt.failure_code = code
    if attempt.number == transfer.attempts and transfer.state in {TransferState.SENT, TransferState.UNKNOWN}:
        history.move(transfer, TransferVerb.POSTPONE, SYSTEM, note=code)
        transfer.next_at = clock.now() + WAITS[min(transfer.attempts, len(WAITS)) - 1]
        transfer.trouble = code
    return transfer


def refused(attempt_id: uuid.UUID, code: str) -> Transfer:
    """The provider will never make it: it is due as before, and nothing more is sent to an account that is shut."""
    transfer, attempt = _locked(attempt_id)
    attempt.failure_code = code
    if attempt.number == transfer.attempts and transfer.state in {TransferState.SENT, TransferState.UNKNOWN}:
        _refuse(transfer, code)
        if code not in NOT_HIS_ACCOUNT:
            receivers.block(transfer.vendor_id, code)
    return transfer


def _refuse(transfer: Transfer, code: str) -> None:
    history.move(transfer, TransferVerb.REFUSE, SYSTEM, note=code)
    transfer.trouble = code
    free_link(transfer)
    lines = postings.transfer_refused(transfer.vendor_id, transfer.amount_minor, transfer.currency)
    books.post(f"transfer:{transfer.id}:refused", REFUSED, lines)
    receivers.tell_refused(transfer, code)
    outbox.publish(TransferRefused(transfer_id=transfer.id, cause=transfer.cause))


def record(attempt_id: uuid.UUID, result: TransferResult) -> Transfer:
    """What the provider says of a transfer now, booked once. Saying it twice, or late, comes to the same.

    What is not what was sent is kept as `trouble`, and not booked: a person has to look at it.
    """
    transfer, attempt = _locked(attempt_id)
    trouble = _trouble(transfer, attempt, result)
    if trouble is not None:
        transfer.trouble = trouble
        return transfer
    attempt.provider_id = result.provider_id
    if transfer.state not in {TransferState.SENT, TransferState.UNKNOWN, TransferState.REQUESTED}:
        return transfer
    if result.balance_transaction_id is None:
        return transfer  # what the provider has not booked yet is looked at again
    if transfer.state is TransferState.REQUESTED:  # postponed, yet the provider had it
        history.move(transfer, TransferVerb.SEND, SYSTEM)
    history.move(transfer, TransferVerb.CONFIRM, SYSTEM)
    attempt.balance_transaction_id = result.balance_transaction_id
    transfer.made_at, transfer.trouble = clock.now(), None
    lines = postings.transfer_made(transfer.vendor_id, transfer.amount_minor, transfer.currency)
    books.post(f"psp:{result.balance_transaction_id}", MADE, lines)
    outbox.publish(TransferMade(transfer_id=transfer.id, cause=transfer.cause))
    return transfer


def told(attempt_id: uuid.UUID, result: TransferResult) -> str | None:
    """As `record`; returns why what the provider says was not booked, or None where all is as it should be."""
    transfer, attempt = _locked(attempt_id)
    trouble = _trouble(transfer, attempt, result)
    record(attempt_id, result)
    return trouble


def _trouble(transfer: Transfer, attempt: TransferAttempt, result: TransferResult) -> str | None:
    if (result.amount_minor, result.currency) != (transfer.amount_minor, transfer.currency):
        sent, made = Money(transfer.amount_minor, transfer.currency), Money(result.amount_minor, result.currency)
        return f"sent {sent.format()}, made {made.format()}"
    if result.destination != attempt.account:
        return f"sent to {attempt.account}, made to {result.destination}"
    if attempt.provider_id not in {None, result.provider_id}:
        return f"two transfers at the provider: {result.provider_id} as well"
    if transfer.state is TransferState.REFUSED or transfer.state is TransferState.WITHDRAWN:
        return f"{transfer.state.value} here, made at the provider: {result.provider_id}"
    others = transfers.attempts_of([transfer.id])[transfer.id]
    made = [row.provider_id for row in others if row.id != attempt.id and row.balance_transaction_id]
    if made:
        return f"two transfers at the provider: {result.provider_id} as well"
    return _reversed_elsewhere(transfer, result)


def _reversed_elsewhere(transfer: Transfer, result: TransferResult) -> str | None:
    """Money that came back without our asking is not taken for one of our own reversals."""
    rows = transfers.reversals_of([transfer.id])[transfer.id]
    asked = transfer.reversed_minor + sum(row.amount_minor for row in rows if row.attempts and not row.made_at)
    if result.reversed_minor > asked:
        back, ours = (Money(minor, transfer.currency).format() for minor in (result.reversed_minor, asked))
        return f"{back} came back at the provider, {ours} of it asked for here"
    return None


def _locked(attempt_id: uuid.UUID) -> tuple[Transfer, TransferAttempt]:
    transfer = transfers.transfer(SYSTEM, transfers.attempt(attempt_id).transfer_id, locked=True)
    return transfer, transfers.attempt(attempt_id)
