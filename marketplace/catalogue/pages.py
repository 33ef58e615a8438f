"""A vendor's own offers as a page: found by state, SKU or name, taken in and out of sale, and their stock set."""

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import flash, render_template, request, url_for
from marshmallow import fields
from werkzeug.wrappers import Response

from marketplace.catalogue import actions, queries
from marketplace.catalogue.queries import OwnOffer
from marketplace.catalogue.schemas import OwnOfferFilter, OwnOfferOut, StockIn
from marketplace.catalogue.states import OFFER_STATES, OfferState, OfferVerb
from marketplace.companies import queries as companies
from marketplace.kernel import forms
from marketplace.kernel.access import Actor, Permission, Side, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import MAX_QUANTITY, Text
from marketplace.kernel.pages import NavItem, units_text
from marketplace.kernel.web import pages_blueprint

routes = pages_blueprint("catalogue", __name__)
navigation = [NavItem("Offers", "catalogue_pages.own_offers", Permission.OFFER_EDIT, Side.VENDOR, "Selling")]


class OffersAsked(forms.ListAsked, OwnOfferFilter):
    state = fields.Enum(OfferState, by_value=True, load_default=None)
    begins = Text(max_length=300, load_default="", allow_empty=True)


class StockForm(forms.PageForm, StockIn):
    pass


TELL: dict[str, tuple[Callable[[Actor, uuid.UUID], OwnOffer], str]] = {
    OfferVerb.PUBLISH: (actions.publish_offer, "is live."),
    OfferVerb.PAUSE: (actions.pause, "is paused."),
    OfferVerb.END: (actions.end, "has ended."),
    OfferVerb.RELIST: (actions.relist, "is a draft again; publish it to sell it."),
}


@routes.get("/desk/offers")
@requires(Permission.OFFER_EDIT)
def own_offers() -> str:
    """The vendor's own offers, newest first, with their stock and what can be done with each; for the operator all."""
    actor = current_actor()
    asked = forms.load(OffersAsked(), request.args)
    page = queries.own_offers(actor, asked)
    vendors = {own.offer.vendor_id for own in page.items} if actor.sees_all else set()
    return render_template(
        "catalogue/own_offers.html",
        offers=_shown(actor, page.items),
        next=page.next,
        asked=asked,
        states=OfferState,
        vendors={str(one): row.name for one, row in companies.companies_by_id(vendors).items()} if vendors else {},
        place=_place(),
        most=MAX_QUANTITY,
    )


@routes.post("/desk/offers/<uuid:offer_id>/<any(publish, pause, end, relist):verb>")
@requires(Permission.OFFER_EDIT)
@forms.refused_on(own_offers, actions.VendorMayNotSell, actions.EndedByOperator)
def tell_offer(offer_id: uuid.UUID, verb: str) -> Response:
    """Take an offer in or out of sale."""
    actor = current_actor()
    act, outcome = TELL[verb]
    sku = queries.own_offer(actor, offer_id).offer.sku

    def effect() -> str:
        act(actor, offer_id)
        return _back()

    answer = forms.once(effect)
    flash(f"{sku} {outcome}", "good")
    return answer


@routes.post("/desk/offers/<uuid:offer_id>/stock")
@requires(Permission.OFFER_EDIT)
@forms.refused_on(own_offers)
def set_stock(offer_id: uuid.UUID) -> Response:
    """Say how much lies in store; what orders hold stays held."""
    on_hand = forms.load(StockForm())["on_hand"]
    with transaction():
        own = actions.set_stock(current_actor(), offer_id, on_hand)
        text = f"{own.offer.sku}: {units_text(on_hand, own.offer.unit)} on hand."
    return forms.done(text, _back())


def _shown(actor: Actor, owns: list[OwnOffer]) -> list[dict[str, Any]]:
    """As the API shows them, with the verbs that are possible now; what the operator ended stays so."""
    ended = [own.offer.id for own in owns if own.offer.state == OfferState.ENDED]
    barred = actions.barred_from_relisting(actor, ended)
    shown = []
    for own in owns:
        verbs = [verb for state, verb in OFFER_STATES if state == own.offer.state]
        if own.offer.id in barred or own.offer.vendor_id != actor.company_id:
            verbs = [verb for verb in verbs if verb != OfferVerb.RELIST]
        shown.append({**OwnOfferOut().dump(own), "verbs": verbs, "barred": own.offer.id in barred})
    return shown


def _back() -> str:
    return url_for(".own_offers") + _place()


def _place() -> str:
    """Filter and cursor of the list; its forms carry them, so that one comes back to where one was."""
    query = urlencode(request.args.to_dict(flat=False), doseq=True)
    return f"?{query}" if query else ""
