"""What is taken back of a transfer is a row of its own, asked for by attempts, and tried again while it must be."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from marketplace.kernel import clock, history, outbox
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import db, new_id
from marketplace.kernel.money import Money
from settlements.gateway.connect import ReversalResult
from settlements.ledger import books
from settlements.ledger.postings import transfers as postings
from settlements.transfers.actions import owing
from settlements.transfers.actions.sending import ASK_AGAIN_AFTER, KEY_LIVES
from settlements.transfers.events import ReversalRequested
from settlements.transfers.models import Transfer, TransferReversal, TransferReversalAttempt
from settlements.transfers.queries import debts, transfers
from settlements.transfers.refusals import MoreThanTransferred, TransferNotMade
from settlements.transfers.states import (
    ARRIVED,
    REVERSALS_UNDER_WAY,
    ReversalState,
    ReversalVerb,
    TransferVerb,
)

REVERSED = "transfer_reversed"
FOR_A_DEBT = "debt:"  # begins the cause of a reversal that recovers what is owed
# A vendor's balance fills as he sells: it is asked again in these times, then once a day.
WAITS = [timedelta(hours=hours) for hours in (1, 6, 24)]


@dataclass(frozen=True, slots=True)
class TakingBack:
    """An attempt to be made, or to be found out about where it, or one before it, may have been made."""

    reversal_id: uuid.UUID
    attempt_id: uuid.UUID
    key: str
    transfer_id: str  # the provider's
    amount_minor: int


def request_by_hand(actor: Actor, transfer_id: uuid.UUID, amount_minor: int, reason: str) -> TransferReversal:
    """An operator takes back part or all of it. Raises TransferUnknown, TransferNotMade, MoreThanTransferred."""
    seen = transfers.transfer(actor, transfer_id)
    owing.hold(seen.vendor_id, seen.currency)
    transfer = transfers.transfer(actor, transfer_id, locked=True)
    return request(transfer, amount_minor, f"operator:{actor.person_id}", reason)


def request(transfer: Transfer, amount_minor: int, cause: str, reason: str = "") -> TransferReversal:
    """Ask for part or all of a transfer, which the caller has locked. Raises TransferNotMade, MoreThanTransferred."""
    if transfer.state not in ARRIVED:
        raise TransferNotMade(state=transfer.state.value)
    left = transfer.amount_minor - transfer.reversed_minor - _under_way(transfer)
    if amount_minor > left:
        raise MoreThanTransferred(left_minor=left)
    reversal = TransferReversal(
        id=new_id(),
        transfer_id=transfer.id,
        vendor_id=transfer.vendor_id,
        amount_minor=amount_minor,
        currency=transfer.currency,
        cause=cause,
        reason=reason,
    )
    db.session.add(reversal)
    db.session.flush()
    outbox.publish(ReversalRequested(reversal_id=reversal.id))
    return reversal


def _under_way(transfer: Transfer) -> int:
    rows = transfers.reversals_of([transfer.id])[transfer.id]
    return sum(row.amount_minor for row in rows if row.state in REVERSALS_UNDER_WAY)


def reserve(reversal_id: uuid.UUID) -> TakingBack | None:
    """The first attempt, written down with its key; None where it was tried already or has ended."""
    transfer, reversal = transfers.reversal(reversal_id)
    if reversal.state is not ReversalState.REQUESTED or reversal.attempts:
        return None
    return _new_attempt(transfer, reversal)


def tried(reversal_id: uuid.UUID) -> list[TakingBack]:
    """The attempts that may have been made, the newest first; nobody else asks about them for a minute."""
    transfer, reversal = transfers.reversal(reversal_id)
    waits = reversal.state is ReversalState.REQUESTED and reversal.next_at > clock.now()
    if waits or not reversal.attempts or reversal.state not in REVERSALS_UNDER_WAY:
        return []
    reversal.next_at = clock.now() + ASK_AGAIN_AFTER
    attempts = transfers.reversal_attempts_of([reversal.id])[reversal.id]
    return [_taking(transfer, reversal, attempt) for attempt in reversed(attempts)]


def reserve_anew(reversal_id: uuid.UUID, attempt_id: uuid.UUID) -> TakingBack | None:
    """No attempt reached the provider: the last one again, or a new one where it was postponed or its key is old.

    What recovers a debt is withdrawn where the debt has become smaller meanwhile; the rest is asked for anew.
    """
    owing.hold(*transfers.whose_reversal(reversal_id))
    transfer, reversal = transfers.reversal(reversal_id)
    attempt = transfers.reversal_attempt(attempt_id)
    if attempt.number != reversal.attempts or attempt.provider_id:
        return None
    if reversal.state is ReversalState.UNKNOWN:
        history.move(reversal, ReversalVerb.LOOK_UP, SYSTEM, note="not found")
    if reversal.state is ReversalState.SENT:
        if attempt.asked_at > clock.now() - KEY_LIVES:
            return _taking(transfer, reversal, attempt)
        attempt.failure_code = "never_reached"
        history.move(reversal, ReversalVerb.POSTPONE, SYSTEM, note="never_reached")
    if reversal.state is not ReversalState.REQUESTED or _is_needless(transfer, reversal):
        return None
    return _new_attempt(transfer, reversal)


def _is_needless(transfer: Transfer, reversal: TransferReversal) -> bool:
    if not reversal.cause.startswith(FOR_A_DEBT):
        return False
    coming, _ = transfers.under_way_of(reversal.vendor_id, reversal.currency)
    still = max(0, debts.accounts(reversal.vendor_id, reversal.currency, locked=True).owed_minor - coming)
    if still >= reversal.amount_minor:
        return False
    history.move(reversal, ReversalVerb.WITHDRAW, SYSTEM, note=f"{still} of it is still owed")
    if still:
        request(transfer, still, reversal.cause)
    return True


def _new_attempt(transfer: Transfer, reversal: TransferReversal) -> TakingBack:
    history.move(reversal, ReversalVerb.SEND, SYSTEM)
    reversal.attempts += 1
    reversal.next_at = clock.now() + ASK_AGAIN_AFTER
    attempt = TransferReversalAttempt(
        id=new_id(),
        reversal_id=reversal.id,
        number=reversal.attempts,
        key=f"reversal:{reversal.id}:{reversal.attempts}",
    )
    db.session.add(attempt)
    db.session.flush()
    return _taking(transfer, reversal, attempt)


def _taking(transfer: Transfer, reversal: TransferReversal, attempt: TransferReversalAttempt) -> TakingBack:
    made = transfers.attempts_of([transfer.id])[transfer.id]
    provider_id = next(row.provider_id for row in made if row.balance_transaction_id and row.provider_id)
    return TakingBack(reversal.id, attempt.id, attempt.key, provider_id, reversal.amount_minor)


def doubted(attempt_id: uuid.UUID, code: str) -> TransferReversal:
    """The provider did not answer: it may have been made, and is looked up."""
    _, reversal, attempt = _locked(attempt_id)
    if attempt.number == reversal.attempts and reversal.state in {ReversalState.SENT, ReversalState.UNKNOWN}:
        history.move(reversal, ReversalVerb.DOUBT, SYSTEM, note=code)
        reversal.trouble = code
    return reversal


def postponed(attempt_id: uuid.UUID, code: str) -> TransferReversal:
    """Not now, as where the vendor's balance does not reach: it is tried later, and other ways are taken first."""
    _, reversal, attempt = _locked(attempt_id)
    attempt.failure_code = code
    if attempt.number == reversal.attempts and reversal.state in {ReversalState.SENT, ReversalState.UNKNOWN}:
        history.move(reversal, ReversalVerb.POSTPONE, SYSTEM, note=code)
        reversal.next_at = clock.now() + WAITS[min(reversal.attempts, len(WAITS)) - 1]
        reversal.trouble = code
    return reversal


