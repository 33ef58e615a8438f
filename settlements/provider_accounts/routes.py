"""Accounts at the provider over the API: the vendor opens and completes his, the operator sees and blocks them."""

from flask import current_app

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.web import Page, ProblemOut, api_blueprint, page_of, paginate
from settlements.provider_accounts import actions, jobs, queries, views
from settlements.provider_accounts.models import ProviderAccount
from settlements.provider_accounts.schemas import (
    AccountArgs,
    AccountLinkOut,
    PayoutAccountForOperatorOut,
    PayoutAccountOut,
    ReasonIn,
)

routes = api_blueprint("payout_accounts", "Vendors' accounts at the payment provider.")


def return_url() -> str:
    """Where a vendor comes back to from the provider."""
    return f"{current_app.extensions['kontor_settings'].base_url}/vendor/payout-account"


@routes.get("/payout-accounts")
@requires(Permission.PAYOUT_READ)
@routes.arguments(AccountArgs, location="query")
@routes.response(200, page_of(PayoutAccountForOperatorOut))
def list_payout_accounts(args):
    """The vendor's own account; for the operator those of all vendors."""
    actor = current_actor()
    page = paginate(queries.accounts(actor, state=args["state"], able=args["able"]), args, ProviderAccount.id)
    return Page([views.seen_by(actor, row) for row in page.items], page.next)


@routes.post("/payout-accounts")
@requires(Permission.PAYOUT_SETUP)
@routes.response(201, PayoutAccountOut)
def request_payout_account():
    """Ask for the account of the vendor's company; where there is one, that is the answer."""
    actor = current_actor()
    with transaction():
        return views.seen_by(actor, actions.request(actor.company_id))


@routes.get("/payout-accounts/<uuid:account_id>")
@requires(Permission.PAYOUT_READ)
@routes.response(200, PayoutAccountForOperatorOut)
def get_payout_account(account_id):
    """One account as it is known here."""
    return views.seen_by(current_actor(), queries.account(current_actor(), account_id))


@routes.post("/payout-accounts/<uuid:account_id>/link")
@requires(Permission.PAYOUT_SETUP)
@routes.response(200, AccountLinkOut)
@routes.alt_response(409, schema=ProblemOut, description="The provider has not opened it yet.")
def link_to_payout_account(account_id):
    """A link for one use, where the vendor tells the provider what is due."""
    seen = queries.account(current_actor(), account_id)
    return jobs.link(seen.id, return_url())


@routes.post("/payout-accounts/<uuid:account_id>/look-up")
@requires(Permission.PAYOUT_READ)
@routes.response(200, PayoutAccountForOperatorOut)
@routes.alt_response(409, schema=ProblemOut, description="The provider has not opened it yet.")
def look_payout_account_up(account_id):
    """Ask the provider now how the account stands."""
    seen = queries.account(current_actor(), account_id)
    return views.seen_by(current_actor(), jobs.look_at(seen.id))


@routes.post("/payout-accounts/<uuid:account_id>/ask-again")
@requires(Permission.PAYOUT_BLOCK)
@routes.response(200, PayoutAccountForOperatorOut)
@routes.alt_response(409, schema=ProblemOut, description="It was not refused.")
def ask_for_payout_account_again(account_id):
    """Ask the provider once more for an account that it refused."""
    actor = current_actor()
    with transaction():
        return views.seen_by(actor, actions.ask_again(actor, account_id))


@routes.post("/payout-accounts/<uuid:account_id>/block")
@requires(Permission.PAYOUT_BLOCK)
@routes.arguments(ReasonIn)
@routes.response(200, PayoutAccountForOperatorOut)
def block_payout_account(wanted, account_id):
    """Send the vendor nothing until it is lifted; he reads the reason."""
    actor = current_actor()
    with transaction():
        seen = queries.account(actor, account_id)
        return views.seen_by(actor, actions.block(seen.vendor_id, wanted["reason"], actor) or seen)


@routes.post("/payout-accounts/<uuid:account_id>/unblock")
@requires(Permission.PAYOUT_BLOCK)
@routes.arguments(ReasonIn)
@routes.response(200, PayoutAccountForOperatorOut)
@routes.alt_response(409, schema=ProblemOut, description="It is not blocked.")
def unblock_payout_account(wanted, account_id):
    """Send the vendor money again."""
    actor = current_actor()
    with transaction():
        return views.seen_by(actor, actions.unblock(actor, account_id, wanted["reason"]))
