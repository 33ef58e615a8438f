"""An invoice opens an item and brings its part of the order into the books."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, new_id
from marketplace.orders import queries as order_queries
from marketplace.orders.formula import beside_of
from marketplace.orders.models import Order, OrderStep
from marketplace.pricing.answers import valuation_from_json
from marketplace.pricing.facts import Charge, Valuation
from marketplace.pricing.losses import Beside
from marketplace.pricing.wire import state_from_json
from settlements.ledger import books
from settlements.ledger.postings import terms as postings
from settlements.ledger.postings.lines import Line, without_zeros
from settlements.ledger.postings.orders import NOTHING_DELIVERED, OrderFacts, Stages
from settlements.payments.actions import facts_of
from settlements.receivables import queries
from settlements.receivables.actions.entries import claim_of, enter
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


@dataclass(frozen=True, slots=True)
class Worth:
    """What a step of an order on terms says of its parts."""

    facts: OrderFacts
    valuation: Valuation
    charges: Sequence[Charge]
    known: Beside

    @staticmethod
    def of(order: Order, facts: OrderFacts, step: OrderStep) -> "Worth":
        valuation = valuation_from_json(step.valuation)
        charges = state_from_json(step.formula_state).charges
        return Worth(facts, valuation, charges, beside_of(order, step, valuation))

    def on_terms(self, stages: Stages = NOTHING_DELIVERED) -> Stages:
        deliveries = [row.id for row in self.valuation.deliveries]
        return postings.on_terms(stages, self.facts.vendor_orders.values(), deliveries)

    def invoiced(self, part: postings.Part) -> tuple[list[Line], list[Line]]:
        """What the part brings into the books, and what belongs to none: see `part_invoiced`."""
        return postings.part_invoiced(self.facts, self.valuation, self.on_terms(), part, self.known)

    def owed(self) -> dict[postings.Part, int]:
        """What the buyer owes by part; `None` for the operator's, where he sells a delivery or charges something."""
        owed = postings.owed_by_part(self.valuation, self.charges, self.facts.prices_include_tax)
        return {postings.part_of(seller, self.facts.vendor_orders): minor for seller, minor in owed.items()}


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
    source = source_of(order, vendor_order_id)
    others = queries.of_order(order.id)
    known = books.is_booked(source)
    if known and (not others or any(item.vendor_order_id == vendor_order_id for item in others)):
        return []
    worth = Worth.of(order, facts_of(order), order_queries.last_step(order.id))
    lines, rest = worth.invoiced(vendor_order_id)
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
    bears, moves = None, 0
    if known:  # it was below nothing once, and another item has borne what it comes to since
        source, lines = f"{source}:told", []
        bears, moves = bearer(others), -owed_minor
    elif not others and items:  # until the marketplace tells of it, the first item of all bears what it charges
        lines += rest
        bears, moves = (items[0], charged) if vendor_order_id is not None else (None, 0)
    elif others and vendor_order_id is None:
        bears, moves = bearer(others), -charged
    lines += [postings.receivable(claim_of(item), item.amount_minor) for item in items]
    if bears is not None:
        lines.append(postings.receivable(claim_of(bears), moves))
    if without_zeros(lines):
        books.post(source, INVOICE_OPENED, without_zeros(lines), order_id=order.id)
    for item in items:
        enter(item, "issued", item.amount_minor, f"invoice:{item.invoice_id}", on=item.issued_on)
    if bears is not None:
        enter(bears, "credited", moves, f"{source}:charged")
    if items and not others:
        enter_below_nothing(items[0], book_below_nothing(order, worth, items))
    set_off_within([*others, *items], source)
    return items


def source_of(order: Order, part: postings.Part) -> str:
    """Under which a part of an order on terms comes into the books."""
    return f"invoiced:{part or order.id}"


def bearer(items: Sequence[Receivable]) -> Receivable:
    """The item of what belongs to no invoice: the operator's, until there is one the first."""
    return next((item for item in items if item.vendor_order_id is None), items[0])


def parts_booked(order: Order, worth: Worth, items: Sequence[Receivable]) -> frozenset[postings.Part]:
    """The parts that are in the books: those with items, and those that came to nothing, or less, when they came in."""
    found = {item.vendor_order_id for item in items}
    others = {source_of(order, part): part for part in worth.facts.vendor_orders.values() if part not in found}
    booked = books.booked(others) if others else set()
    return frozenset({*found, *(others[source] for source in booked)})


def book_below_nothing(order: Order, worth: Worth, items: Sequence[Receivable]) -> dict[str, int]:
    """What the buyer is given can be more than he owes of its part (a return label, where all of it came back), which
    no invoice tells then: such a part comes into the books all the same, and the bearer's item falls.

    By how much, by source; entered by the caller, once he has booked all that makes it fall.
    """
    owed = worth.owed()
    below = {part: owed.get(part, 0) for part in worth.facts.vendor_orders.values() if owed.get(part, 0) < 0}
    booked = parts_booked(order, worth, items) if below else frozenset()
    found = {}
    for part, minor in below.items():
        if part not in booked:
            source = source_of(order, part)
            lines = [*worth.invoiced(part)[0], postings.receivable(claim_of(bearer(items)), minor)]
            books.post(source, INVOICE_OPENED, without_zeros(lines), order_id=order.id)
            found[source] = minor
    return found


def enter_below_nothing(item: Receivable, below: Mapping[str, int]) -> None:
    """The bearer's item falls by what `book_below_nothing` has found."""
    for source, minor in below.items():
        enter(item, "credited", minor, source)


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


def set_off_within(items: Sequence[Receivable], source: str) -> None:
    """What is too much on one invoice of an order pays its others, in the order in which they fall due."""
    by_id = {item.id: item for item in items}
    for giver, taker, amount in set_offs({item.id: item.open_minor for item in items}):
        enter(by_id[giver], "set_off", amount, f"{source}:to:{taker}")
        enter(by_id[taker], "set_off", -amount, f"{source}:from:{giver}")


def set_offs(still_open: Mapping[uuid.UUID, int]) -> list[tuple[uuid.UUID, uuid.UUID, int]]:
    """(giver, taker, how much): what is below zero pays what is above, both in their order."""
    left, found = dict(still_open), []
    for giver, taker in product(still_open, still_open):
        amount = min(-left[giver], left[taker])
        if amount > 0:
            found.append((giver, taker, amount))
            left[giver] += amount
            left[taker] -= amount
    return found
