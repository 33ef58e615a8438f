"""Reconciliation over the API: look, see what differs, and book it with a reason."""

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import PageArgs
from marketplace.kernel.idempotency import idempotent
from marketplace.kernel.web import ProblemOut, api_blueprint, page_of, paginate
from settlements.reconciliation import actions, jobs, queries
from settlements.reconciliation.kinds import Action
from settlements.reconciliation.models import BalanceDifference, ReconciledDay
from settlements.reconciliation.schemas import (
    BalanceDifferenceOut,
    DifferenceArgs,
    LookIn,
    ProposedPostingIn,
    ReconciledDayOut,
    ReconciledDaysOut,
    ResolvedDifferenceIn,
)

routes = api_blueprint("reconciliation", "The payment provider's balance against the books.")
_WRONG = "It is resolved, or this does not fit it."


@routes.get("/reconciliation/days")
@requires(Permission.RECONCILE)
@routes.arguments(PageArgs, location="query")
@routes.response(200, page_of(ReconciledDayOut))
def list_reconciled_days(args):
    """The days that were looked at, the newest first, by currency."""
    return paginate(queries.days(current_actor()), args, ReconciledDay.id)


@routes.post("/reconciliation/runs")
@requires(Permission.RECONCILE)
@routes.arguments(LookIn)
@routes.response(200, ReconciledDaysOut)
@routes.alt_response(502, schema=ProblemOut, description="The provider did not answer, or none is set up.")
def reconcile_now(wanted):
    """Look now, as every night: what moved in so many days, and the whole balance."""
    return {"items": jobs.run(wanted["days"])}


@routes.get("/reconciliation/differences")
@requires(Permission.RECONCILE)
@routes.arguments(DifferenceArgs, location="query")
@routes.response(200, page_of(BalanceDifferenceOut))
def list_balance_differences(args):
    """Differences, the newest first; by state and kind."""
    kind = args["kind"].value if args["kind"] else None
    found = queries.differences(current_actor(), state=args["state"], kind=kind)
    return paginate(found, args, BalanceDifference.id)


@routes.post("/reconciliation/differences/<uuid:difference_id>/look-again")
@requires(Permission.RECONCILE)
@routes.response(200, BalanceDifferenceOut)
@routes.alt_response(409, schema=ProblemOut, description="It differs as before.")
@routes.alt_response(502, schema=ProblemOut, description="The provider did not answer clearly.")
def look_at_difference_again(difference_id):
    """Fetch what caused it, as if its web hook had come, and book it by that."""
    return jobs.look_again(current_actor(), difference_id)


@routes.post("/reconciliation/differences/<uuid:difference_id>/resolve")
@requires(Permission.RECONCILE)
@routes.arguments(ResolvedDifferenceIn)
@routes.response(200, BalanceDifferenceOut)
@routes.alt_response(409, schema=ProblemOut, description=_WRONG)
@idempotent
def resolve_difference(wanted, difference_id):
    """Book what one person may: fees, our own bank, a rounding. Needs the header Idempotency-Key."""
    row = actions.resolve(current_actor(), difference_id, wanted["action"], wanted["reason"])
    return BalanceDifferenceOut().dump(row), 200


@routes.post("/reconciliation/differences/<uuid:difference_id>/propose")
@requires(Permission.RECONCILE)
@routes.arguments(ProposedPostingIn)
@routes.response(200, BalanceDifferenceOut)
@routes.alt_response(409, schema=ProblemOut, description=_WRONG)
def propose_posting(wanted, difference_id):
    """Propose a posting that another person approves."""
    actor = current_actor()
    queries.difference(actor, difference_id)
    vendor_id = jobs.vendor_of(difference_id) if wanted["action"] is Action.BOOK_VENDOR else None
    action, reason = wanted["action"], wanted["reason"]
    with transaction():
        return actions.propose(actor, difference_id, action, reason, account=wanted["account"], vendor_id=vendor_id)


@routes.post("/reconciliation/differences/<uuid:difference_id>/withdraw")
@requires(Permission.RECONCILE)
@routes.response(200, BalanceDifferenceOut)
@routes.alt_response(409, schema=ProblemOut, description="Nothing is proposed.")
def withdraw_posting(difference_id):
    """Take a proposal back."""
    with transaction():
        return actions.withdraw(current_actor(), difference_id)


@routes.post("/reconciliation/differences/<uuid:difference_id>/approve")
@requires(Permission.RECONCILE)
@routes.response(200, BalanceDifferenceOut)
@routes.alt_response(409, schema=ProblemOut, description="Nothing is proposed.")
@idempotent
def approve_posting(difference_id):
    """Book what another person proposed. Needs the header Idempotency-Key."""
    return BalanceDifferenceOut().dump(actions.approve(current_actor(), difference_id)), 200
