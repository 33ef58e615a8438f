"""Goods as a buyer finds, narrows and compares them; how the operator steers search, and sees what was sought."""

import uuid
from collections.abc import Sequence
from typing import Any

import orjson
from flask import redirect, render_template, request, url_for
from marshmallow import ValidationError, fields, validate
from werkzeug.wrappers import Response

from marketplace.agreements import queries as agreements
from marketplace.catalogue import queries as catalogue
from marketplace.companies import queries as companies
from marketplace.companies.models import Company
from marketplace.kernel import forms
from marketplace.kernel.access import Actor, Permission, Side, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.fields import PageArgs, Text
from marketplace.kernel.pages import NavItem
from marketplace.kernel.problems import EditedMeanwhile
from marketplace.kernel.web import pages_blueprint
from search import actions, compare, finding, insight, proposals, queries
from search.engine import FacetName, Sort
from search.schemas import MOST_COMPARED, ProposalFilter, SearchArgs, SearchRuleIn
from search.states import ProposalState

routes = pages_blueprint("search", __name__)
navigation = [
    NavItem("Offers", "search_pages.offers", Permission.CATALOGUE_READ, Side.BUYER),
]
steering_navigation = [
    NavItem("Search", "search_pages.steering", Permission.SEARCH_STEER, Side.OPERATOR, "Market"),
    NavItem("Duplicates", "search_pages.duplicates", Permission.PRODUCT_MERGE, Side.OPERATOR, "Market"),
]
MAX_VENDORS = 200  # more make a list that nobody reads; a vendor's name in the list of offers leads to the rest
MOST_RELATED = 12
FACETS = [FacetName.CATEGORY, FacetName.VENDOR, FacetName.STOCK, FacetName.PRICE, FacetName.ATTRIBUTES]
SORTS = {
    Sort.RELEVANCE: "Best match",
    Sort.PRICE: "Lowest price",
    Sort.PRICE_DOWN: "Highest price",
    Sort.LEAD_TIME: "Soonest",
    Sort.NAME: "Name",
}


class OffersAsked(forms.PageForm, SearchArgs):
    """What the address of the page asks for; what it does not know it leaves alone."""

    q = Text(load_default="", max_length=200, allow_empty=True)
    category = Text(load_default=None, max_length=500)


@routes.get("/offers")
@requires(Permission.CATALOGUE_READ)
def offers() -> str:
    """Live offers with this company's prices: all of them, or what is sought, with what narrows it."""
    asked = forms.load(OffersAsked(), request.args)
    actor = current_actor()
    page = _found(actor, asked) if _seeks(asked) else _all(actor, asked)
    return render_template(
        "search/offers.html",
        page=page,
        asked=asked,
        chosen={f"{name}={value}" for name, value in asked.get("attribute") or ()},
        vendors=_vendors(actor, asked.get("vendor") or ()),
        categories=catalogue.categories(actor),
        sorts=SORTS,
        most_compared=MOST_COMPARED,
    )


def _seeks(asked: dict[str, Any]) -> bool:
    narrowed = ("q", "attribute", "range", "price_min", "price_max", "in_stock", "lead_time_days", "quantity")
    return any(asked.get(name) for name in narrowed) or asked["sort"] is not Sort.RELEVANCE or _many(asked)


def _many(asked: dict[str, Any]) -> bool:
    return len(asked.get("vendor") or ()) > 1


def _all(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    """Every offer, newest first."""
    vendor = (asked.get("vendor") or [None])[0]
    page = orjson.loads(agreements.offers_page(actor, asked | {"vendor": vendor}))
    rows = [{"offer": offer, "more": 0} for offer in page["items"]]
    return {"rows": rows, "next": page["next"], "total": None, "facets": [], "meant": None, "query_id": None}


def _found(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    """The products that are meant, the best hit first, each with its best offer and how many more there are."""
    page = finding.search(actor, asked | {"facets": FACETS, "highlight": True})
    rows = [
        {"offer": hit["offers"][0], "more": len(hit["offers"]) - 1, "name": _marked_name(hit)} for hit in page["items"]
    ]
    return page | {"rows": rows}


def _marked_name(hit: dict[str, Any]) -> list[Any]:
    """The name in pieces, unless the marks are in its name in another language."""
    pieces: list[Any] = hit["marked"].get("name", [])
    return pieces if "".join(piece for piece, _ in pieces) == hit["product"]["name"] else []


def _vendors(actor: Actor, chosen: Sequence[uuid.UUID]) -> list[Company]:
    """Those to choose from, and those who are chosen."""
    listed = queries.vendors(actor, MAX_VENDORS)
    return [*listed, *companies.companies_by_id(set(chosen) - {company.id for company in listed}).values()]


@routes.get("/found/<uuid:query_id>/<uuid:product_id>")
@requires(Permission.CATALOGUE_READ)
def found(query_id: uuid.UUID, product_id: uuid.UUID) -> Response:
    """A hit is opened: noted, and shown."""
    with transaction():
        finding.visit(current_actor(), query_id, product_id)
    return redirect(url_for("agreements_pages.product", product_id=product_id), 303)


@routes.get("/products/<uuid:product_id>/related")
@requires(Permission.CATALOGUE_READ)
def related(product_id: uuid.UUID) -> str:
    """Others like a product, and what was bought with it."""
    actor = current_actor()
    found = finding.related(actor, product_id, MOST_RELATED)
    return render_template("search/related.html", product=catalogue.product(actor, product_id), found=found)


class CompareAsked(forms.PageForm):
    product = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=MOST_COMPARED))


