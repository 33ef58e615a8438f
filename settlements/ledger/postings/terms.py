"""Buying on account: an invoice brings its part of an order into the books, bank transfers settle it."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from marketplace.pricing.facts import BUYER, MARKETPLACE, Charge, Valuation
from marketplace.pricing.losses import NOTHING_BESIDE, Beside
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line
from settlements.ledger.postings.orders import DELIVERY_EARNED, INVOICED, PENDING, OrderFacts, Stages, entitled

A, K = AccountKind, PostingKind
OPERATOR = None  # the operator's own invoice, among those of vendor orders
Part = uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a buyer owes, and for which invoice; without an order: for paying late."""

    company_id: uuid.UUID
    currency: str
    order_id: uuid.UUID | None = None
    vendor_order_id: uuid.UUID | None = None


def owed_by_part(valuation: Valuation, charges: Sequence[Charge], prices_include_tax: bool) -> dict[str, int]:
    """What the buyer owes in a state, by who invoices it: a vendor, or the marketplace."""
    sums: dict[str, int] = defaultdict(int)
    for line in valuation.lines:
        sums[line.vendor] += line.buyer_owes_minor
    for delivery in valuation.deliveries:
        sums[delivery.seller] += delivery.amount_minor + (0 if prices_include_tax else delivery.tax_minor)
    for charge in charges:
        if charge.payer == BUYER:
            sums[charge.payee] += charge.amount_minor
        elif charge.payee == BUYER:
            sums[charge.payer] -= charge.amount_minor
    return sums


def on_terms(stages: Stages, vendor_orders: Iterable[uuid.UUID], deliveries: Iterable[str]) -> Stages:
    """The stages of an order on terms: what is invoiced is revenue, and a vendor's share pending until it moves on."""
    found = {part: stages.of(part) for part in vendor_orders}
    return Stages(
        {part: INVOICED if stage is PENDING else stage for part, stage in found.items()},
        dict.fromkeys(deliveries, DELIVERY_EARNED),
    )


def part_invoiced(
    facts: OrderFacts, valuation: Valuation, stages: Stages, part: Part, known: Beside
) -> tuple[list[Line], list[Line]]:
    """The shares that the invoices of one part bring into the books, and those that belong to no part: what buyer and
    marketplace are charged. `known` tells charges and losses apart."""
    both = NOTHING_BESIDE, known
    found = [*entitled(facts, None, valuation, stages, both), *_passed_through(facts, both)]
    booked: frozenset[Part] = frozenset({part})
    own = [line for line in found if _in(line, booked, rest=False)]
    return own, [line for line in found if _in(line, frozenset(), rest=True)]


def parts_changed(
    facts: OrderFacts,
    valuations: tuple[Valuation, Valuation],
    stages: Stages,
    booked: frozenset[Part],
    known: tuple[Beside, Beside] = (NOTHING_BESIDE, NOTHING_BESIDE),
    *,
    rest: bool = True,
) -> list[Line]:
    """What a step of the order, from one valuation to the other, moves of the parts that were invoiced; the others come
    with their invoices. `rest`: what belongs to no part was invoiced too."""
    found = [*entitled(facts, *valuations, stages, known), *_passed_through(facts, known)]
    return [line for line in found if _in(line, booked, rest=rest)]


def _passed_through(facts: OrderFacts, known: tuple[Beside, Beside]) -> list[Line]:
    """What vendors pay each other goes through the marketplace, and comes to nothing once both are in the books: so
    each part comes to what its buyer owes for it."""
    return [
        Line(A.OPERATOR_LOSS, None, K.CHARGE, minor, facts.currency, facts.order_id, part)
        for vendor, part in facts.vendor_orders.items()
        if (minor := known[1].between_minor.get(str(vendor), 0) - known[0].between_minor.get(str(vendor), 0))
    ]


def _in(line: Line, booked: frozenset[Part], *, rest: bool) -> bool:
    if line.vendor_order_id is None and line.kind not in {K.DELIVERY, K.TAX}:
        return rest
    return line.vendor_order_id in booked


