"""What refunds do about an order that changed: post the difference, owe the buyer his part of it, and then send it."""

from collections.abc import Sequence

from marketplace.kernel.access import SYSTEM
from marketplace.orders import formula as order_formula
from marketplace.orders import queries as order_queries
from marketplace.orders.events import OrderStepTaken
from marketplace.orders.models import Order
from marketplace.pricing.answers import valuation_from_json
from settlements.earnings import queries as earning_queries
from settlements.ledger import books
from settlements.ledger.postings import orders as order_postings
from settlements.ledger.postings.orders import Buyer
from settlements.payments.actions import ORDER_PAID, facts_of
from settlements.payments.events import PaymentExceeded
from settlements.receivables import actions as receivables
from settlements.refunds import actions, jobs
from settlements.refunds.events import RefundRequested


def follow_step(events: Sequence[OrderStepTaken]) -> None:
    """Inside: the order's new state is booked in the stage of each of its parts, and what was paid beyond what it owes
    now is owed back."""
    for event in events:
        if event.number > 0:
            order = order_queries.order(SYSTEM, event.order_id, locked=True)
            _follow(order, event)


def _follow(order: Order, event: OrderStepTaken) -> None:
    paid = order_queries.net_paid(order.id)
    refund_minor = max(0, paid - order.owed_minor)
    if order.payment_terms is not None:
        _follow_on_terms(order, event, refund_minor)
    elif books.order_is_booked(order.id, ORDER_PAID):
        _post(order, event, paid, refund_minor)
    if refund_minor:
        actions.request(order, refund_minor, f"step:{event.step_id}")


def _post(order: Order, event: OrderStepTaken, paid: int, refund_minor: int) -> None:
    steps = {step.number: step for step in order_queries.steps_of(order.id)}
    before = valuation_from_json(steps[event.number - 1].valuation)
    after = valuation_from_json(steps[event.number].valuation)
    deficit = max(0, after.buyer_owes_minor - paid) - max(0, before.buyer_owes_minor - paid)
    stages = earning_queries.stages_of(order.id)
    step = steps[event.number]
    source = step.source or f"step:{step.id}"
    receivables.follow_deficit(order.id, -deficit, "credited", source)
    known = order_formula.beside_of(order, steps[event.number - 1], before), order_formula.beside_of(order, step, after)
    lines = order_postings.step_taken(facts_of(order), before, after, Buyer(deficit, refund_minor), stages, known)
    if lines:
        books.post(source, "order_step", lines, order_id=order.id, occurred_at=step.at)


def _follow_on_terms(order: Order, event: OrderStepTaken, refund_minor: int) -> None:
    """The credit note is set off against what is open first; only what was paid beyond that is owed back."""
    steps = {step.number: step for step in order_queries.steps_of(order.id)}
    stages = earning_queries.stages_of(order.id)
    receivables.follow_step(order, steps[event.number - 1], steps[event.number], stages, refund_minor)


def refund_excess(events: Sequence[PaymentExceeded]) -> None:
    """Inside: what a payment took beyond what its order owes goes back; it is booked with the payment."""
    for event in events:
        order = order_queries.order(SYSTEM, event.order_id, locked=True)
        actions.request(order, event.excess_minor, f"payment:{event.payment_id}")


def send_requested(events: Sequence[RefundRequested]) -> None:
    """Outside: send what was requested; may see an event again, which then finds nothing left to do."""
    for event in events:
        jobs.send(event.refund_id)
