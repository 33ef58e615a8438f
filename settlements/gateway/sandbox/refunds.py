"""Refunds never give back more than was captured; one that fails later brings its money back to the balance."""

from settlements.gateway.sandbox import charges, disputes
from settlements.gateway.sandbox.errors import invalid, malformed
from settlements.gateway.sandbox.methods import method
from settlements.gateway.sandbox.store import Record
from settlements.gateway.sandbox.world import Call, World, checked_metadata

_NOT_HERE = ("customer", "origin", "reverse_transfer", "refund_application_fee", "instructions_email")


def create(world: World, call: Call) -> Record:
    given = call.params
    for name in _NOT_HERE:
        if given.get(name):
            raise invalid(f"A refund of this charge cannot take {name}.", param=name)
    charge = _charge_of(world, call)
    amount = _refundable(world, charge, given.get("amount"))
    used = method(charge["payment_method"])
    how, kind = used.refund, "refund" if used.type == "card" else "payment_refund"
    refund = world.store.add(
        call.account,
        "refund",
        {
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "currency": charge["currency"],
            "metadata": checked_metadata(given),
            "payment_intent": charge["payment_intent"],
            "reason": given.get("reason"),
            "status": "pending" if how == "pends_then_succeeds" else "succeeded",
        }
        | ({"pending_reason": "processing"} if how == "pends_then_succeeds" else {}),
    )
    taken = charges.book(world, call, source=refund, kind=kind, amount=-amount, at_once=True)
    refund["balance_transaction"] = taken["id"]
    world.store.save(refund)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.store.save(charge)
    world.announce(call, "refund.created", refund)
    world.announce(call, "charge.refunded", charge)
    if how != "succeeds":
        world.later(call, how, refund["id"])
    return refund


def _charge_of(world: World, call: Call) -> Record:
    charge_id, intent_id = call.params.get("charge"), call.params.get("payment_intent")
    if charge_id:
        charge = world.load(call, "charge", charge_id, "charge")
        if intent_id and charge["payment_intent"] != intent_id:
            raise invalid("The charge does not belong to the payment_intent.", param="payment_intent")
        return charge
    if not intent_id:
        raise malformed(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    intent = world.load(call, "payment_intent", intent_id, "payment_intent")
    latest = world.store.find(call.account, "charge", intent["latest_charge"] or "")
    if latest is None or not latest["captured"]:
        raise invalid(
            f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.",
            param="payment_intent",
            code="payment_intent_unexpected_state",
        )
    return latest


def _refundable(world: World, charge: Record, wanted: int | None) -> int:
    """Raises ApiError (400) when the charge does not have it."""
    if disputes.holds(world, charge):
        raise invalid(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if not charge["captured"]:
        raise invalid(f"Charge {charge['id']} was not captured; it cannot be refunded.", code="charge_not_refundable")
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = left if wanted is None else wanted
    if amount < 1:
        raise invalid("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    if amount > left:
        raise invalid(
            f"Refund amount ({_figure(amount, charge)}) is greater than unrefunded amount on charge"
            f" ({_figure(left, charge)})",
            param="amount",
        )
    return amount


def _figure(amount: int, charge: Record) -> str:
    return f"{amount // 100}.{amount % 100:02d} {charge['currency']}"


def cancel(world: World, call: Call, refund_id: str) -> Record:
    refund = world.load(call, "refund", refund_id)
    if refund["status"] != "requires_action":
        raise invalid(f"Refund {refund_id} has a status of {refund['status']} and cannot be canceled.")
    return refund


def finish(world: World, call: Call, refund_id: str) -> None:
    refund = world.load(call, "refund", refund_id)
    if refund["status"] == "pending":
        refund["status"] = "succeeded"
        refund.pop("pending_reason", None)
        world.store.save(refund)
        world.announce(call, "refund.updated", refund)


def fail(world: World, call: Call, refund_id: str) -> None:
    """The bank did not take it: the money is back, and the charge can be refunded again."""
    refund = world.load(call, "refund", refund_id)
    if refund["status"] == "failed":
        return
    back = charges.book(world, call, source=refund, kind="refund_failure", amount=refund["amount"], at_once=True)
    refund.update(status="failed", failure_reason="expired_or_canceled_card", failure_balance_transaction=back["id"])
    world.store.save(refund)
    charge = world.load(call, "charge", refund["charge"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    world.store.save(charge)
    world.announce(call, "refund.updated", refund)
    world.announce(call, "refund.failed", refund)
