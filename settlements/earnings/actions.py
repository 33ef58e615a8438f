"""A vendor order's money goes from stage to stage once, whatever runs twice, and takes along exactly what is there.

A stage is guarded by the lock of its vendor order's row: a step of the order locks all of its parts, and whoever earns
or pays out a part locks that one.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from marketplace.kernel import clock, history
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db
from marketplace.orders.models import VendorOrder
from marketplace.pricing.answers import valuation_from_json
from settlements.earnings import queries
from settlements.earnings.models import DeliveryEarned, Earning
from settlements.earnings.states import ACCOUNTS, EarningState, EarningVerb
from settlements.ledger import books
from settlements.ledger.books import Entry
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings import earnings as postings
from settlements.ledger.postings.earnings import Part, Share

A, K, S = AccountKind, PostingKind, EarningState
HOLD_DAYS, RESERVE_RATE, RESERVE_DAYS = 3, "0", 0  # of an order that keeps no terms


def delivered(vendor_order_id: uuid.UUID, at: datetime | None = None) -> Earning:
    """The vendor order was delivered: earned, unless its buyer still owes it. A second time: nothing."""
    part = queries.locked_part(vendor_order_id)
    row = _row(part)
    row.delivered_at = row.delivered_at or at or part.delivered_at or clock.now()
    _earn(row, part)
    earn_deliveries(part.order_id)
    return row


def invoiced(vendor_order_id: uuid.UUID) -> Earning:
    """On net terms: shipped, invoiced and in the books; the vendor waits for the buyer unless he is financed before.

    A second time: nothing.
    """
    part = queries.locked_part(vendor_order_id)
    row = _row(part)
    if history.move(row, EarningVerb.INVOICE, SYSTEM):
        row.buyer_owes = not part.settlement_terms.get("prefinanced", False)
        _earn(row, part)
    return row


def release(vendor_order_id: uuid.UUID) -> Earning:
    """On net terms: the buyer has paid, or it was decided not to wait. Due as if it had been paid before.

    What was delivered long enough ago is due at once.
    """
    part = queries.locked_part(vendor_order_id)
    row = _row(part)
    row.buyer_owes = False
    _earn(row, part)
    if row.state is S.EARNED and row.due_at is not None and row.due_at <= clock.now():
        _fall_due([(row, part)])
    return row


def earn_ended(order_id: uuid.UUID) -> None:
    """What a cancelled part leaves with its vendor (a delivery that stays sold, say) waits for nothing more; nor does
    what he owes on net terms of a part that is in the books without an invoice."""
    shares: dict[uuid.UUID, list[Share]] = {}
    for part in queries.ended_parts(order_id):
        shares = shares or books.shares_of([order_id])
        if any(share.account is A.VENDOR_PENDING for share in shares.get(part.id, ())):
            row = _row(queries.locked_part(part.id))
            row.delivered_at = row.delivered_at or part.delivered_at or clock.now()
            _earn(row, part)
    earn_deliveries(order_id)


def earn_deliveries(order_id: uuid.UUID) -> None:
    """The operator's deliveries of an order whose parts have all arrived or were cancelled are earned, each once."""
    waiting = queries.arrived_deliveries(order_id)
    if not waiting:
        return
    order, step = queries.order_and_valuation(order_id)
    worth = {row.id: row for row in valuation_from_json(step).deliveries}
    for delivery_id in waiting:
        value = worth[str(delivery_id)]
        net = value.amount_minor - (value.tax_minor if order.prices_include_tax else 0)
        db.session.add(DeliveryEarned(id=delivery_id, order_id=order_id))
        lines = postings.delivery_earned(order_id, order.currency, net, value.tax_minor)
        if lines:
            books.post(f"delivery:{delivery_id}", "delivery_earned", lines, order_id=order_id)
    db.session.flush()


def delivery_invoiced(order_id: uuid.UUID) -> None:
    """On net terms: the operator's deliveries, where he sells any, were invoiced, and so booked as sold."""
    for delivery_id in queries.operator_deliveries(order_id):
        db.session.add(DeliveryEarned(id=delivery_id, order_id=order_id))
    db.session.flush()


