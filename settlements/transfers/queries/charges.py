"""Which charges can carry money to a vendor: those of the orders whose money became due to him last."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import func

from marketplace.kernel.access import SYSTEM, visible
from marketplace.kernel.db import db
from marketplace.orders.models import OrderStep
from settlements.ledger.chart import AccountKind, account_id
from settlements.ledger.models import Posting
from settlements.payments.models import Payment
from settlements.payments.states import PaymentState
from settlements.refunds import queries as refund_queries
from settlements.transfers.models import ChargeLink, Transfer
from settlements.transfers.planning import Charge
from settlements.transfers.states import TransferState

AFRESH = {"populate_existing": True}
# The youngest charges are those whose funds may not be available yet; older money is on our balance and needs no link.
LINKED_AT_MOST = 20
_POSTINGS_SEEN = 1000
_NOT_USED = (TransferState.REFUSED, TransferState.WITHDRAWN)


def payments_due(vendor_id: uuid.UUID, currency: str) -> list[Payment]:
    """The captured payments of the orders that were posted to the vendor's payable last, the newest first."""
    posted = visible(SYSTEM, Posting).with_only_columns(Posting.order_id)
    posted = posted.where(
        Posting.account_id == account_id(AccountKind.VENDOR_PAYABLE, vendor_id, currency),
        Posting.order_id.is_not(None),
    )
    posted = posted.order_by(Posting.journal_id.desc(), Posting.number.desc()).limit(_POSTINGS_SEEN)
    order_ids = list(dict.fromkeys(db.session.scalars(posted)))[:LINKED_AT_MOST]
    statement = visible(SYSTEM, Payment).where(
        Payment.order_id.in_(order_ids),
        Payment.state == PaymentState.CAPTURED,
        Payment.currency == currency,
        Payment.charge_id.is_not(None),
    )
    found = db.session.scalars(statement.order_by(Payment.id.desc()).limit(LINKED_AT_MOST), execution_options=AFRESH)
    return list(found)


def links_locked(payment_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, ChargeLink]:
    """How much of these payments' charges is named by transfers, locked in the order of their ids."""
    statement = visible(SYSTEM, ChargeLink).where(ChargeLink.payment_id.in_(list(payment_ids)))
    statement = statement.order_by(ChargeLink.payment_id).with_for_update()
    return {row.payment_id: row for row in db.session.scalars(statement, execution_options=AFRESH)}


def charges(vendor_id: uuid.UUID, payments: Sequence[Payment], links: Mapping[uuid.UUID, ChargeLink]) -> list[Charge]:
    """What these payments, whose links are locked, can still carry to the vendor."""
    refunded = refund_queries.refunded_of(list(links))
    own = _named_for(vendor_id, list(links))
    entitled = _entitled({payment.order_id for payment in payments})
    return [
        Charge(
            payment_id=payment.id,
            left_minor=payment.captured_minor - payment.disputed_minor - refunded.get(payment.id, 0),
            linked_minor=links[payment.id].linked_minor,
            own_minor=own.get(payment.id, 0),
            entitled=entitled[payment.order_id],
        )
        for payment in payments
    ]


def _named_for(vendor_id: uuid.UUID, payment_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    statement = visible(SYSTEM, Transfer).with_only_columns(Transfer.payment_id, func.sum(Transfer.amount_minor))
    statement = statement.where(
        Transfer.vendor_id == vendor_id, Transfer.payment_id.in_(payment_ids), Transfer.state.not_in(_NOT_USED)
    )
    return {row[0]: int(row[1]) for row in db.session.execute(statement.group_by(Transfer.payment_id))}


def _entitled(order_ids: set[uuid.UUID]) -> dict[uuid.UUID, dict[uuid.UUID, int]]:
    """What every vendor of these orders is entitled to, in the state that each order is in now."""
    statement = visible(SYSTEM, OrderStep).with_only_columns(OrderStep.order_id, OrderStep.valuation["vendors_minor"])
    statement = statement.where(OrderStep.order_id.in_(order_ids)).order_by(OrderStep.number)
    rows = db.session.execute(statement)  # the last of each order stays
    return {row[0]: {uuid.UUID(vendor): int(due) for vendor, due in row[1].items()} for row in rows}
