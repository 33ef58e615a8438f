"""Payment intents: they take money at most once, and move only as the provider lets them."""

import re
import secrets
from typing import Any

from settlements.gateway.sandbox import charges
from settlements.gateway.sandbox.errors import ApiError, invalid
from settlements.gateway.sandbox.methods import Method, describe, method
from settlements.gateway.sandbox.store import Record
from settlements.gateway.sandbox.world import Call, World, checked_metadata

_SMALLEST = 50
_LARGEST = 99_999_999
# fmt: off
CURRENCIES = frozenset((
    "aed", "aud", "bgn", "brl", "cad", "chf", "cny", "czk", "dkk", "eur", "gbp", "hkd", "huf", "ils", "inr",
    "isk", "jpy", "krw", "mxn", "nok", "nzd", "pln", "ron", "sek", "sgd", "thb", "try", "usd", "zar",
))
# fmt: on
_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")


def create(world: World, call: Call) -> Record:
    given = call.params
    check_amount(given["amount"], given["currency"])
    used = method(given["payment_method"]) if given.get("payment_method") else None
    if given.get("confirm"):
        _check_confirmation(given, used)
    intent = world.store.add(call.account, "payment_intent", _new_intent(given, used))
    intent["client_secret"] = f"{intent['id']}_secret_{secrets.token_urlsafe(16)}"
    if given.get("confirm") and used:
        _attempt(world, call, intent, used)
    world.store.save(intent)
    return intent


def check_amount(amount: int, currency: str) -> None:
    if amount < 1:
        raise invalid("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    if currency.lower() not in CURRENCIES:
        raise invalid(f"Invalid currency: {currency}", param="currency")
    if amount < _SMALLEST:
        raise invalid(f"Amount must be at least 0.50 {currency}", param="amount", code="amount_too_small")
    if amount > _LARGEST:
        raise invalid(f"Amount must be no more than 999,999.99 {currency}", param="amount", code="amount_too_large")


def _check_confirmation(given: Record, used: Method | None) -> None:
    if used is None:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
        )
    automatic = given.get("automatic_payment_methods", {"enabled": "payment_method_types" not in given})
    if automatic["enabled"] and automatic.get("allow_redirects") != "never" and not given.get("return_url"):
        raise invalid(
            "This PaymentIntent accepts payment methods that might redirect the customer off your page: provide a"
            " `return_url`, or set `automatic_payment_methods[allow_redirects]` to `never`."
        )
    if "payment_method_types" in given and used.type not in given["payment_method_types"]:
        raise invalid(f"The PaymentMethod provided ({used.type}) is not allowed for this PaymentIntent.")


def _new_intent(given: Record, used: Method | None) -> Record:
    return {
        "amount": given["amount"],
        "amount_capturable": 0,
        "amount_received": 0,
        "application_fee_amount": None,
        "automatic_payment_methods": given.get("automatic_payment_methods"),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": given.get("capture_method", "automatic_async"),
        "client_secret": None,
        "confirmation_method": given.get("confirmation_method", "automatic"),
        "currency": given["currency"].lower(),
        "customer": None,
        "description": given.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "metadata": checked_metadata(given),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": used.id if used else None,
        "payment_method_types": given.get("payment_method_types", ["card", "sepa_debit"]),
        "processing": None,
        "receipt_email": given.get("receipt_email"),
        "status": "requires_confirmation" if used else "requires_payment_method",
        "transfer_data": None,
        "transfer_group": given.get("transfer_group"),
    }


def confirm(world: World, call: Call, intent_id: str) -> Record:
    intent = world.load(call, "payment_intent", intent_id)
    _check_status(intent, "confirm", _CONFIRMABLE)
    wanted = call.params.get("payment_method") or intent["payment_method"]
    used = method(wanted) if wanted else None
    facts = {name: value for name, value in intent.items() if value is not None}
    _check_confirmation(facts | call.params, used)
    assert used is not None
    _attempt(world, call, intent, used)
    world.store.save(intent)
    return intent


def _attempt(world: World, call: Call, intent: Record, used: Method) -> None:
    intent.update(payment_method=used.id, last_payment_error=None)
    if used.payment == "declines":
        raise _declined(world, call, intent, used)
    if used.payment == "asks":
        intent["status"] = "requires_action"
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
        world.announce(call, "payment_intent.requires_action", intent)
    elif used.payment == "succeeds":
        authorize(world, call, intent, used)
    else:
        intent["status"] = "processing"
        intent["latest_charge"] = charges.open_charge(world, call, intent, used, "pending")["id"]
        world.announce(call, "payment_intent.processing", intent)
        world.later(call, "settle", intent["id"])


def authorize(world: World, call: Call, intent: Record, used: Method) -> None:
    """Takes the money, or holds it when it is to be captured later."""
    charge = charges.open_charge(world, call, intent, used, "succeeded")
    intent.update(latest_charge=charge["id"], next_action=None)
    if intent["capture_method"] == "manual":
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        world.announce(call, "charge.succeeded", charge)
        world.announce(call, "payment_intent.amount_capturable_updated", intent)
    else:
        charges.capture_charge(world, call, charge, used, intent["amount"])
        world.announce(call, "charge.succeeded", charge)
        _succeed(world, call, intent, intent["amount"])


def _succeed(world: World, call: Call, intent: Record, amount: int) -> None:
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    world.announce(call, "payment_intent.succeeded", intent)


