"""The provider's balance against the books, as a page: the days, what is open, and what to do about it."""

import uuid

from flask import render_template, request, url_for
from marshmallow import fields
from werkzeug.wrappers import Response

from marketplace.kernel import forms
from marketplace.kernel.access import Permission, Side, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import Text
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint, paginate
from settlements.ledger.chart import AccountKind
from settlements.reconciliation import actions, jobs, queries
from settlements.reconciliation.actions import BY_ONE, BY_TWO, OWN_ACCOUNTS
from settlements.reconciliation.kinds import Action
from settlements.reconciliation.models import BalanceDifference

routes = pages_blueprint("reconciliation", __name__)
navigation = [NavItem("Reconciliation", "reconciliation_pages.overview", Permission.RECONCILE, Side.OPERATOR, "Money")]
_DAYS_SHOWN = 14


class DifferencesAsked(forms.ListAsked):
    all = fields.Boolean(load_default=False)


class DecisionForm(forms.PageForm):
    action = fields.Enum(Action, by_value=True, required=True)
    reason = Text(load_default="", max_length=500, allow_empty=True)
    account = fields.Enum(AccountKind, by_value=True, load_default=AccountKind.OPERATOR_LOSS)


@routes.get("/operator/reconciliation")
@requires(Permission.RECONCILE)
def overview() -> str:
    """The last days, and what is open."""
    asked = forms.load(DifferencesAsked(), request.args)
    actor = current_actor()
    page = paginate(queries.differences(actor, unresolved=not asked["all"]), asked, BalanceDifference.id)
    return render_template(
        "reconciliation/overview.html",
        days=queries.latest_days(actor, _DAYS_SHOWN),
        page=page,
        everything=asked["all"],
        actions=[action for action in Action if action is not Action.WAIT],
        accounts=OWN_ACCOUNTS,
    )


@routes.post("/operator/reconciliation/run")
@requires(Permission.RECONCILE)
@forms.refused_on(overview)
def run() -> Response:
    """Look now."""
    forms.load(forms.PageForm())
    jobs.run()
    return forms.done("Looked at the provider's balance.", url_for(".overview"))


@routes.post("/operator/reconciliation/<uuid:difference_id>/decide")
@requires(Permission.RECONCILE)
@forms.refused_on(overview)
def decide(difference_id: uuid.UUID) -> Response:
    """Look again, book what one person may, or propose what another approves."""
    wanted, actor = forms.load(DecisionForm()), current_actor()
    action, reason = wanted["action"], wanted["reason"]
    if action is Action.LOOK_AGAIN:
        jobs.look_again(actor, difference_id)
    elif action in BY_TWO:
        vendor_id = jobs.vendor_of(difference_id) if action is Action.BOOK_VENDOR else None
        account = wanted["account"] if action is Action.BOOK_OWN else None
        with transaction():
            actions.propose(actor, difference_id, action, reason, account=account, vendor_id=vendor_id)
    else:
        assert action in BY_ONE or action is Action.WAIT
        with transaction():
            actions.resolve(actor, difference_id, action, reason)
    return forms.done("Done.", url_for(".overview"))


@routes.post("/operator/reconciliation/<uuid:difference_id>/<any(approve, withdraw):verb>")
@requires(Permission.RECONCILE)
@forms.refused_on(overview)
def answer(difference_id: uuid.UUID, verb: str) -> Response:
    """Approve what another person proposed, or take it back."""
    forms.load(forms.PageForm())
    with transaction():
        (actions.approve if verb == "approve" else actions.withdraw)(current_actor(), difference_id)
    return forms.done("Done.", url_for(".overview"))
