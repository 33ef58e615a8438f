"""A dispute is recorded as it stands at the provider: its movements are booked once each, its loss once, by parties."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from marketplace.companies import queries as companies
from marketplace.kernel import clock, history, outbox
from marketplace.kernel.access import SYSTEM, Permission
from marketplace.kernel.db import db, new_id
from marketplace.kernel.money import Money
from marketplace.notifications.actions import notify
from marketplace.orders import queries as order_queries
from marketplace.orders.models import Order
from marketplace.pricing.answers import valuation_from_json
from settlements.disputes import queries
from settlements.disputes.events import DisputeLost
from settlements.disputes.models import Dispute, DisputeMovement
from settlements.disputes.refusals import DisputeNotOurs
from settlements.disputes.states import DISPUTE_STATES, OPEN, VERB_TO
from settlements.earnings import queries as earning_queries
from settlements.gateway.connect import BalanceTransaction, DisputeResult, DisputeState
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.ledger.postings import disputes as postings
from settlements.ledger.postings.disputes import Bearer
from settlements.payments import actions as payments
from settlements.payments import queries as payment_queries
from settlements.payments.models import Payment
from settlements.refunds import actions as refunds
from settlements.refunds.models import Refund
from settlements.transfers.events import PayableLowered

_OVER = (DisputeState.WON, DisputeState.LOST, DisputeState.WARNING_CLOSED, DisputeState.PREVENTED)


def record(result: DisputeResult, began_at: datetime) -> Dispute:
    """What the provider said of a dispute in a look that began then; nothing where a later look was recorded already.

    Raises DisputeNotOurs.
    """
    payment_id = payment_queries.id_by_provider(result.payment_id, result.charge_id)
    if payment_id is None:
        raise DisputeNotOurs
    order, payment = payment_queries.locked(payment_id)
    row = queries.by_provider_id(result.provider_id) or _opened(payment, result, began_at)
    if row.looked_at > began_at:
        return row
    row.looked_at, row.due_by, row.reason = began_at, result.due_by, result.reason
    row.submissions, row.trouble = result.submissions, None
    if (result.currency, result.amount_minor <= payment.captured_minor) != (payment.currency, True):
        disputed, taken = Money(result.amount_minor, result.currency), Money(payment.captured_minor, payment.currency)
        row.trouble = f"disputed {disputed.format()}, taken {taken.format()}"
        return row
    row.amount_minor, row.currency = result.amount_minor, result.currency
    _book_movements(row, result.movements)
    payments.set_disputed(payment, queries.taken_of_payment(payment.id))
    _follow(row, order, result)
    return row


def _opened(payment: Payment, result: DisputeResult, began_at: datetime) -> Dispute:
    row = Dispute(
        id=new_id(),
        provider_id=result.provider_id,
        payment_id=payment.id,
        order_id=payment.order_id,
        order_number=payment.order_number,
        amount_minor=result.amount_minor,
        currency=result.currency,
        reason=result.reason,
        state=_first(result.state),
        due_by=result.due_by,
        opened_at=result.created,
        looked_at=began_at,
    )
    db.session.add(row)
    db.session.flush()
    write_to_operator(row, "opened")
    return row


def _first(state: DisputeState) -> DisputeState:
    """A dispute that is first heard of late begins where it must have begun."""
    warned = state in (
        DisputeState.WARNING_NEEDS_RESPONSE,
        DisputeState.WARNING_UNDER_REVIEW,
        DisputeState.WARNING_CLOSED,
        DisputeState.PREVENTED,
    )
    return DisputeState.WARNING_NEEDS_RESPONSE if warned else DisputeState.NEEDS_RESPONSE


def _book_movements(row: Dispute, movements: Sequence[BalanceTransaction]) -> None:
    known = {movement.id for movement in queries.movements_of(row.id)}
    for movement in movements:
        if movement.id in known:
            continue
        if row.state in _OVER and row.borne is not None:
            moved = Money(movement.net_minor, movement.currency).format()
            row.trouble = f"{movement.id} moved {moved} after it was lost and booked"
            continue
        db.session.add(
            DisputeMovement(
                id=movement.id,
                dispute_id=row.id,
                amount_minor=movement.amount_minor,
                fee_minor=movement.fee_minor,
                at=movement.created,
            )
        )
        lines = postings.moved(row.order_id, movement.amount_minor, movement.fee_minor, row.currency)
        event = "dispute_opened" if movement.amount_minor < 0 else "dispute_given_back"
        books.post(f"psp:{movement.id}", event, lines, order_id=row.order_id, occurred_at=movement.created)
    db.session.flush()


def _follow(row: Dispute, order: Order, result: DisputeResult) -> None:
    """Move as the bank decided. What is decided stays decided: anything else is for a person to look at."""
    verb = VERB_TO[result.state]
    if (row.state, verb) not in DISPUTE_STATES:
        row.trouble = f"the provider says {result.state.value}, after {row.state.value}"
        return
    if not history.move(row, verb, SYSTEM) or row.state not in _OVER:
        return
    row.decided_at = clock.now()
    if row.state is DisputeState.LOST:
        _bear(row, order)
    else:
        refunds.take_up(order.id)
    write_to_operator(row, row.state.value)


def _bear(row: Dispute, order: Order) -> None:
    """A loss pays first what was owed to the buyer anyway; the formula's parties bear the rest."""
    lost = -sum(movement.amount_minor for movement in queries.movements_of(row.id))
    covered = sum(refund.amount_minor for refund in refunds.cover(order.id, lost, f"dispute:{row.id}"))
    bearers = _bearers(order, _shares(order, lost - covered))
    lines = postings.lost(order.id, row.currency, lost, covered, bearers)
    if lines:
        books.post(f"dispute:{row.id}:lost", "dispute_lost", lines, order_id=order.id)
    row.covered_minor = covered
    row.borne = {str(bearer.vendor_id): bearer.amount_minor for bearer in bearers}
    db.session.flush()
    _write_to_vendors(row, bearers)
    outbox.publish(DisputeLost(dispute_id=row.id, order_id=order.id))
    _tell_lowered(row, bearers)


