"""A step of an order on terms changes what is open of its invoices, and what of them is owed back."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marketplace.credit import actions as credit
from marketplace.orders import queries as order_queries
from marketplace.orders.models import Order, OrderStep
from settlements.ledger import books
from settlements.ledger.postings import terms as postings
from settlements.ledger.postings.lines import without_zeros
from settlements.ledger.postings.orders import Stages
from settlements.payments.actions import facts_of
from settlements.receivables import queries
from settlements.receivables.actions.entries import claim_of, enter
from settlements.receivables.actions.matching import release_when_paid
from settlements.receivables.actions.opening import (
    Worth,
    bearer,
    book_below_nothing,
    enter_below_nothing,
    parts_booked,
    set_off_within,
    set_offs,
)
from settlements.receivables.models import Receivable


def follow_step(order: Order, before: OrderStep, after: OrderStep, stages: Stages, refund_minor: int) -> None:
    """The order went from one step to the next: what was invoiced is booked by the difference, its open items follow
    (a credit note documents it), and `refund_minor` of what was paid is owed back. The order is locked.

    What is not invoiced yet comes into the books with its invoice, in the state that it is in then. The step is booked
    before its items change: one that is settled by it moves its vendor's share on, whole.
    """
    items = queries.of_order(order.id)
    facts = facts_of(order)
    then, now = Worth.of(order, facts, before), Worth.of(order, facts, after)
    booked = parts_booked(order, now, items)
    if not booked:
        return
    valuations, known = (then.valuation, now.valuation), (then.known, now.known)
    lines = postings.parts_changed(now.facts, valuations, now.on_terms(stages), booked, known, rest=bool(items))
    source = after.source or f"step:{after.id}"
    total_minor = -sum(line.amount_minor for line in lines)
    if not items:  # the marketplace pays for all that was invoiced: a step in which the buyer does not
        if lines and not total_minor:
            books.post(source, "order_step", lines, order_id=order.id, occurred_at=after.at)
        return
    changed = _changes(items, (then, now), total_minor)
    below = book_below_nothing(order, now, items)
    still_open = {item.id: item.open_minor + changed[item.id] for item in items}
    still_open[bearer(items).id] += sum(below.values())
    given = _given(items, still_open, refund_minor)
    for item in items:
        claim = claim_of(item)
        lines.append(postings.receivable(claim, changed[item.id] + given.refunded.get(item.id, 0)))
        if given.recovered.get(item.id):
            lines += postings.written_off(claim, -given.recovered[item.id])
    lines.append(postings.refund_owed(order.id, refund_minor, order.currency))
    moving = without_zeros(lines)
    if moving:
        books.post(source, "order_step", moving, order_id=order.id, occurred_at=after.at)
    for item in items:
        enter(item, "credited", changed[item.id], source)
    enter_below_nothing(bearer(items), below)
    _enter_given(order, items, given, source)
    release_when_paid(items[0])


def _changes(items: Sequence[Receivable], worths: tuple[Worth, Worth], total_minor: int) -> dict[uuid.UUID, int]:
    """By how much each item changes: the first of each part by that part of what the buyer owes, and the operator's, or
    the first of all, by what belongs to no invoice."""
    before, after = (worth.owed() for worth in worths)
    firsts = {item.vendor_order_id: item.id for item in reversed(items)}
    changed = {item.id: 0 for item in items}
    changed.update({item_id: after.get(part, 0) - before.get(part, 0) for part, item_id in firsts.items()})
    changed[bearer(items).id] += total_minor - sum(changed.values())
    return changed


@dataclass(frozen=True, slots=True)
class _Given:
    """Of which items what was refunded, and how much less of which is written off after all."""

    refunded: Mapping[uuid.UUID, int]
    recovered: Mapping[uuid.UUID, int]


def _given(items: Sequence[Receivable], will_be_open: Mapping[uuid.UUID, int], refund_minor: int) -> _Given:
    """What the changes will come to once they are entered; nothing is entered yet."""
    still_open = dict(will_be_open)
    recovered, refunded = {}, {}
    for item in items:
        given_up = -queries.entered(item.id, "written_off", "recovered")
        back = min(given_up, max(0, -still_open[item.id]))
        if back:
            recovered[item.id] = back
            still_open[item.id] += back
    for giver, taker, amount in set_offs(still_open):
        still_open[giver] += amount
        still_open[taker] -= amount
    left = refund_minor
    for item_id, minor in still_open.items():
        part = min(left, max(0, -minor))
        if part:
            refunded[item_id] = part
            left -= part
    if left:
        raise RuntimeError("a refund of an order on terms is of what its invoices were paid")
    return _Given(refunded, recovered)


def _enter_given(order: Order, items: Sequence[Receivable], given: _Given, source: str) -> None:
    for item in items:
        back = given.recovered.get(item.id, 0)
        if back:
            enter(item, "recovered", back, source + ":recovered")
            credit.give_up(order.id, -back, order.owed_minor - order_queries.net_paid(order.id))
    set_off_within(items, source)
    for item in items:
        enter(item, "refunded", given.refunded.get(item.id, 0), source + ":refunded")
