"""A refund in the shape of the party that reads it."""

from collections.abc import Sequence
from typing import Any

from marketplace.kernel.access import Actor
from marketplace.kernel.money import Money
from settlements.refunds import queries
from settlements.refunds.models import Refund

_OPERATORS = ("company_id", "payment_id", "cause", "trouble", "next_at")
_EVERYONES = ("id", "order_id", "order_number", "state", "requested_at", "confirmed_at", "reference")


def seen_by(actor: Actor, refunds: Sequence[Refund]) -> list[dict[str, Any]]:
    """The fields that this actor may read; the attempts of all of them in one query, for the operator."""
    names = _EVERYONES + (_OPERATORS if actor.sees_all else ())
    attempts = queries.attempts_of([refund.id for refund in refunds]) if actor.sees_all else None
    found = []
    for refund in refunds:
        view = {name: getattr(refund, name) for name in names}
        view["amount"] = Money(refund.amount_minor, refund.currency)
        if attempts is not None:
            view["attempts"] = attempts[refund.id]
        found.append(view)
    return found