def receivable(claim: Claim, amount_minor: int, kind: PostingKind = K.INVOICE) -> Line:
    """The buyer owes more (below zero: less)."""
    return Line(
        A.BUYER_RECEIVABLE, claim.company_id, kind, amount_minor, claim.currency, claim.order_id, claim.vendor_order_id
    )


def refund_owed(order_id: uuid.UUID, amount_minor: int, currency: str) -> Line:
    """What was paid beyond what is owed now is to be sent."""
    return Line(A.REFUNDS_PAYABLE, order_id, K.REFUND, -amount_minor, currency, order_id)


def transfer_arrived(amount_minor: int, currency: str) -> list[Line]:
    """Money at the bank, for what is not known yet."""
    return [
        Line(A.BANK, None, K.PAYMENT, amount_minor, currency),
        Line(A.UNMATCHED_RECEIPTS, None, K.PAYMENT, -amount_minor, currency),
    ]


def transfer_matched(claim: Claim, amount_minor: int) -> list[Line]:
    """It pays an invoice (below zero: it does not after all)."""
    return [
        Line(A.UNMATCHED_RECEIPTS, None, K.PAYMENT, amount_minor, claim.currency, claim.order_id),
        receivable(claim, -amount_minor, K.PAYMENT),
    ]


def kept_as_credit(company_id: uuid.UUID, amount_minor: int, currency: str) -> list[Line]:
    """It is more than was owed (below zero: it is not after all): the company's credit."""
    return [
        Line(A.UNMATCHED_RECEIPTS, None, K.PAYMENT, amount_minor, currency),
        Line(A.BUYER_CREDIT, company_id, K.PAYMENT, -amount_minor, currency),
    ]


def sent_back(amount_minor: int, currency: str) -> list[Line]:
    """It was sent back to where it came from (below zero: it was not after all)."""
    return [
        Line(A.UNMATCHED_RECEIPTS, None, K.REFUND, amount_minor, currency),
        Line(A.BANK, None, K.REFUND, -amount_minor, currency),
    ]


def credit_set_off(claim: Claim, amount_minor: int) -> list[Line]:
    """The company's credit pays an invoice."""
    return [
        Line(A.BUYER_CREDIT, claim.company_id, K.PAYMENT, amount_minor, claim.currency, claim.order_id),
        receivable(claim, -amount_minor, K.PAYMENT),
    ]


def credit_paid_back(company_id: uuid.UUID, amount_minor: int, currency: str) -> list[Line]:
    """The company has its credit back at its bank."""
    return [
        Line(A.BUYER_CREDIT, company_id, K.REFUND, amount_minor, currency),
        Line(A.BANK, None, K.REFUND, -amount_minor, currency),
    ]


def deficit_claimed(order_id: uuid.UUID, claim: Claim, amount_minor: int) -> list[Line]:
    """What a paid order owes on top is asked for by a document of its own (below zero: it is carried again)."""
    return [
        receivable(claim, amount_minor, K.DEFICIT),
        Line(A.BUYER_CLAWBACK, order_id, K.DEFICIT, -amount_minor, claim.currency, order_id),
    ]


def paid_late(claim: Claim, amount_minor: int) -> list[Line]:
    """Interest and the flat sum for an invoice that is overdue."""
    return [
        receivable(claim, amount_minor, K.LATE_FEE),
        Line(A.LATE_FEE_REVENUE, None, K.LATE_FEE, -amount_minor, claim.currency),
    ]


def written_off(claim: Claim, amount_minor: int) -> list[Line]:
    """What will not be paid is the marketplace's loss (below zero: less of it after all)."""
    return [
        Line(A.BAD_DEBT_BUYERS, None, K.WRITE_OFF, amount_minor, claim.currency, claim.order_id),
        receivable(claim, -amount_minor, K.WRITE_OFF),
    ]


def part_of(seller: str, vendor_orders: Mapping[uuid.UUID, uuid.UUID]) -> Part:
    """The vendor order of a seller in the formula; the marketplace's own invoice is of none."""
    return OPERATOR if seller == MARKETPLACE else vendor_orders[uuid.UUID(seller)]
