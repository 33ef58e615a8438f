"""Replacements over HTTP: the vendor ships one or says that he cannot, and everybody sees where it is."""

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.idempotency import idempotent
from marketplace.kernel.web import ProblemOut, api_blueprint
from marketplace.orders import queries as orders
from marketplace.returns import actions, queries, views
from marketplace.returns.replacement_schemas import ReplacedLinesOut, ReplacementIn
from marketplace.returns.routes import done, seen
from marketplace.returns.schemas import CaseOut, NoteIn, SaidIn

routes = api_blueprint("return-replacements", "Goods that are shipped instead of those that came back.")
_NOT_NOW = "Nothing is to be replaced, or the stock is gone."


@routes.get("/orders/<uuid:order_id>/replacements")
@requires(Permission.ORDER_READ)
@routes.response(200, ReplacedLinesOut)
def order_replacements(order_id):
    """What of an order is, or was, replaced: units still to be sent, and what was sent, of all its vendors."""
    actor = current_actor()
    order = orders.order(actor, order_id)
    return _replaced(actor, orders.lines_of(order.id))


@routes.get("/vendor-orders/<uuid:vendor_order_id>/replacements")
@requires(Permission.VENDOR_ORDER_READ)
@routes.response(200, ReplacedLinesOut)
def vendor_order_replacements(vendor_order_id):
    """The same of a vendor order."""
    actor = current_actor()
    part = orders.vendor_order(actor, vendor_order_id)
    return _replaced(actor, orders.lines_of(part.order_id, part.id))


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/replacements")
@requires(Permission.RETURN_ANSWER)
@routes.arguments(ReplacementIn)
@routes.response(201, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
@idempotent
def ship_replacement(wanted, case_id, line_id):
    """The replacement leaves the vendor and his stock; the buyer reads of it."""
    actions.ship_replacement(current_actor(), case_id, line_id, wanted)
    return seen(current_actor(), case_id), 201


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/cannot-replace")
@requires(Permission.RETURN_ANSWER)
@routes.arguments(SaidIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
@idempotent
def cannot_replace(wanted, case_id, line_id):
    """There is no replacement: the buyer gets money instead, by another decision."""
    actions.cannot_replace(current_actor(), case_id, line_id, wanted["note"])
    return seen(current_actor(), case_id), 200


@routes.post("/returns/<uuid:case_id>/replacements/<uuid:replacement_id>/deliver")
@requires(Permission.RETURN_READ)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description="It was lost.")
def deliver_replacement(case_id, replacement_id):
    """Buyer or vendor says that it has arrived."""
    return done(actions.replacement_arrived, case_id, replacement_id)


@routes.post("/returns/<uuid:case_id>/replacements/<uuid:replacement_id>/lose")
@requires(Permission.RETURN_ANSWER)
@routes.arguments(NoteIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description="It has arrived, or its units came back otherwise.")
def lose_replacement(wanted, case_id, replacement_id):
    """It was lost on its way; the vendor ships another, or says that he cannot."""
    return done(actions.lose_replacement, case_id, replacement_id, wanted["note"])


def _replaced(actor, lines):
    return {"items": views.replaced(queries.replaced(actor, [line.id for line in lines]))}
