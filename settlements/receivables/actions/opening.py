"""An invoice opens an item and brings its part of the order into the books; a step of the order changes both."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product

from marketplace.credit import actions as credit
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, new_id
from marketplace.orders import queries as order_queries
from marketplace.orders.formula import beside_of
from marketplace.orders.models import Order, OrderStep
from marketplace.pricing.answers import valuation_from_json
from marketplace.pricing.facts import MARKETPLACE, Valuation
from marketplace.pricing.wire import state_from_json
from settlements.ledger import books
from settlements.ledger.postings import terms as postings
from settlements.ledger.postings.lines import Line, without_zeros
from settlements.ledger.postings.orders import NOTHING_DELIVERED, OrderFacts, Stages
from settlements.payments.actions import facts_of
from settlements.receivables import queries
from settlements.receivables.actions.entries import claim_of, enter
from settlements.receivables.actions.matching import release_when_paid
from settlements.receivables.models import Receivable
from settlements.receivables.references import key_of
from settlements.receivables.refusals import InvoiceDiffersFromOrder, OrderNotOnTerms

INVOICE_OPENED = "invoice_opened"


@dataclass(frozen=True, slots=True)
class NewReceivable:
    """A sales invoice of an order on terms; `amount_minor`: what the buyer has to pay for it."""

    invoice_id: uuid.UUID
    number: str
    issuer_name: str
    amount_minor: int
    issued_on: date
    due_on: date


def open_receivables(
    order_id: uuid.UUID, vendor_order_id: uuid.UUID | None, wanted: Sequence[NewReceivable]
) -> list[Receivable]:
    """The buyer owes the invoices of one part of an order from now on, and that part is in the books; once for each
    part. Most have one; what is outside the scope of tax stands on one of its own.

    `vendor_order_id` None: the operator's own, for the deliveries he sells. Nothing is returned where nothing is to be
    paid, or it is known. Raises OrderUnknown, OrderNotOnTerms, InvoiceDiffersFromOrder.
    """
    order = order_queries.order(SYSTEM, order_id, locked=True)
    if order.payment_terms is None:
        raise OrderNotOnTerms
    source = f"invoiced:{vendor_order_id or order.id}"
    if books.is_booked(source):
        return []
    others = queries.of_order(order.id)
    lines, rest = _lines(order, vendor_order_id)
    charged = -sum(line.amount_minor for line in rest)  # by the marketplace: on its own invoice, where it has one
    owed_minor = (charged if vendor_order_id is None else 0) - sum(line.amount_minor for line in lines)
    invoiced_minor = sum(row.amount_minor for row in wanted)
    if owed_minor != invoiced_minor:
        raise InvoiceDiffersFromOrder(
            f"{', '.join(row.number for row in wanted)}: another sum than this part of the order comes to.",
            invoiced_minor=invoiced_minor,
            owed_minor=owed_minor,
        )
    items = [new_item(order, vendor_order_id, row) for row in wanted if row.amount_minor]
    lines += [postings.receivable(claim_of(item), item.amount_minor) for item in items]
    # Until the marketplace tells of it, the first item of all bears what it charges.
    bears, moves = None, 0
    if not others and items:
        lines += rest
        bears, moves = (items[0], charged) if vendor_order_id is not None else (None, 0)
    elif others and vendor_order_id is None:
        bears, moves = others[0], -charged
    if bears is not None:
        lines.append(postings.receivable(claim_of(bears), moves))
    if without_zeros(lines):
        books.post(source, INVOICE_OPENED, without_zeros(lines), order_id=order.id)
    for item in items:
        enter(item, "issued", item.amount_minor, f"invoice:{item.invoice_id}", on=item.issued_on)
    if bears is not None:
        enter(bears, "credited", moves, f"{source}:charged")
    set_off_within([*others, *items], source)
    return items


def new_item(
    order: Order, vendor_order_id: uuid.UUID | None, wanted: NewReceivable, kind: str = "invoice"
) -> Receivable:
    """An item of which nothing is open yet."""
    item = Receivable(
        id=new_id(),
        kind=kind,
        invoice_id=wanted.invoice_id,
        company_id=order.company_id,
        company_name=order.company_name,
        order_id=order.id,
        order_number=order.number,
        order_key=key_of(order.number),
        vendor_order_id=vendor_order_id,
        issuer_name=wanted.issuer_name,
        number=wanted.number,
        number_key=key_of(wanted.number),
        currency=order.currency,
        amount_minor=wanted.amount_minor,
        open_minor=0,
        issued_on=wanted.issued_on,
        due_on=wanted.due_on,
    )
    db.session.add(item)
    db.session.flush()
    return item


def _lines(order: Order, part: uuid.UUID | None) -> tuple[list[Line], list[Line]]:
    facts, step = facts_of(order), order_queries.last_step(order.id)
    valuation = valuation_from_json(step.valuation)
    stages = _on_terms(facts, valuation, NOTHING_DELIVERED)
    known = beside_of(order, step, valuation)
    return postings.part_invoiced(facts, valuation, stages, part, known)


def _on_terms(facts: OrderFacts, valuation: Valuation, stages: Stages) -> Stages:
    deliveries = [row.id for row in valuation.deliveries]
    return postings.on_terms(stages, facts.vendor_orders.values(), deliveries)


def follow_step(order: Order, before: OrderStep, after: OrderStep, stages: Stages, refund_minor: int) -> None:
    """The order went from one step to the next: what was invoiced is booked by the difference, its open items follow
    (a credit note documents it), and `refund_minor` of what was paid is owed back. The order is locked.

    What is not invoiced yet comes into the books with its invoice, in the state that it is in then. The step is booked
    before its items change: one that is settled by it moves its vendor's share on, whole.
    """
    items = queries.of_order(order.id)
    if not items:
        return
    facts = facts_of(order)
    valuations = valuation_from_json(before.valuation), valuation_from_json(after.valuation)
    known = beside_of(order, before, valuations[0]), beside_of(order, after, valuations[1])
    booked = frozenset(item.vendor_order_id for item in items)
    lines = postings.parts_changed(facts, valuations, _on_terms(facts, valuations[1], stages), booked, known)
    source = after.source or f"step:{after.id}"
    changed = _changes(items, facts, (before, after), -sum(line.amount_minor for line in lines))
    given = _given(items, changed, refund_minor)
    for item in items:
        claim = claim_of(item)
        lines.append(postings.receivable(claim, changed[item.id] + given.refunded.get(item.id, 0)))
        if given.recovered.get(item.id):
            lines += postings.written_off(claim, -given.recovered[item.id])
    lines.append(postings.refund_owed(order.id, refund_minor, order.currency))
    moving = without_zeros(lines)
    if moving:
        books.post(source, "order_step", moving, order_id=order.id, occurred_at=after.at)
    _enter_all(order, items, changed, given, source)
    release_when_paid(items[0])


def _changes(
    items: Sequence[Receivable], facts: OrderFacts, steps: tuple[OrderStep, OrderStep], total_minor: int
) -> dict[uuid.UUID, int]:
    """By how much each item changes: the first of each part by that part of what the buyer owes, and the operator's, or
    the first of all, by what belongs to no invoice."""
    sums: dict[uuid.UUID | None, int] = {}
    for step, sign in zip(steps, (-1, 1), strict=True):
        charges = state_from_json(step.formula_state).charges
        owed = postings.owed_by_part(valuation_from_json(step.valuation), charges, facts.prices_include_tax)
        for seller, minor in owed.items():
            if seller == MARKETPLACE or uuid.UUID(seller) in facts.vendor_orders:
                part = postings.part_of(seller, facts.vendor_orders)
                sums[part] = sums.get(part, 0) + sign * minor
    firsts = {item.vendor_order_id: item.id for item in reversed(items)}
    changed = {item.id: 0 for item in items}
    changed.update({item_id: sums.get(part, 0) for part, item_id in firsts.items()})
    rest = total_minor - sum(changed.values())
    own = next((item for item in items if item.vendor_order_id is None), items[0])
    changed[own.id] += rest
    return changed


@dataclass(frozen=True, slots=True)
class _Given:
    """Of which items what was refunded, and how much less of which is written off after all."""

    refunded: Mapping[uuid.UUID, int]
    recovered: Mapping[uuid.UUID, int]


def _given(items: Sequence[Receivable], changed: Mapping[uuid.UUID, int], refund_minor: int) -> _Given:
    """What the changes will come to once they are entered; nothing is entered yet."""
    still_open = {item.id: item.open_minor + changed[item.id] for item in items}
    recovered, refunded = {}, {}
    for item in items:
        given_up = -queries.entered(item.id, "written_off", "recovered")
        back = min(given_up, max(0, -still_open[item.id]))
        if back:
            recovered[item.id] = back
            still_open[item.id] += back
    for giver, taker, amount in _set_offs(still_open):
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


def _enter_all(
    order: Order, items: Sequence[Receivable], changed: Mapping[uuid.UUID, int], given: _Given, source: str
) -> None:
    for item in items:
        enter(item, "credited", changed[item.id], source)
        back = given.recovered.get(item.id, 0)
        if back:
            enter(item, "recovered", back, source + ":recovered")
            credit.give_up(order.id, -back, order.owed_minor - order_queries.net_paid(order.id))
    set_off_within(items, source)
    for item in items:
        enter(item, "refunded", given.refunded.get(item.id, 0), source + ":refunded")


def set_off_within(items: Sequence[Receivable], source: str) -> None:
    """What is too much on one invoice of an order pays its others, in the order in which they fall due."""
    by_id = {item.id: item for item in items}
    for giver, taker, amount in _set_offs({item.id: item.open_minor for item in items}):
        enter(by_id[giver], "set_off", amount, f"{source}:to:{taker}")
        enter(by_id[taker], "set_off", -amount, f"{source}:from:{giver}")


def _set_offs(still_open: Mapping[uuid.UUID, int]) -> list[tuple[uuid.UUID, uuid.UUID, int]]:
    """(giver, taker, how much): what is below zero pays what is above, both in their order."""
    left, found = dict(still_open), []
    for giver, taker in product(still_open, still_open):
        amount = min(-left[giver], left[taker])
        if amount > 0:
            found.append((giver, taker, amount))
            left[giver] += amount
            left[taker] -= amount
    return found
