"""The door for the provider's web hooks, verified on the raw body; and what came in, for the operator."""

from flask import Blueprint, Response, request

from marketplace.kernel.access import Permission, current_actor, public, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.problems import problem
from marketplace.kernel.web import api_blueprint, page_of, paginate
from settlements.gateway.port import EventNotGenuine
from settlements.gateway.provider import provider
from settlements.webhooks import actions, queries
from settlements.webhooks.models import WebHookEvent
from settlements.webhooks.schemas import WebHookArgs, WebHookOut

# Registered only where a secret is configured: without one nobody could be told from anybody.
door = Blueprint("webhooks", __name__)
routes = api_blueprint("provider_events", "What the payment provider told us.")


@door.post("/webhooks/stripe")
@public
def receive_web_hook() -> Response:
    """Verify, store once, answer; what it means is looked into afterwards."""
    try:
        event = provider().read_event(request.get_data(), request.headers.get("Stripe-Signature"))
    except EventNotGenuine as refusal:
        return problem(400, "EventNotGenuine", refusal.text)
    with transaction():
        actions.store(event)
    return Response(status=200)


@routes.get("/provider-events")
@requires(Permission.BOOKS_READ)
@routes.arguments(WebHookArgs, location="query")
@routes.response(200, page_of(WebHookOut))
def list_provider_events(args):
    """Events of the payment provider, the newest first; `kept`: nothing was booked, and why."""
    return paginate(queries.events(current_actor(), outcome=args["outcome"]), args, WebHookEvent.id)
