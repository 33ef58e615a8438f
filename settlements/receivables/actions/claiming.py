"""What an order paid in advance owes on top is claimed by the documents that tell of it, and no longer than it is owed.

It is carried (`buyer_clawback`) from the step that made it, an open item from its document on, and carried again for a
moment when less is owed: whoever books that, a payment or a step, takes it from there and need not know of items.
"""

import uuid

from marketplace.kernel.access import Permission
from marketplace.kernel.money import Money
from marketplace.notifications.actions import notify
from marketplace.orders.models import Order
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.ledger.postings import terms as postings
from settlements.ledger.postings.lines import without_zeros
from settlements.receivables import queries
from settlements.receivables.actions.entries import claim_of, enter
from settlements.receivables.actions.matching import release_when_paid
from settlements.receivables.actions.opening import NewReceivable, new_item
from settlements.receivables.arithmetic import shared_out
from settlements.receivables.models import Receivable


def carried(order_id: uuid.UUID, currency: str) -> int:
    """What an order paid in advance owes on top and nothing claims yet, in minor units."""
    return books.balance(AccountKind.BUYER_CLAWBACK, order_id, currency)


def claim_deficit(order: Order, vendor_order_id: uuid.UUID | None, wanted: NewReceivable) -> Receivable:
    """A document asks for so much of what is carried. The order is locked; raises BalancePassesZero where it asks for
    more than that."""
    item = new_item(order, vendor_order_id, wanted, "deficit")
    lines = postings.deficit_claimed(order.id, claim_of(item), item.amount_minor)
    books.post(f"claimed:{item.id}", "deficit_claimed", lines, order_id=order.id)
    enter(item, "issued", item.amount_minor, f"invoice:{item.invoice_id}", on=item.issued_on)
    _write(item)
    return item


def _write(item: Receivable) -> None:
    facts = {
        "number": item.number,
        "order": item.order_number,
        "order_id": str(item.order_id),
        "issuer": item.issuer_name,
        "amount": Money(item.amount_minor, item.currency).format(),
        "due_on": item.due_on.isoformat(),
    }
    notify(item.company_id, "deficit_claimed", f"receivable:{item.id}:claimed", facts, to=Permission.ORDER_PAY)


def follow_deficit(order_id: uuid.UUID, fall_minor: int, kind: str, source: str) -> None:
    """The order, which the caller has locked, is about to owe so much less on top: its open items first, then what is
    carried, then what was given up. Nothing is done where it owes no less, or nothing was claimed.

    `kind`: of the items' entries, paid or credited.
    """
    items = queries.deficits_of(order_id) if fall_minor > 0 else []
    if not items:
        return
    shared = shared_out(fall_minor, [item.open_minor for item in items])
    given_up = [-queries.entered(item.id, "written_off", "recovered") for item in items]
    recovered = shared_out(max(0, shared.left_minor - carried(order_id, items[0].currency)), given_up).parts
    changes = list(zip(items, shared.parts, recovered, strict=True))
    lines = []
    for item, part, back in changes:
        lines += postings.written_off(claim_of(item), -back)
        lines += postings.deficit_claimed(order_id, claim_of(item), -part - back)
    if without_zeros(lines):
        books.post(f"{source}:claimed", "deficit_lowered", without_zeros(lines), order_id=order_id)
    for item, part, back in changes:
        enter(item, "recovered", back, f"{source}:recovered")
        enter(item, kind, -part - back, source)
    release_when_paid(items[0])