@routes.get("/compare")
@requires(Permission.CATALOGUE_READ)
def comparison() -> str:
    """Up to six products side by side, each to be put into the cart."""
    asked = forms.load(CompareAsked(), request.args)
    table = compare.compared(current_actor(), asked["product"])
    ready = {one.product.id: _ready(one.offers) for one in table["products"]}
    return render_template("search/compare.html", table=table, ready=ready)


def _ready(offers: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The offer at the best price of those that can be ordered now."""
    return next((one for one in offers if one["price"] and one["available"] >= one["least_quantity"]), None)


class ProposalsAsked(forms.PageForm, ProposalFilter):
    limit = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))


class DecisionForm(forms.PageForm):
    version = fields.Integer(required=True)
    survivor = fields.UUID(load_default=None)


@routes.get("/operator/duplicates")
@requires(Permission.PRODUCT_MERGE)
def duplicates() -> str:
    """Pairs of products that may be one, side by side, the likeliest first."""
    asked = forms.load(ProposalsAsked(), request.args)
    page = proposals.page_of(current_actor(), asked)
    return render_template("search/duplicates.html", page=page, asked=asked, states=ProposalState)


@routes.post("/operator/duplicates/<uuid:proposal_id>/accept")
@requires(Permission.PRODUCT_MERGE)
@forms.refused_on(duplicates)
def accept_duplicate(proposal_id: uuid.UUID) -> Response:
    """They are one; the chosen product stays."""
    wanted = forms.load(DecisionForm())
    with transaction():
        _check_version(proposal_id, wanted["version"])
        survivor = proposals.accept(current_actor(), proposal_id, wanted["survivor"], forms.quantities("seen"))
    return forms.done(f"They are one now: {survivor.name}.", url_for("search_pages.duplicates"))


@routes.post("/operator/duplicates/<uuid:proposal_id>/reject")
@requires(Permission.PRODUCT_MERGE)
@forms.refused_on(duplicates)
def reject_duplicate(proposal_id: uuid.UUID) -> Response:
    """They are two, and are not proposed again."""
    wanted = forms.load(DecisionForm())
    with transaction():
        _check_version(proposal_id, wanted["version"])
        proposals.reject(current_actor(), proposal_id)
    return forms.done("They stay two products.", url_for("search_pages.duplicates"))


def _check_version(proposal_id: uuid.UUID, version: int) -> None:
    if proposals.proposal(current_actor(), proposal_id, lock=True).version != version:
        raise EditedMeanwhile


class SteeringAsked(forms.PageForm, PageArgs):
    q = Text(load_default="", max_length=300, allow_empty=True)
    empty = fields.Boolean(load_default=False)
    days = fields.Integer(load_default=30, validate=validate.Range(min=1, max=90))
    kind = fields.String(load_default="synonym", validate=validate.OneOf(["synonym", "boost"]))
    words = Text(load_default="", max_length=500, allow_empty=True)
    category_path = Text(load_default="", max_length=500, allow_empty=True)
    weight = fields.Float(load_default=1.0, validate=validate.Range(min=0.1, max=10))
    one_way = fields.Boolean(load_default=False)


@routes.get("/search/rules")
@requires(Permission.SEARCH_STEER)
def steering() -> str:
    """Synonyms and boosts, a look at what a new one would change, and what was searched."""
    asked = forms.load(SteeringAsked(), request.args)
    actor = current_actor()
    preview, refused = _tried(actor, asked) if asked["q"] else (None, [])
    insight.flush()
    return render_template(
        "search/steering.html",
        asked=asked,
        preview=preview,
        refused=refused,
        page=queries.rules_of(actor, asked),
        searches=insight.told({"days": asked["days"], "empty": asked["empty"], "limit": 50}),
        categories=catalogue.categories(actor),
    )


def _tried(actor: Actor, asked: dict[str, Any]) -> tuple[dict[str, Any] | None, list[str]]:
    """What the rule would change, or why it can be none."""
    try:
        return finding.preview(actor, _rule(asked) | {"q": asked["q"], "limit": 10}), []
    except (Invalid, Conflict) as refusal:
        return None, forms.sentences(refusal)
    except ValidationError as failure:
        return None, forms.field_messages(failure.messages)


def _rule(asked: dict[str, Any]) -> dict[str, Any]:
    """Raises ValidationError."""
    facts = {name: asked[name] for name in ("kind", "category_path", "weight", "one_way")}
    words = [word.strip() for word in asked["words"].split(",") if word.strip()]
    loaded: dict[str, Any] = SearchRuleIn().load(facts | {"words": words})
    return loaded


@routes.post("/search/rules")
@requires(Permission.SEARCH_STEER)
@forms.refused_on(steering)
def add_rule() -> Response:
    """Keep a rule; it is in force at once."""
    asked = forms.load(SteeringAsked())
    with transaction():
        actions.add_rule(current_actor(), _rule(asked))
    return forms.done("The rule is in force.", url_for("search_pages.steering"))


@routes.post("/search/rules/<uuid:rule_id>/remove")
@requires(Permission.SEARCH_STEER)
def remove_rule(rule_id: uuid.UUID) -> Response:
    """Take a rule away."""
    with transaction():
        actions.remove_rule(current_actor(), rule_id)
    return forms.done("The rule is gone.", url_for("search_pages.steering"))
