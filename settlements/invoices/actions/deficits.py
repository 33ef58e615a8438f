"""What an order paid in advance owes on top is asked for once: by the documents that raised it, as its return policy
says, or it is carried to the next refund."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from marketplace.orders.models import Order
from marketplace.rules import queries as rules
from marketplace.rules.return_terms import DeficitRule, ReturnTerms
from settlements.invoices import queries
from settlements.invoices.actions.writing import today
from settlements.invoices.models import Invoice
from settlements.receivables import actions as receivables
from settlements.receivables.actions import NewReceivable


@dataclass(frozen=True, slots=True)
class Deficit:
    """What no document tells yet of what an order paid in advance owes on top, in minor units; `due_on` None: it is
    carried."""

    minor: int
    due_on: date | None = None


def of(order: Order, net_paid_minor: int, told: Sequence[Invoice]) -> Deficit:
    """What the next documents of an order, which the caller has locked, have to tell. What would be let go in the end
    is asked for no more than what the policy carries."""
    if order.payment_terms is not None or order.owed_minor <= net_paid_minor:
        return Deficit(0)
    terms = ReturnTerms(rules.return_terms(order.policy_version))
    telling = _told_and_carried([row.id for row in told])
    if terms.deficit is not DeficitRule.INVOICE:
        return Deficit(max(0, order.owed_minor - net_paid_minor - telling))
    carried = receivables.carried(order.id, order.currency)
    untold = max(0, carried - telling)
    asked = untold > 0 and terms.asks_for(carried, order.currency)
    return Deficit(untold, today() + timedelta(days=terms.deficit_days) if asked else None)


def _told_and_carried(invoice_ids: Sequence[uuid.UUID]) -> int:
    """What documents tell as open without claiming it."""
    items = queries.open_items(invoice_ids)
    return sum(row.open_minor for row in queries.standings_of(invoice_ids).values() if row.id not in items)


def claim(order: Order, invoices: Sequence[Invoice]) -> None:
    """Each of these documents by which the buyer owes more waits for his money from now on."""
    for row in invoices:
        amount = -row.payable_minor if row.kind.credits else row.payable_minor
        if amount > 0:
            due = row.due_on or row.issued_on
            wanted = NewReceivable(row.id, row.number, row.seller["name"], amount, row.issued_on, due)
            receivables.claim_deficit(order, row.vendor_order_id, wanted)