def _shares(order: Order, loss_minor: int) -> dict[str, int]:
    """The vendors' parts of a loss, in the state that the order is in now."""
    value = valuation_from_json(order_queries.last_step(order.id).valuation)
    return postings.shares(loss_minor, value.buyer_owes_minor, value.vendors_minor, order.currency)


def _bearers(order: Order, parts: Mapping[str, int]) -> list[Bearer]:
    vendor_orders = {str(part.vendor_id): part.id for part in order_queries.parts_of(order.id, locked=True)}
    stages = earning_queries.stages_of(order.id)
    return [
        Bearer(stages.of(vendor_orders[vendor]).vendor, uuid.UUID(vendor), vendor_orders[vendor], amount)
        for vendor, amount in parts.items()
    ]


def cover_later(refund: Refund) -> None:
    """A refund for which no payment is left, of an order whose chargeback was lost: the buyer has the money already.

    What is left of the loss is borne as if the refund had been decided first: whoever's goods came back bears less of
    it, not everybody a little. The order is locked.
    """
    rows = queries.disputes_of(refund.order_id)
    row = next((row for row in rows if row.borne is not None and refund.amount_minor <= _not_covered(row)), None)
    if row is not None:
        refunds.settle_by_chargeback(refund, f"dispute:{row.id}")
        row.covered_minor += refund.amount_minor
        _share_anew(row, f"covers:{refund.id}", refund.amount_minor)


def share_again(refund: Refund) -> None:
    """A refund that is paid from what is left of the payment, of an order whose chargeback was lost: the whole loss
    stays, and is borne as if the refund had been decided first. The order is locked."""
    for row in queries.disputes_of(refund.order_id):
        if row.borne is not None:
            _share_anew(row, f"shared:{refund.id}", 0)


def _share_anew(row: Dispute, cause: str, covered_minor: int) -> None:
    """What is left of a loss is borne as the order stands now; `covered_minor` of it has just become a refund."""
    order = order_queries.order(SYSTEM, row.order_id, locked=True)
    shares = _shares(order, _not_covered(row))
    borne = Counter(row.borne)
    borne.subtract(shares)
    given = _bearers(order, {vendor: amount for vendor, amount in borne.items() if amount})
    lines = postings.covered_later(order.id, row.currency, covered_minor, given)
    if lines:
        books.post(f"dispute:{row.id}:{cause}", "dispute_covers_refund", lines, order_id=order.id)
    row.borne = shares
    _tell_lowered(row, [bearer for bearer in given if bearer.amount_minor < 0])


def _not_covered(row: Dispute) -> int:
    return -sum(movement.amount_minor for movement in queries.movements_of(row.id)) - row.covered_minor


def _tell_lowered(row: Dispute, bearers: Sequence[Bearer]) -> None:
    for bearer in bearers:
        if bearer.account is AccountKind.VENDOR_PAYABLE:
            outbox.publish(PayableLowered(vendor_id=bearer.vendor_id, currency=row.currency))


def write_to_operator(row: Dispute, what: str) -> None:
    """Once for each thing that happens to a dispute."""
    facts = {
        "what": what.replace("_", " "),
        "order": row.order_number,
        "amount": Money(row.amount_minor, row.currency).format(),
        "reason": row.reason.replace("_", " "),
        "due_by": row.due_by.date().isoformat() if row.due_by and row.state in OPEN else None,
        "dispute": str(row.id),
    }
    operator = companies.operator_company()
    notify(operator.id, "dispute_told", f"dispute:{row.id}:{what}", facts, to=Permission.DISPUTE_ANSWER)


def _write_to_vendors(row: Dispute, bearers: Sequence[Bearer]) -> None:
    for bearer in bearers:
        facts = {"order": row.order_number, "amount": Money(bearer.amount_minor, row.currency).format()}
        source = f"dispute:{row.id}:lost:{bearer.vendor_id}"
        notify(bearer.vendor_id, "chargeback_lost", source, facts, to=Permission.PAYOUT_SETUP)
