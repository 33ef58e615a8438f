"""The offers as a buyer finds them: by words, vendor and category, with his company's prices."""

from typing import Any

import orjson
from flask import render_template, request
from marshmallow import EXCLUDE, fields, validate

from marketplace.agreements import queries as agreements
from marketplace.catalogue import queries as catalogue
from marketplace.companies import queries as companies
from marketplace.companies.models import Company
from marketplace.kernel import forms
from marketplace.kernel.access import Actor, Permission, Side, current_actor, requires
from marketplace.kernel.fields import PageArgs, Text
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint
from search import finding

routes = pages_blueprint("search", __name__)
navigation = [
    NavItem("Offers", "search_pages.offers", Permission.CATALOGUE_READ, Side.BUYER),
]
MAX_VENDORS = 200  # more make a list that nobody reads; a vendor's name in the list of offers leads to the rest


class OffersAsked(PageArgs):
    """What the address of the page asks for; what it does not know it leaves alone."""

    class Meta:
        unknown = EXCLUDE

    limit = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))
    q = Text(load_default="", max_length=200, allow_empty=True)
    vendor = fields.UUID(load_default=None)
    category = fields.String(load_default=None, validate=validate.Length(max=500))


@routes.get("/offers")
@requires(Permission.CATALOGUE_READ)
def offers() -> str:
    """Live offers with this company's prices."""
    asked = forms.load(OffersAsked(), request.args)
    actor = current_actor()
    page = _found(actor, asked) if asked["q"] else _all(actor, asked)
    return render_template(
        "search/offers.html", page=page, asked=asked, vendors=_vendors(actor), categories=catalogue.categories(actor)
    )


def _all(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    """Every offer, newest first."""
    page = orjson.loads(agreements.offers_page(actor, asked))
    return {"rows": [{"offer": offer, "more": 0} for offer in page["items"]], "next": page["next"], "total": None}


def _found(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    """The products that the words mean, the best hit first, each with its best offer and how many more there are."""
    vendor = [asked["vendor"]] if asked["vendor"] else None
    page = finding.search(actor, asked | {"vendor": vendor})
    rows = [{"offer": hit["offers"][0], "more": len(hit["offers"]) - 1} for hit in page["items"]]
    return {"rows": rows, "next": page["next"], "total": page["total"]}


def _vendors(actor: Actor) -> list[Company]:
    found: list[Any] = list(companies.companies(actor, {"limit": MAX_VENDORS}).items)
    return sorted((company for company in found if company.may_sell), key=lambda company: company.name.casefold())
