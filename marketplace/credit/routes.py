"""Buying on account over the API: the operator grants terms and limits, the buyer reads his."""

from marketplace.credit import actions, queries
from marketplace.credit.schemas import (
    AccountArgs,
    CreditAccountIn,
    CreditAccountOut,
    CreditChangeOut,
    CreditLimitIn,
    CreditReasonIn,
    PaymentTermsIn,
    PaymentTermsOut,
)
from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import PageArgs
from marketplace.kernel.web import ProblemOut, api_blueprint, check_match, page_of, tagged

routes = api_blueprint("credit", "Buying on account: payment terms, and how much credit a company has.")


@routes.get("/companies/<uuid:company_id>/payment-terms")
@requires(Permission.CREDIT_READ)
@routes.arguments(PageArgs, location="query")
@routes.response(200, page_of(PaymentTermsOut))
def list_payment_terms(args, company_id):
    """The payment terms granted to a company, the latest first."""
    return queries.terms_of(current_actor(), company_id, args)


@routes.post("/companies/<uuid:company_id>/payment-terms")
@requires(Permission.CREDIT_EDIT)
@routes.arguments(PaymentTermsIn)
@routes.response(201, PaymentTermsOut)
@routes.alt_response(409, schema=ProblemOut, description="Terms that begin on this day exist.")
def grant_payment_terms(wanted, company_id):
    """Grant payment terms from a day on (`none` takes them back); what was granted before is never changed."""
    with transaction():
        return actions.grant_terms(current_actor(), company_id, wanted)


@routes.get("/credit-accounts")
@requires(Permission.CREDIT_READ)
@routes.arguments(AccountArgs, location="query")
@routes.response(200, page_of(CreditAccountOut))
def list_credit_accounts(args):
    """Limits, what is in use and what is free: a company's own; for the operator those of all."""
    return queries.accounts(current_actor(), args, args["company_id"])


@routes.post("/credit-accounts")
@requires(Permission.CREDIT_EDIT)
@routes.arguments(CreditAccountIn)
@routes.response(201, CreditAccountOut)
@routes.alt_response(409, schema=ProblemOut, description="The company has one in this currency.")
def open_credit_account(wanted):
    """Let a company owe so much in a currency."""
    with transaction():
        row = actions.open_account(current_actor(), wanted.pop("company_id"), **wanted)
    return tagged(CreditAccountOut().dump(row), row, 201)


@routes.get("/credit-accounts/<uuid:account_id>")
@requires(Permission.CREDIT_READ)
@routes.response(200, CreditAccountOut)
def show_credit_account(account_id):
    """One credit account."""
    row = queries.account(current_actor(), account_id)
    return tagged(CreditAccountOut().dump(row), row)


@routes.patch("/credit-accounts/<uuid:account_id>")
@requires(Permission.CREDIT_EDIT)
@routes.arguments(CreditLimitIn)
@routes.response(200, CreditAccountOut)
@routes.alt_response(412, schema=ProblemOut, description="Changed since it was read.")
def change_credit_limit(wanted, account_id):
    """Another limit, with its reason, by If-Match; what was bought stays bought."""
    with transaction():
        row = queries.account(current_actor(), account_id, locked=True)
        check_match(row)
        actions.change_limit(current_actor(), row, wanted["limit_minor"], wanted["reason"])
    return tagged(CreditAccountOut().dump(row), row)


@routes.post("/credit-accounts/<uuid:account_id>/freeze")
@requires(Permission.CREDIT_EDIT)
@routes.arguments(CreditReasonIn)
@routes.response(200, CreditAccountOut)
def freeze_credit_account(wanted, account_id):
    """Sell this company nothing new on account until it is released."""
    with transaction():
        row = queries.account(current_actor(), account_id, locked=True)
        actions.freeze(current_actor(), row, wanted["reason"])
    return tagged(CreditAccountOut().dump(row), row)


@routes.post("/credit-accounts/<uuid:account_id>/release")
@requires(Permission.CREDIT_EDIT)
@routes.arguments(CreditReasonIn)
@routes.response(200, CreditAccountOut)
@routes.alt_response(409, schema=ProblemOut, description="It is not frozen.")
def release_credit_account(wanted, account_id):
    """Sell on account again, with the reason."""
    with transaction():
        row = queries.account(current_actor(), account_id, locked=True)
        actions.release(current_actor(), row, wanted["reason"])
    return tagged(CreditAccountOut().dump(row), row)


@routes.get("/credit-accounts/<uuid:account_id>/changes")
@requires(Permission.CREDIT_EDIT)
@routes.arguments(PageArgs, location="query")
@routes.response(200, page_of(CreditChangeOut))
def list_credit_changes(args, account_id):
    """What was decided about a credit account, by whom and why, the latest first."""
    return queries.changes_of(current_actor(), account_id, args)
