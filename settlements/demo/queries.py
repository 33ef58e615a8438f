"""How far the demonstration has got, read from its own rows."""

import uuid
from collections.abc import Iterable

from marketplace.carts.models import Cart
from marketplace.catalogue.models import Offer
from marketplace.companies.models import Person
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from marketplace.orders.models import Order
from marketplace.returns.models import ReturnCase
from marketplace.shipments.models import Parcel
from marketplace.shipments.states import ParcelState
from settlements.runs.models import Statement
from settlements.runs.states import StatementState


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


def smallest_payout() -> uuid.UUID | None:
    """The statement with the least to be paid out, of those that wait for it."""
    statement = visible(SYSTEM, Statement).with_only_columns(Statement.id)
    statement = statement.where(Statement.state == StatementState.CLOSED, Statement.payout_minor > 0)
    return db.session.scalar(statement.order_by(Statement.payout_minor).limit(1))