def fail(world: World, call: Call, intent: Record, used: Method, charge: Record | None) -> Record:
    """The attempt is over, the intent asks for another method; the error as it is told."""
    error: dict[str, Any] = {
        "charge": charge["id"] if charge else None,
        "code": used.code,
        "decline_code": used.decline_code,
        "message": used.message,
        "payment_method": describe(used, world.store.now()),
        "type": "card_error" if used.type == "card" else "invalid_request_error",
    }
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        last_payment_error={name: value for name, value in error.items() if value is not None},
    )
    if charge:
        world.announce(call, "charge.failed", charge)
    world.announce(call, "payment_intent.payment_failed", intent)
    told: Record = intent["last_payment_error"]
    return told


def _declined(world: World, call: Call, intent: Record, used: Method) -> ApiError:
    charge = charges.open_charge(world, call, intent, used, "failed")
    intent["latest_charge"] = charge["id"]
    error = fail(world, call, intent, used, charge)
    world.store.save(intent)
    facts = {name: value for name, value in error.items() if name not in ("type", "message")}
    return ApiError(402, "card_error", used.message or "", kept=True, payment_intent=intent, **facts)


def capture(world: World, call: Call, intent_id: str) -> Record:
    intent = world.load(call, "payment_intent", intent_id)
    _check_status(intent, "capture", ("requires_capture",))
    given = call.params
    amount = given["amount_to_capture"] if "amount_to_capture" in given else intent["amount_capturable"]
    if not 1 <= amount <= intent["amount_capturable"]:
        raise invalid(
            "The amount to capture must be positive and no more than the amount capturable.",
            param="amount_to_capture",
            code="amount_too_large" if amount > 0 else "parameter_invalid_integer",
        )
    charge = world.load(call, "charge", intent["latest_charge"])
    charges.capture_charge(world, call, charge, method(intent["payment_method"]), amount)
    world.announce(call, "charge.captured", charge)
    _succeed(world, call, intent, amount)
    world.store.save(intent)
    return intent


def cancel(world: World, call: Call, intent_id: str) -> Record:
    intent = world.load(call, "payment_intent", intent_id)
    _check_status(intent, "cancel", _CANCELABLE)
    if intent["status"] == "requires_capture":
        charge = world.load(call, "charge", intent["latest_charge"])
        charge.update(refunded=True, amount_refunded=charge["amount"])
        world.store.save(charge)
    intent.update(
        status="canceled",
        canceled_at=world.store.now(),
        cancellation_reason=call.params.get("cancellation_reason"),
        amount_capturable=0,
        next_action=None,
    )
    world.announce(call, "payment_intent.canceled", intent)
    world.store.save(intent)
    return intent


def settle(world: World, call: Call, intent_id: str) -> None:
    """What was `processing` ends, for good or ill."""
    intent = world.load(call, "payment_intent", intent_id)
    if intent["status"] != "processing":
        return
    used = method(intent["payment_method"])
    charge = world.load(call, "charge", intent["latest_charge"])
    if used.payment == "processes":
        charges.capture_charge(world, call, charge, used, intent["amount"])
        world.announce(call, "charge.succeeded", charge)
        _succeed(world, call, intent, intent["amount"])
    else:
        charge.update(status="failed", failure_code=used.code, failure_message=used.message)
        world.store.save(charge)
        fail(world, call, intent, used, charge)
    world.store.save(intent)


def authenticate(world: World, call: Call, intent_id: str, succeed: bool) -> Record:
    """The customer answers what the payment asked of them."""
    intent = world.load(call, "payment_intent", intent_id)
    _check_status(intent, "authenticate", ("requires_action",))
    used = method(intent["payment_method"])
    if succeed:
        authorize(world, call, intent, used)
    else:
        refused = Method(
            used.id,
            code="payment_intent_authentication_failure",
            message="The provided PaymentMethod has failed authentication.",
        )
        fail(world, call, intent, refused, None)
        intent["next_action"] = None
    world.store.save(intent)
    return intent


def _check_status(intent: Record, verb: str, allowed: tuple[str, ...]) -> None:
    if intent["status"] not in allowed:
        raise invalid(
            f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent"
            f" with one of the following statuses may be used: {', '.join(allowed)}.",
            code="payment_intent_unexpected_state",
        )


_NAME = r"""(?:metadata\[(?P<q>["'])(?P<key>[^"']+)(?P=q)\]|(?P<field>status|currency|customer))"""
_VALUE = r"""(?P<mark>["'])(?P<value>(?:\\.|(?!(?P=mark))[^\\])*)(?P=mark)"""
_CLAUSE = re.compile(rf"{_NAME}\s*:\s*{_VALUE}")


def search(world: World, call: Call) -> Record:
    """`metadata['a']:'b' AND status:'succeeded'`; what is younger than the scripted delay is not found yet."""
    wanted = []
    for clause in re.split(r"\s+AND\s+", call.params["query"].strip()):
        found = _CLAUSE.fullmatch(clause)
        if found is None:
            raise invalid(f"We were unable to parse your search query: {clause}", param="query")
        wanted.append((found["key"], found["field"], re.sub(r"\\(.)", r"\1", found["value"])))
    keyed = next(((key, value) for key, _, value in wanted if key), None)
    candidates = (
        world.store.labelled(call.account, "payment_intent", f"metadata.{keyed[0]}", keyed[1])
        if keyed
        else world.store.listed(call.account, "payment_intent")
    )
    horizon = world.store.now() - int(world.store.setting("search_delay_s", 0))
    limit = call.params.get("limit", 10)
    matching = [intent for intent in candidates if intent["created"] <= horizon and _matches(intent, wanted)]
    return {
        "object": "search_result",
        "data": matching[:limit],
        "has_more": len(matching) > limit,
        "next_page": None,
        "url": "/v1/payment_intents/search",
    }


def _matches(intent: Record, wanted: list[tuple[str | None, str | None, str]]) -> bool:
    return all(
        (intent["metadata"].get(key) if key else intent.get(field or "")) == value for key, field, value in wanted
    )