def fall_due(before: datetime, limit: int) -> int:
    """What was earned and whose return window is over is due, less the reserve; returns how many vendor orders."""
    rows = queries.locked_to_fall_due(before, limit)
    _fall_due(rows)
    return len(rows)


def release_reserves(before: datetime, limit: int) -> int:
    """What was held back long enough is due; returns how many vendor orders."""
    rows = queries.locked_to_release(before, limit)
    entries = []
    for row in rows:
        lines = postings.reserve_released(_part(row), row.reserve_left_minor)
        entries.append(Entry(f"reserve:{row.id}", "reserve_released", lines, row.order_id, row.release_at))
        row.reserve_left_minor = 0
    if entries:
        books.post_all(entries)
    return len(rows)


def use_reserve(vendor_id: uuid.UUID, currency: str, amount_minor: int) -> int:
    """What a vendor owes is taken from his reserve: lowers what is held of his orders, the oldest first, so that it is
    never released again, and returns how much was there. The caller books it (vendor_reserve to vendor_payable)."""
    held = -books.balance(A.VENDOR_RESERVE, vendor_id, currency)
    taken = left = min(amount_minor, held)
    for row in queries.locked_reserves(vendor_id, currency):
        part = min(left, row.reserve_left_minor)
        row.reserve_left_minor -= part
        left -= part
        if not left:
            break
    db.session.flush()
    return taken


def _row(part: VendorOrder) -> Earning:
    row = queries.earning(part.id)
    if row is None:
        row = Earning(
            id=part.id, order_id=part.order_id, vendor_id=part.vendor_id, currency=part.currency, state=S.PENDING
        )
        db.session.add(row)
        db.session.flush()
    return row


def _part(row: Earning) -> Part:
    return Part(row.order_id, row.id, row.vendor_id, row.currency)


def _earn(row: Earning, part: VendorOrder) -> None:
    if row.delivered_at is None or row.buyer_owes or row.state not in {S.PENDING, S.INVOICED}:
        return
    shares = books.shares_of([row.order_id]).get(row.id, [])
    if row.state is S.PENDING and queries.on_terms(row.order_id) and postings.owed(shares, A.VENDOR_PENDING) >= 0:
        return  # on net terms a vendor gets nothing before the invoice, which may come after the goods
    before = ACCOUNTS[row.state]
    history.move(row, EarningVerb.EARN, SYSTEM)
    row.earned_at = clock.now()
    row.due_at = row.delivered_at + timedelta(days=int(part.settlement_terms.get("hold_days", HOLD_DAYS)))
    lines = postings.moved(_part(row), shares, before, ACCOUNTS[S.EARNED], K.EARNED)
    if lines:
        books.post(f"earned:{row.id}", "earned", lines, order_id=row.order_id, occurred_at=row.delivered_at)
    db.session.flush()


def _fall_due(rows: Sequence[tuple[Earning, VendorOrder]]) -> None:
    shares = books.shares_of({row.order_id for row, _ in rows}) if rows else {}
    entries = []
    for row, part in rows:
        own = shares.get(row.id, [])
        history.move(row, EarningVerb.FALL_DUE, SYSTEM)
        _hold_back(row, part, postings.owed(own, A.VENDOR_EARNED))
        lines = postings.moved(_part(row), own, ACCOUNTS[S.EARNED], ACCOUNTS[S.DUE], K.DUE)
        lines += postings.reserve_held(_part(row), row.reserve_minor)
        if lines:
            entries.append(Entry(f"due:{row.id}", "due", lines, row.order_id, row.due_at))
    db.session.flush()
    if entries:
        books.post_all(entries)


def _hold_back(row: Earning, part: VendorOrder, owed_minor: int) -> None:
    terms = part.settlement_terms
    rate, days = Decimal(terms.get("reserve_rate", RESERVE_RATE)), int(terms.get("reserve_days", RESERVE_DAYS))
    if owed_minor > 0 and days > 0:
        row.reserve_minor = row.reserve_left_minor = int((owed_minor * rate).to_integral_value(ROUND_FLOOR))
        row.release_at = clock.now() + timedelta(days=days)
