"""A vendor makes, publishes, pauses and ends his offers; whatever search shows of them is announced with the change."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import Uuid

from marketplace.catalogue import queries
from marketplace.catalogue.events import OffersChanged
from marketplace.catalogue.models import Offer, OfferStock
from marketplace.catalogue.states import OfferState, OfferVerb
from marketplace.kernel.access import Actor, Side
from marketplace.kernel.db import db
from marketplace.kernel.errors import Conflict, Forbidden
from marketplace.kernel.history import last_movers, move
from marketplace.kernel.outbox import publish

IDS_IN_AN_EVENT = 1000
NEW_PRODUCTS_LOCK = "feeds.new_products"  # held by whoever looks a number up and then writes on what he found
# Locked in id order, so that two feeds that share products wait for each other instead of dying of it.
_RAISE_VERSIONS = text("""
    WITH locked AS MATERIALIZED (
        SELECT id FROM product WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE product SET search_version = search_version + 1 FROM locked WHERE product.id = locked.id
""").bindparams(bindparam("ids", type_=ARRAY(Uuid())))


class OnlyVendorsOffer(Forbidden):
    """An offer belongs to the vendor who makes it."""

    message = "Only a vendor makes offers, for his own company."


class NotYourOffer(Forbidden):
    """The offer is another vendor's."""

    message = "This offer is another vendor's."


class VendorMayNotSell(Forbidden):
    """The company is not, or no longer, an active vendor."""

    message = "This company may not sell at present, so its offers cannot be published."


class SkuTaken(Conflict):
    """The vendor has an offer with this SKU."""

    message = "You already have an offer with this SKU."


class OfferHasEnded(Conflict):
    """An ended offer stays as it was."""

    message = "An offer that has ended cannot be changed; offer its SKU again."


class EndedByOperator(Forbidden):
    """What the operator took out of sale its vendor does not bring back."""

    message = "The operator ended your offer of this product with this SKU; speak to the operator."


def search_changed(product_ids: Iterable[uuid.UUID]) -> None:
    """Say, in the transaction of the change, that search shows these products differently.

    One UPDATE for all, one event per thousand.
    """
    ids = sorted(set(product_ids))
    if not ids:
        return
    db.session.flush()
    db.session.execute(_RAISE_VERSIONS, {"ids": ids})
    for start in range(0, len(ids), IDS_IN_AN_EVENT):
        publish(OffersChanged(tuple(ids[start : start + IDS_IN_AN_EVENT])))


def create(actor: Actor, facts: Mapping[str, Any]) -> queries.OwnOffer:
    """A draft of the actor's company on a shared product, with its stock.

    `facts`: product_id, sku, and optionally unit, pack_size, min_quantity, lead_time_days, tax_category,
    ship_from_country (default: the company's), restocking_rate (Decimal), on_hand. An offer of the product that had
    this SKU and has ended comes back, with what orders hold of its stock. Raises ProductUnknown, SkuTaken,
    EndedByOperator.
    """
    if not actor.acts_as(Side.VENDOR) or actor.company_id is None:
        raise OnlyVendorsOffer
    product = queries.product(actor, facts["product_id"], keep=True)
    if (ended := queries.ended_offer(actor.company_id, facts["sku"], product.id)) is not None:
        return _relisted(actor, ended, facts)
    values = {key: value for key, value in facts.items() if key != "on_hand"} | {"product_id": product.id}
    values.setdefault("ship_from_country", queries.company_country(actor.company_id))
    offer = Offer(vendor_id=actor.company_id, **values)

    try:
        with db.session.begin_nested():
            db.session.add(offer)
    except IntegrityError as failure:
        raise SkuTaken(pointer="/sku", sku=facts["sku"]) from failure
    stock = OfferStock(offer_id=offer.id, vendor_id=offer.vendor_id, on_hand=facts.get("on_hand", 0), reserved=0)
    db.session.add(stock)
    db.session.flush()
    return queries.OwnOffer(offer, product, stock)


def relist(actor: Actor, offer_id: uuid.UUID) -> queries.OwnOffer:
    """An offer of the actor's company that has ended, a draft again as it was. Raises OfferUnknown, OnlyVendorsOffer,
    EndedByOperator, SkuTaken, IllegalMove."""
    offer = queries.offer(actor, offer_id, lock=True)
    if not actor.acts_as(Side.VENDOR) or offer.vendor_id != actor.company_id:
        raise OnlyVendorsOffer
    return _relisted(actor, offer, {})


def _relisted(actor: Actor, offer: Offer, facts: Mapping[str, Any]) -> queries.OwnOffer:
    """A draft again, with its prices; what `facts` leave out is as it was."""
    if barred_from_relisting(actor, [offer.id]):
        raise EndedByOperator
    try:
        with db.session.begin_nested():
            move(offer, OfferVerb.RELIST, actor)
            for name in facts.keys() - {"product_id", "sku", "on_hand"}:
                setattr(offer, name, facts[name])
    except IntegrityError as failure:
        raise SkuTaken(pointer="/sku", sku=offer.sku) from failure
    if "on_hand" in facts:
        queries.stock(offer.id, lock=True).on_hand = facts["on_hand"]
    db.session.flush()
    return queries.own_offer(actor, offer.id)


def barred_from_relisting(actor: Actor, offer_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Those of these ended offers that the operator ended, where the actor is their vendor."""
    if actor.sees_all or not offer_ids:
        return set()
    return {one for one, company in last_movers("offer", offer_ids).items() if company != actor.company_id}


def edit(actor: Actor, offer_id: uuid.UUID, changes: Mapping[str, Any]) -> queries.OwnOffer:
    """Change all but product, state and stock. Raises OfferUnknown, NotYourOffer, OfferHasEnded, SkuTaken."""
    offer = _own(actor, queries.offer(actor, offer_id))
    if offer.state == OfferState.ENDED:
        raise OfferHasEnded

    try:
        with db.session.begin_nested():
            for name, value in changes.items():
                setattr(offer, name, value)
    except IntegrityError as failure:
        raise SkuTaken(pointer="/sku", sku=changes["sku"]) from failure
    _announce(offer)
    return queries.own_offer(actor, offer_id)


def publish_offer(actor: Actor, offer_id: uuid.UUID) -> queries.OwnOffer:
    """Make it live. Raises OfferUnknown, NotYourOffer, VendorMayNotSell, IllegalMove."""
    offer = _own(actor, queries.offer(actor, offer_id, lock=True))
    suspended = actor.company_id == offer.vendor_id and not actor.may_sell
    if suspended or not queries.vendor_may_sell(offer.vendor_id):
        raise VendorMayNotSell
    return _moved(actor, offer, OfferVerb.PUBLISH)


def pause(actor: Actor, offer_id: uuid.UUID) -> queries.OwnOffer:
    """Take it out of sale for a while. Raises OfferUnknown, NotYourOffer, IllegalMove."""
    return _moved(actor, _own(actor, queries.offer(actor, offer_id, lock=True)), OfferVerb.PAUSE)


def end(actor: Actor, offer_id: uuid.UUID) -> queries.OwnOffer:
    """Take it out of sale until its SKU is offered again. Raises OfferUnknown, NotYourOffer, IllegalMove."""
    return _moved(actor, _own(actor, queries.offer(actor, offer_id, lock=True)), OfferVerb.END)


def end_offers(actor: Actor, offer_ids: Sequence[uuid.UUID]) -> None:
    """The same with many; the caller holds them, and tells search. Raises NotYourOffer, IllegalMove."""
    for offer in queries.offers_of_ids(offer_ids):
        move(_own(actor, offer), OfferVerb.END, actor)


def relist_offers(actor: Actor, offer_ids: Sequence[uuid.UUID]) -> None:
    """Bring many back that had ended, live at once; the caller holds them, and tells search. Raises NotYourOffer,
    IllegalMove."""
    for offer in queries.offers_of_ids(offer_ids):
        move(_own(actor, offer), OfferVerb.RELIST, actor)
        move(offer, OfferVerb.PUBLISH, actor)


def set_stock(actor: Actor, offer_id: uuid.UUID, on_hand: int) -> queries.OwnOffer:
    """Say how much lies in the vendor's store; what orders hold of it stays held. Raises OfferUnknown, NotYourOffer."""
    offer = _own(actor, queries.offer(actor, offer_id))
    if offer.state == OfferState.ENDED:
        raise OfferHasEnded

    queries.stock(offer.id, lock=True).on_hand = on_hand
    _announce(offer)
    return queries.own_offer(actor, offer_id)


def _moved(actor: Actor, offer: Offer, verb: OfferVerb) -> queries.OwnOffer:
    if move(offer, verb, actor):
        _announce(offer)
    return queries.own_offer(actor, offer.id)


def _announce(offer: Offer) -> None:
    search_changed([offer.product_id])


def _own(actor: Actor, offer: Offer) -> Offer:
    if not actor.sees_all and offer.vendor_id != actor.company_id:
        raise NotYourOffer
    return offer