def refused(attempt_id: uuid.UUID, code: str) -> TransferReversal:
    """The provider will never take it back: the debt stays, and goes the other ways."""
    _, reversal, attempt = _locked(attempt_id)
    attempt.failure_code = code
    if attempt.number == reversal.attempts and reversal.state in {ReversalState.SENT, ReversalState.UNKNOWN}:
        history.move(reversal, ReversalVerb.REFUSE, SYSTEM, note=code)
        reversal.trouble = code
    return reversal


def record(attempt_id: uuid.UUID, result: ReversalResult) -> TransferReversal:
    """What came back, booked once; saying it twice comes to the same. Another amount is kept as `trouble`."""
    transfer, reversal, attempt = _locked(attempt_id)
    if (result.amount_minor, result.currency) != (reversal.amount_minor, reversal.currency):
        asked, got = Money(reversal.amount_minor, reversal.currency), Money(result.amount_minor, result.currency)
        reversal.trouble = f"asked for {asked.format()}, got {got.format()}"
        return reversal
    if attempt.provider_id not in {None, result.provider_id} or reversal.state is ReversalState.WITHDRAWN:
        reversal.trouble = f"came back unasked: {result.provider_id}"
        return reversal
    attempt.provider_id = result.provider_id
    if reversal.state not in REVERSALS_UNDER_WAY or result.balance_transaction_id is None:
        return reversal
    if reversal.state is ReversalState.REQUESTED:  # postponed, yet the provider had it
        history.move(reversal, ReversalVerb.SEND, SYSTEM)
    history.move(reversal, ReversalVerb.CONFIRM, SYSTEM)
    attempt.balance_transaction_id = result.balance_transaction_id
    reversal.made_at, reversal.trouble = clock.now(), None
    transfer.reversed_minor += reversal.amount_minor
    whole = transfer.reversed_minor == transfer.amount_minor
    history.move(transfer, TransferVerb.REVERSE if whole else TransferVerb.REVERSE_PART, SYSTEM)
    lines = postings.transfer_reversed(reversal.vendor_id, reversal.amount_minor, reversal.currency)
    books.post(f"psp:{result.balance_transaction_id}", REVERSED, lines)
    owing.settle(reversal.vendor_id, reversal.currency)
    return reversal


def _locked(attempt_id: uuid.UUID) -> tuple[Transfer, TransferReversal, TransferReversalAttempt]:
    reversal_id = transfers.reversal_attempt(attempt_id).reversal_id
    owing.hold(*transfers.whose_reversal(reversal_id))
    transfer, reversal = transfers.reversal(reversal_id)
    return transfer, reversal, transfers.reversal_attempt(attempt_id)
