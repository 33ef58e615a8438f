"""The operator reads the versions of return policies and publishes the next one; no order that stands is touched."""

from typing import Any

from flask import render_template, request, url_for
from marshmallow import ValidationError, fields, validate
from werkzeug.wrappers import Response

from marketplace.kernel import forms
from marketplace.kernel.access import Permission, Side, current_actor, requires
from marketplace.kernel.db import db
from marketplace.kernel.fields import Text
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint
from marketplace.pricing.policy import CommissionPolicy, DiscountPolicy, FreeDeliveryPolicy, TierPolicy
from marketplace.rules import actions, queries
from marketplace.rules.models import ReturnPolicy
from marketplace.rules.return_terms import DeficitRule, Reason
from marketplace.rules.schemas import ReturnTermsIn

routes = pages_blueprint("rules", __name__)
navigation = [NavItem("Return policies", "rules_pages.policies", Permission.POLICY_EDIT, Side.OPERATOR, "Market")]
# Terms of the formula that the page changes: the field, and what it may be.
CHOICES: dict[str, Any] = {
    "discount": DiscountPolicy,
    "tier": TierPolicy,
    "free_delivery": FreeDeliveryPolicy,
    "commission": CommissionPolicy,
}
LIMITS = (
    "answer_working_days",
    "evidence_working_days",
    "send_days",
    "inspect_working_days",
    "settle_hours",
    "appeal_days",
    "remind_hours",
)


class PolicyForm(forms.PageForm):
    profile = fields.String(required=True, validate=validate.OneOf(list(actions.PROFILES)))
    deficit = fields.String(required=True, validate=validate.OneOf([rule.value for rule in DeficitRule]))
    note = Text(required=True, max_length=500)


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
        reasons=Reason,
        deficits=DeficitRule,
    )


@routes.post("/return-policies")
@requires(Permission.POLICY_EDIT)
@forms.refused_on(policies)
def publish() -> Response:
    """The next version: what the form says, and the rest as the version before has it."""
    form = forms.load(PolicyForm())
    before = queries.newest_policy(form["profile"])
    if before is None:
        raise ValidationError({"profile": "No version was published yet."})
    content = dict(before.content) | {name: request.form.get(name, before.content[name]) for name in CHOICES}
    windows = {
        reason.value: before.terms["windows"][reason.value] | {"days": _whole(f"window-{reason.value}")}
        for reason in Reason
    }
    terms = dict(before.terms) | {"windows": windows, "deficit": form["deficit"]}
    terms |= {name: _whole(name) for name in LIMITS}
    checked = ReturnTermsIn().load(terms)

    def effect() -> str:
        actions.publish_policy(current_actor(), form["profile"], content, checked, form["note"])
        return url_for(".policies")

    return forms.once(effect)


def _whole(name: str) -> int:
    text = request.form.get(name, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise ValidationError({name: "A whole number."})
    return int(text)
