"""How far the demonstration has got, read from its own rows."""

import uuid
from collections.abc import Iterable

from sqlalchemy import func

from marketplace.carts.models import Cart
from marketplace.catalogue.models import Offer
from marketplace.companies.models import Person
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from marketplace.orders.models import Order
from marketplace.returns.models import ReturnCase
from marketplace.shipments.models import Parcel
from marketplace.shipments.states import ParcelState
from settlements.disputes.models import Dispute
from settlements.payments.models import Payment
from settlements.refunds.models import Refund
from settlements.runs.models import Statement
from settlements.runs.states import StatementState
from settlements.transfers.models import Adjustment, Transfer
from settlements.transfers.queries.payouts import payouts
from settlements.transfers.states import ARRIVED, TransferState


def cart_of(reference: str) -> Cart | None:
    """The cart of a story."""
    return db.session.scalars(visible(SYSTEM, Cart).where(Cart.reference == reference)).one_or_none()


def offers_of(skus: Iterable[str]) -> dict[str, uuid.UUID]:
    """{SKU: offer}, for vendors whose SKUs differ."""
    statement = visible(SYSTEM, Offer).with_only_columns(Offer.sku, Offer.id).where(Offer.sku.in_(list(skus)))
    return {row.sku: row.id for row in db.session.execute(statement)}


def parcel_exists(tracking_number: str) -> bool:
    statement = visible(SYSTEM, Parcel).where(Parcel.tracking_number == tracking_number).limit(1)
    return db.session.scalars(statement).first() is not None


def parcels_under_way(actor: Actor, vendor_order_id: uuid.UUID) -> list[uuid.UUID]:
    statement = visible(actor, Parcel).with_only_columns(Parcel.id)
    statement = statement.where(Parcel.vendor_order_id == vendor_order_id, Parcel.state == ParcelState.IN_TRANSIT)
    return list(db.session.scalars(statement.order_by(Parcel.id)))


def order_of(reference: str) -> Order | None:
    """The order of a story."""
    return db.session.scalars(visible(SYSTEM, Order).where(Order.reference == reference)).first()


def is_told(order_id: uuid.UUID, note: str) -> bool:
    """Was the return case with this note opened?"""
    statement = visible(SYSTEM, ReturnCase).where(ReturnCase.order_id == order_id, ReturnCase.note == note)
    return db.session.scalars(statement).first() is not None


def email_of(person_id: uuid.UUID) -> str:
    return db.session.scalars(visible(SYSTEM, Person).where(Person.id == person_id)).one().email


def statements_to_pay() -> list[uuid.UUID]:
    """The statements that are closed and wait to be paid out."""
    statement = visible(SYSTEM, Statement).with_only_columns(Statement.id)
    statement = statement.where(Statement.state == StatementState.CLOSED, Statement.payout_minor > 0)
    return list(db.session.scalars(statement.order_by(Statement.id)))


def transfers_waiting() -> dict[uuid.UUID, int]:
    """What is ordered and was never sent, by vendor."""
    statement = visible(SYSTEM, Transfer).with_only_columns(Transfer.vendor_id, func.sum(Transfer.amount_minor))
    statement = statement.where(Transfer.state == TransferState.REQUESTED, Transfer.attempts == 0)
    return {row[0]: int(row[1]) for row in db.session.execute(statement.group_by(Transfer.vendor_id))}


def vendors_paid() -> list[uuid.UUID]:
    """Vendors to whom something was transferred, those who got most first."""
    statement = visible(SYSTEM, Transfer).with_only_columns(Transfer.vendor_id)
    statement = statement.where(Transfer.state.in_(ARRIVED)).group_by(Transfer.vendor_id)
    return list(db.session.scalars(statement.order_by(func.sum(Transfer.amount_minor).desc(), Transfer.vendor_id)))


def payout_exists(vendor_id: uuid.UUID) -> bool:
    return db.session.scalars(payouts(SYSTEM, vendor_id=vendor_id).limit(1)).first() is not None


def adjustment_exists(reason: str) -> bool:
    statement = visible(SYSTEM, Adjustment).where(Adjustment.reason == reason).limit(1)
    return db.session.scalars(statement).first() is not None


def smallest_payout() -> uuid.UUID | None:
    """The statement with the least to be paid out, of those that wait for it."""
    statement = visible(SYSTEM, Statement).with_only_columns(Statement.id)
    statement = statement.where(Statement.state == StatementState.CLOSED, Statement.payout_minor > 0)
    return db.session.scalar(statement.order_by(Statement.payout_minor).limit(1))


def charge_to_dispute() -> str | None:
    """The charge of the oldest payment that nothing was refunded of; None where a dispute was opened already."""
    if db.session.scalar(visible(SYSTEM, Dispute).with_only_columns(Dispute.id).limit(1)) is not None:
        return None
    refunded = visible(SYSTEM, Refund).with_only_columns(Refund.order_id)
    statement = visible(SYSTEM, Payment).with_only_columns(Payment.charge_id)
    statement = statement.where(Payment.charge_id.is_not(None), Payment.order_id.not_in(refunded))
    return db.session.scalar(statement.order_by(Payment.id).limit(1))
