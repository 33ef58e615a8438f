"""The vendor's account at the provider as a page; and all of them for the operator, who blocks and asks again."""

import uuid

from flask import render_template, request, url_for
from marshmallow import fields, validate
from werkzeug.wrappers import Response

from marketplace.companies.queries import companies_by_id
from marketplace.kernel import forms
from marketplace.kernel.access import Permission, Side, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import Text
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint, paginate
from settlements.gateway.connect import AccountLink
from settlements.provider_accounts import actions, jobs, queries
from settlements.provider_accounts.models import ProviderAccount
from settlements.provider_accounts.routes import return_url
from settlements.provider_accounts.states import AccountState

routes = pages_blueprint("provider_accounts", __name__)
navigation = [
    NavItem("Payout account", "provider_accounts_pages.own", Permission.PAYOUT_SETUP, Side.VENDOR, "Money"),
    NavItem("Payout accounts", "provider_accounts_pages.overview", Permission.PAYOUT_BLOCK, Side.OPERATOR, "Market"),
]


class AccountsAsked(forms.ListAsked):
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=100))
    able = fields.Boolean(load_default=None)


class ReasonForm(forms.PageForm):
    reason = Text(load_default="", max_length=500, allow_empty=True)


@routes.get("/vendor/payout-account")
@requires(Permission.PAYOUT_SETUP)
def own() -> str:
    """Where the vendor's money goes, and what the provider still wants to know."""
    return _own(None)


def _own(link: AccountLink | None) -> str:
    row = queries.own(current_actor())
    why_not = queries.why_not_payable(row, row.currency) if row else None
    return render_template("provider_accounts/own.html", account=row, link=link, why_not=why_not)


@routes.post("/vendor/payout-account")
@requires(Permission.PAYOUT_SETUP)
@forms.refused_on(own)
def go_on() -> Response | str:
    """Ask for the account, or for a link to the provider. The link is shown, not followed: it leads elsewhere."""
    forms.load(forms.PageForm())
    actor = current_actor()
    with transaction():
        row = actions.request(actor.company_id)  # type: ignore[arg-type]  a vendor acts for a company
    if row.state is not AccountState.OPEN:
        return forms.done("Your account is being opened. Come back in a moment.", url_for(".own"))
    return _own(jobs.link(row.id, return_url()))


@routes.post("/vendor/payout-account/look-up")
@requires(Permission.PAYOUT_SETUP)
@forms.refused_on(own)
def look_up() -> Response:
    """Ask the provider now."""
    forms.load(forms.PageForm())
    row = queries.own(current_actor())
    if row is not None:
        jobs.look_at(row.id)
    return forms.done("This is how your account stands now.", url_for(".own"))


@routes.get("/operator/payout-accounts")
@requires(Permission.PAYOUT_BLOCK)
def overview() -> str:
    """Every vendor's account; or those that can be paid, or cannot."""
    asked = forms.load(AccountsAsked(), request.args)
    page = paginate(queries.accounts(current_actor(), able=asked["able"]), asked, ProviderAccount.id)
    names = companies_by_id([row.vendor_id for row in page.items])
    return render_template(
        "provider_accounts/overview.html",
        page=page,
        names=names,
        able=asked["able"],
        why_not={row.id: queries.why_not_payable(row, row.currency) for row in page.items},
    )


@routes.post("/operator/payout-accounts/<uuid:account_id>/<any(block, unblock, ask_again):verb>")
@requires(Permission.PAYOUT_BLOCK)
@forms.refused_on(overview)
def decide(account_id: uuid.UUID, verb: str) -> Response:
    """Block a vendor's money, or let it go again; or ask once more for an account that was refused."""
    reason = forms.load(ReasonForm())["reason"]
    actor = current_actor()
    with transaction():
        row = queries.account(actor, account_id)
        if verb == "block":
            actions.block(row.vendor_id, reason, actor)
        elif verb == "unblock":
            actions.unblock(actor, account_id, reason)
        else:
            actions.ask_again(actor, account_id)
    return forms.done("Done.", url_for(".overview"))
