"""The operator reads the versions of return policies and publishes the next one; no order that stands is touched."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from flask import render_template, request, url_for
from marshmallow import ValidationError, fields, validate
from werkzeug.wrappers import Response

from marketplace.kernel import forms
from marketplace.kernel.access import Permission, Side, current_actor, requires
from marketplace.kernel.db import db
from marketplace.kernel.errors import Refusal
from marketplace.kernel.fields import Text
from marketplace.kernel.money import Money
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint
from marketplace.pricing.policy import (
    CommissionPolicy,
    DeliveryRefund,
    DiscountPolicy,
    Fault,
    FreeDeliveryPolicy,
    LossBearer,
    TaxBase,
    TierPolicy,
)
from marketplace.rules import actions, queries
from marketplace.rules.models import ReturnPolicy
from marketplace.rules.return_terms import USUAL, DeficitRule, Reason
from marketplace.rules.schemas import ReturnTermsIn, WindowIn

routes = pages_blueprint("rules", __name__)
navigation = [NavItem("Return policies", "rules_pages.policies", Permission.POLICY_EDIT, Side.OPERATOR, "Market")]
# Terms of the formula: the field, and what it may be.
CHOICES: dict[str, Any] = {
    "discount": DiscountPolicy,
    "tier": TierPolicy,
    "free_delivery": FreeDeliveryPolicy,
    "commission": CommissionPolicy,
    "tax_base": TaxBase,
}
BY_FAULT: dict[str, Any] = {
    "delivery_refund": (DeliveryRefund, "Of a paid delivery goes back"),
    "loss_borne_by": (LossBearer, "The loss of the goods is borne by"),
}
# What people read of these terms: their names in the formula mean nothing to them.
WORDS: dict[str, Any] = {
    DiscountPolicy: {
        "proportional": "stays on what is kept",
        "requalify": "what the order still earns",
        "reprice_kept": "anew, on what is kept",
    },
    TierPolicy: {"keep": "stays", "rerate": "by what still counts"},
    FreeDeliveryPolicy: {"keep": "stays free", "clawback": "charged if not earned"},
    CommissionPolicy: {"reverse": "given back", "keep": "kept", "reverse_minus_fee": "given back less a fee"},
    TaxBase: {
        "vendor_consideration": "price less the vendor's discount",
        "buyer_price": "price less the whole discount",
    },
    DeliveryRefund: {"none": "nothing", "full_on_full": "all, if all came back", "proportional": "by value"},
    LossBearer: {"vendor": "the vendor", "marketplace": "the marketplace", "deliverer": "who sold the delivery"},
    DeficitRule: {"carry": "taken off the next refund", "invoice": "asked for", "waive": "let go"},
    Fault: {
        "buyer": "buyer's choice",
        "vendor": "vendor's fault",
        "carrier": "carrier's fault",
        "operator": "marketplace's fault",
        "cancelled": "cancelled",
    },
}
CAPS = ("commission_fee_cap_minor", "restocking_cap_minor")
CAP = {"least": 0, "most": 10**9}
MAY_BE_PROTECTED = (Fault.BUYER, Fault.CANCELLED)  # the others always are
LIMITS = (
    "answer_working_days",
    "evidence_working_days",
    "send_days",
    "arrive_days",
    "inspect_working_days",
    "replace_working_days",
    "settle_hours",
    "appeal_days",
    "remind_hours",
    "deficit_days",
)
BOUNDS = {name: forms.bounds(ReturnTermsIn().fields[name]) for name in (*LIMITS, "discovery_days")}
WINDOW = forms.bounds(WindowIn().fields["days"])
NAMES = {
    "tier": "Volume price of what is kept",
    "discount": "Discount of what is kept",
    "free_delivery": "Free delivery",
    "commission": "Commission on what comes back",
    "tax_base": "Tax is on the",
    "deficit": "What the buyer would have to pay on top",
    "answer_working_days": "Working days to answer a return",
    "evidence_working_days": "Working days to send evidence",
    "send_days": "Days to send the goods",
    "inspect_working_days": "Working days to inspect",
    "replace_working_days": "Working days to ship a replacement",
    "settle_hours": "Hours until what is decided is settled",
    "appeal_days": "Days to appeal",
    "remind_hours": "Hours before, when a side is reminded",
    "arrive_days": "Days until a parcel counts as arrived",
    "deficit_days": "Days to pay what is asked for",
}


class PolicyForm(forms.PageForm):
    profile = fields.String(required=True, validate=validate.OneOf(list(actions.PROFILES)))
    deficit = fields.String(required=True, validate=validate.OneOf([rule.value for rule in DeficitRule]))
    note = Text(required=True, max_length=500)
    waive_below = Text(max_length=500, allow_empty=True, load_default="")
    commission_fee_rate = Text(required=True, max_length=10)
    restocking_taxed = fields.Boolean(load_default=False)


@routes.get("/return-policies")
@requires(Permission.POLICY_EDIT)
def policies() -> str:
    """Every version, newest first, and a form for the next one of each profile."""
    statement = queries.return_policies(current_actor(), None).order_by(ReturnPolicy.id.desc())
    versions = list(db.session.scalars(statement.limit(50)))
    newest = {profile: queries.newest_policy(profile) for profile in actions.PROFILES}
    return render_template(
        "rules/policies.html",
        versions=versions,
        newest={profile: row for profile, row in newest.items() if row is not None},
        choices=CHOICES,
        limits=LIMITS,
        bounds=BOUNDS,
        window=WINDOW,
        cap=CAP,
        names=NAMES,
        usual=USUAL,
        reasons=Reason,
        deficits=DeficitRule,
        by_fault=BY_FAULT,
        faults=Fault,
        may_be_protected=MAY_BE_PROTECTED,
        sums=_sums,
        said=_said,
    )


@routes.post("/return-policies")
@requires(Permission.POLICY_EDIT)
@forms.refused_on(policies)
def publish() -> Response:
    """The next version, as the form says."""
    form = forms.load(PolicyForm())
    before = queries.newest_policy(form["profile"])
    if before is None:
        raise ValidationError({"profile": "No version was published yet."})
    content, terms = _content(form, before.content), _terms(form, before.terms)
    checked = ReturnTermsIn().load(terms)

    def effect() -> str:
        actions.publish_policy(current_actor(), form["profile"], content, checked, form["note"])
        return url_for(".policies")

    return forms.once(effect)


def _content(form: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The formula's terms; a fault that is never the buyer's stays protected."""
    ticked = {fault.value for fault in MAY_BE_PROTECTED if request.form.get(f"protected-{fault.value}")}
    always = set(before["protected_faults"]) - {fault.value for fault in MAY_BE_PROTECTED}
    content = dict(before) | {name: request.form.get(name, before[name]) for name in CHOICES}
    for name in BY_FAULT:
        content[name] = {fault.value: request.form.get(f"{name}-{fault.value}", "") for fault in Fault}
    return content | {
        "protected_faults": sorted(always | ticked),
        "commission_fee_rate": form["commission_fee_rate"],
        "restocking_taxed": form["restocking_taxed"],
        **{name: forms.whole(name, **CAP) for name in CAPS},
    }


def _terms(form: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    windows = {
        reason.value: {
            "days": forms.whole(f"window-{reason.value}", **WINDOW),
            "working": bool(request.form.get(f"working-{reason.value}")),
        }
        for reason in Reason
    }
    terms = dict(before) | {"windows": windows, "deficit": form["deficit"]}
    terms |= {name: forms.whole(name, **bounds) for name, bounds in BOUNDS.items()}
    return terms | {"waive_below_minor": _minor_by_currency(form["waive_below"])}


def _said(term: StrEnum) -> str:
    return str(WORDS[type(term)][term.value])


def _sums(minor_by_currency: Mapping[str, int]) -> str:
    """`EUR 5.00, CHF 6.00`, as _minor_by_currency reads it."""
    return ", ".join(f"{currency} {Money(minor, currency).major()}" for currency, minor in minor_by_currency.items())


def _minor_by_currency(text: str) -> dict[str, int]:
    found = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        currency, _, amount = entry.partition(" ")
        try:
            found[currency.upper()] = Money.from_major(amount.strip(), currency.upper()).minor
        except (ValueError, Refusal) as failure:
            raise ValidationError({"waive_below": "Sums such as EUR 5.00, CHF 6.00."}) from failure
    return found
