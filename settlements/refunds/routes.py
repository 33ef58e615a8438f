"""Refunds over the API: the buyer reads his, the operator sends again what bounced."""

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.idempotency import idempotent
from marketplace.kernel.web import Page, ProblemOut, api_blueprint, page_of, paginate
from marketplace.orders import queries as order_queries
from settlements.refunds import actions, queries, views
from settlements.refunds.models import Refund
from settlements.refunds.schemas import ByBankIn, RefundArgs, RefundForOperatorOut, RefundsOut

routes = api_blueprint("refunds", "What goes back to buyers.")


@routes.get("/refunds")
@requires(Permission.BOOKS_READ)
@routes.arguments(RefundArgs, location="query")
@routes.response(200, page_of(RefundForOperatorOut))
def list_refunds(args):
    """Refunds with their attempts, the newest first; by state."""
    page = paginate(queries.refunds(current_actor(), state=args["state"]), args, Refund.id)
    return Page(views.seen_by(current_actor(), page.items), page.next)


@routes.get("/orders/<uuid:order_id>/refunds")
@requires(Permission.ORDER_READ)
@routes.response(200, RefundsOut)
def list_refunds_of_order(order_id):
    """The refunds of an order, the newest first."""
    actor = current_actor()
    order = order_queries.order(actor, order_id)
    return {"items": views.seen_by(actor, queries.refunds_of(actor, order.id))}


@routes.post("/refunds/<uuid:refund_id>/retry")
@requires(Permission.OPERATE)
@routes.response(200, RefundForOperatorOut)
@routes.alt_response(409, schema=ProblemOut, description="It has not bounced.")
@idempotent
def retry_refund(refund_id):
    """Send a refund that bounced once more. Needs the header Idempotency-Key."""
    refund = actions.retry(current_actor(), refund_id)
    return RefundForOperatorOut().dump(views.seen_by(current_actor(), [refund])[0]), 200


@routes.post("/refunds/<uuid:refund_id>/sent-by-bank")
@requires(Permission.OPERATE)
@routes.arguments(ByBankIn)
@routes.response(200, RefundForOperatorOut)
@routes.alt_response(409, schema=ProblemOut, description="It is on its way, or has arrived.")
@idempotent
def settle_refund_by_bank(wanted, refund_id):
    """Record that a refund that could not be sent left by bank transfer. Needs the header Idempotency-Key."""
    refund = actions.send_by_bank(current_actor(), refund_id, wanted["reference"])
    return RefundForOperatorOut().dump(views.seen_by(current_actor(), [refund])[0]), 200
