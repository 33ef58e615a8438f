"""Becoming a vendor, as pages: the company applies and answers, the operator decides with every fact in sight."""

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import redirect, render_template, request, url_for
from marshmallow import fields
from werkzeug.wrappers import Response

from marketplace.companies import queries as companies
from marketplace.kernel import forms
from marketplace.kernel.access import Actor, Permission, Side, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import Rate, Text
from marketplace.kernel.history import lines_of
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint
from vendors.onboarding import actions, queries
from vendors.onboarding.schemas import ApplicationIn
from vendors.onboarding.states import ApplicationState, VendorState

routes = pages_blueprint("onboarding", __name__)


def invited(actor: Actor) -> str:
    """Who neither sells nor has applied is invited; who waits for the operator, or the operator for him, finds his
    application; to a vendor, also one who may not sell at the moment, it is nothing."""
    if actor.may_sell or actor.company_id is None:
        return ""
    sold, applied = queries.standing(actor.company_id)
    return "" if sold else "Your application" if applied else "Sell here"


navigation = [
    NavItem("Vendors", "onboarding_pages.applications", Permission.APPLICATION_REVIEW, Side.OPERATOR, "Market"),
    NavItem("Sell here", "onboarding_pages.apply", Permission.APPLICATION_SUBMIT, Side.BUYER, called=invited),
]


class Percent(Rate):
    """What people type as percent and the terms keep as a share of one: `"8.5"` is 0.085."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        typed = value.replace(",", ".").removesuffix("%").strip() if isinstance(value, str) else value
        share = super()._deserialize(typed, attr, data, **kwargs) / 100
        if share.as_tuple().exponent < -6:  # type: ignore[operator]
            raise self.make_error("invalid")
        return share


class ApplicationsAsked(forms.ListAsked):
    state = fields.Enum(ApplicationState, by_value=True, load_default=ApplicationState.SUBMITTED)


class VendorsAsked(forms.ListAsked):
    state = fields.Enum(VendorState, by_value=True, load_default=None)


class NoteForm(forms.PageForm):
    note = Text(load_default="", max_length=2000, allow_empty=True)


class ApproveForm(NoteForm):
    commission_rate = Percent(required=True, high="100", data_key="commission_percent")


def _approve(actor: Actor, application_id: uuid.UUID) -> None:
    actions.approve(actor, application_id, forms.load(ApproveForm()))


def _ask(actor: Actor, application_id: uuid.UUID) -> None:
    actions.ask(actor, application_id, forms.load(NoteForm())["note"])


def _decline(actor: Actor, application_id: uuid.UUID) -> None:
    actions.decline(actor, application_id, forms.load(NoteForm())["note"])


DECIDE: dict[str, Callable[[Actor, uuid.UUID], None]] = {"approve": _approve, "ask": _ask, "decline": _decline}
MOVE = {"suspend": actions.suspend, "reinstate": actions.reinstate, "close": actions.close}


@routes.get("/vendor/apply")
@requires(Permission.APPLICATION_SUBMIT)
def apply() -> str:
    """The company's application: to write, to answer, or to wait for."""
    actor = current_actor()
    own = queries.applications(actor, {"limit": 20}).items
    return render_template(
        "onboarding/apply.html",
        applications=[row for row in own if row.company_id == actor.company_id],
        company=companies.own_company(actor),
        vendor=queries.find_vendor(actor, companies.own_company(actor).id),
    )


@routes.post("/vendor/apply")
@requires(Permission.APPLICATION_SUBMIT)
@forms.refused_on(apply)
def hand_in() -> Response:
    """Hand in an application, or the answers to the operator's questions."""
    wanted = forms.load(ApplicationIn())
    actor = current_actor()
    with transaction():
        present = queries.open_application(companies.own_company(actor).id)
        row = actions.edit(actor, present.id, wanted) if present else actions.draft(actor, wanted)
        actions.submit(actor, row.id)
    return forms.done("Your application is with the operator. You hear from us by mail.", url_for(".apply"))


@routes.get("/operator/vendors")
@requires(Permission.APPLICATION_REVIEW)
def applications() -> str:
    """Applications by their state, those to review first."""
    asked = forms.load(ApplicationsAsked(), request.args)
    page = queries.applications(current_actor(), asked)
    return render_template("onboarding/applications.html", page=page, state=asked["state"], states=ApplicationState)


@routes.get("/operator/vendors/all")
@requires(Permission.APPLICATION_REVIEW)
def vendors() -> str:
    """The vendors, newest first."""
    asked = forms.load(VendorsAsked(), request.args)
    page = queries.vendors(current_actor(), asked)
    return render_template("onboarding/vendors.html", page=page, state=asked["state"], states=VendorState)


@routes.get("/operator/vendors/applications/<uuid:application_id>")
@requires(Permission.APPLICATION_REVIEW)
def application(application_id: uuid.UUID) -> str:
    """Everything that a company tells about itself, beside what is known of it."""
    row = queries.application(current_actor(), application_id)
    company = companies.company(current_actor(), row.company_id)
    history = lines_of(row.__tablename__, row.id)
    return render_template("onboarding/application.html", application=row, company=company, history=history)


@routes.post("/operator/vendors/applications/<uuid:application_id>/<any(approve, ask, decline):verb>")
@requires(Permission.APPLICATION_REVIEW)
@forms.refused_on(application)
def decide(application_id: uuid.UUID, verb: str) -> Response:
    """Ask the company, let it sell, or decline."""
    with transaction():
        DECIDE[verb](current_actor(), application_id)
    return redirect(url_for(".application", application_id=application_id), 303)


@routes.get("/operator/vendors/<uuid:vendor_id>")
@requires(Permission.APPLICATION_REVIEW)
def vendor(vendor_id: uuid.UUID) -> str:
    """A vendor's state and how he came to it."""
    row = queries.vendor(current_actor(), vendor_id)
    company = companies.company(current_actor(), vendor_id)
    history = lines_of(row.__tablename__, row.id)
    return render_template("onboarding/vendor.html", vendor=row, company=company, history=history)


@routes.post("/operator/vendors/<uuid:vendor_id>/<any(suspend, reinstate, close):verb>")
@requires(Permission.APPLICATION_REVIEW)
@forms.refused_on(vendor)
def move(vendor_id: uuid.UUID, verb: str) -> Response:
    """Stop a vendor from selling, let him sell again, or end it for good."""
    note = forms.load(NoteForm())["note"]
    with transaction():
        MOVE[verb](current_actor(), vendor_id, note)
    return redirect(url_for(".vendor", vendor_id=vendor_id), 303)
