"""A product as a buyer compares it, and the terms agreed with a vendor, as he and the operator read them."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import current_app, redirect, render_template, request, url_for
from marshmallow import ValidationError, fields, validate
from werkzeug.wrappers import Response

from marketplace.agreements import actions, queries, views
from marketplace.agreements.minimums import USUAL
from marketplace.agreements.models import Cycle
from marketplace.agreements.schemas import MAX_DAYS
from marketplace.companies import queries as companies
from marketplace.kernel import forms
from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.fields import PageArgs, Text
from marketplace.kernel.money import Money
from marketplace.kernel.web import pages_blueprint

routes = pages_blueprint("agreements", __name__)
MAX_MINIMUM = 10**12  # minor units


class Percent(fields.Decimal):
    """0 to 100, as people write it; loads as a share."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(places=4, validate=validate.Range(min=0, max=1, error="Between 0 and 100 %."), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        return super()._deserialize(value, attr, data, **kwargs) / 100


class TermsForm(forms.PageForm):
    """What an operator agrees with a vendor in a form; the rest is agreed over the API."""

    valid_from = fields.Date(required=True)
    valid_to = fields.Date(load_default=None)
    commission_rate = Percent(required=True)
    cycle = fields.Enum(Cycle, by_value=True, load_default=Cycle.WEEKLY)
    hold_days = fields.Integer(load_default=3, validate=validate.Range(min=0, max=MAX_DAYS))
    reserve_rate = Percent(load_default=Decimal("0.1"))
    reserve_days = fields.Integer(load_default=30, validate=validate.Range(min=0, max=MAX_DAYS))
    minimum_payout = Text(max_length=20, allow_empty=True, load_default="")
    prefinanced = fields.Boolean(load_default=False)


@routes.get("/products/<uuid:product_id>")
@requires(Permission.CATALOGUE_READ)
def product(product_id: uuid.UUID) -> str | Response:
    """A product with its facts, its documents and its offers, the best price first; a merged one leads to the other."""
    found = queries.product_with_offers(current_actor(), product_id)
    if found.product.id != product_id:
        return redirect(url_for("agreements_pages.product", product_id=found.product.id), 303)
    return render_template("agreements/product.html", found=found)


@routes.get("/vendors/<uuid:vendor_id>/terms")
@requires(Permission.TERMS_READ)
def vendor_terms(vendor_id: uuid.UUID) -> str:
    """What was agreed with a vendor, the latest first; the operator agrees new terms here."""
    page = queries.terms_of(current_actor(), vendor_id, forms.load(PageArgs(), request.args))
    named = companies.companies_by_id([vendor_id]) if current_actor().sees_all or page.items else {}
    return render_template(
        "agreements/terms.html",
        vendor=named.get(vendor_id),
        vendor_id=vendor_id,
        terms=views.terms(page.items),
        next=page.next,
        today=queries.today(),
        tomorrow=queries.today() + timedelta(days=1),
        cycles=Cycle,
        currency=current_app.extensions["kontor_settings"].default_currency,
        least_paid=views.least_paid,
        usual=USUAL,
    )


@routes.post("/vendors/<uuid:vendor_id>/terms")
@requires(Permission.TERMS_EDIT)
@forms.refused_on(vendor_terms)
def agree_terms(vendor_id: uuid.UUID) -> Response:
    """New terms from a day on."""
    facts = forms.load(TermsForm())
    facts |= {"cycle": facts["cycle"].value, "minimum_payout": _minimum(facts["minimum_payout"])}

    def effect() -> str:
        actions.agree_terms(current_actor(), vendor_id, facts)
        return url_for("agreements_pages.vendor_terms", vendor_id=vendor_id)

    return forms.once(effect)


def _minimum(text: str) -> dict[str, int]:
    """By currency, from a sum as people write it (`25.00`); nothing where nothing was said."""
    if not text:
        return {}
    currency = current_app.extensions["kontor_settings"].default_currency
    try:
        minor = Money.from_major(text, currency).minor
    except ValueError as failure:
        raise ValidationError({"minimum_payout": "A sum such as 25.00."}) from failure
    if not 0 <= minor <= MAX_MINIMUM:
        raise ValidationError({"minimum_payout": "A sum such as 25.00."})
    return {currency: minor}
