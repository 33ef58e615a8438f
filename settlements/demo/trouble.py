"""What goes wrong in the demonstration: a payer's bank takes its money back, and the provider takes a fee unasked."""

from datetime import timedelta
from typing import Any

import urllib3
from flask import current_app

from marketplace.kernel import clock
from marketplace.kernel.db import transaction
from settlements.demo import acting, queries
from settlements.disputes import answers
from settlements.disputes import jobs as disputes
from settlements.reconciliation import jobs as reconciliation
from settlements.reconciliation.recording import GRACE

_FEE = {"type": "stripe_fee", "amount": -650, "description": "Connect: active accounts"}
_HISTORY_DAYS = 60  # all of the demonstration


def cause() -> None:
    """Once, and only where the provider is our own sandbox: nobody else takes such orders."""
    charge_id = queries.charge_to_dispute()
    if charge_id is None or not _is_sandbox():
        return
    dispute = disputes.look_at(_script(dispute={"charge": charge_id, "reason": "product_not_received"})["dispute"])
    with transaction():
        said = "The parcel was handed over; the carrier's number is in the shipment."
        answers.keep_text(acting.chief("kontor"), dispute.id, "uncategorized_text", said)
    _script(movement=_FEE)
    with clock.moved(GRACE + timedelta(minutes=1)):
        reconciliation.run(_HISTORY_DAYS)


def _is_sandbox() -> bool:
    settings = current_app.extensions["kontor_settings"]
    return settings.stripe_api_key == "sk_test_sandbox" and bool(settings.stripe_api_base)


def _script(**wanted: Any) -> dict[str, Any]:
    base = current_app.extensions["kontor_settings"].stripe_api_base
    answer = urllib3.request("POST", f"{base}/_script", json=wanted, timeout=10)
    done: dict[str, Any] = answer.json()
    return done
