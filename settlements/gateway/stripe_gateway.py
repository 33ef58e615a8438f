"""The only file that speaks to Stripe: every payment lands on our own balance, under a key from our own rows."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import stripe

from settlements.gateway.port import (
    EventKind,
    EventNotGenuine,
    GatewayEvent,
    Later,
    PaymentRequest,
    PaymentResult,
    PaymentState,
    RefundRequest,
    RefundResult,
    RefundState,
    Rejected,
    Unknown,
)

API_VERSION = "2026-10-28.endive"
KEY_NAME = "kontor_key"
ORDER_NAME = "order_number"
SIGNATURE_TOLERANCE_S = 300

_PAID = ["latest_charge.balance_transaction"]
_WAIT_CODES = frozenset({"rate_limit", "lock_timeout", "balance_insufficient", "insufficient_funds"})

_PAYMENT_STATES = {
    "requires_payment_method": PaymentState.FAILED,
    "requires_confirmation": PaymentState.PROCESSING,
    "requires_action": PaymentState.REQUIRES_ACTION,
    "requires_capture": PaymentState.PROCESSING,
    "processing": PaymentState.PROCESSING,
    "succeeded": PaymentState.CAPTURED,
    "canceled": PaymentState.CANCELLED,
}
_REFUND_STATES = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.REQUIRES_ACTION,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.CANCELLED,
}

_Answer = TypeVar("_Answer")


class StripeGateway:
    """PaymentGateway on Stripe. Threads may share one; each keeps its own open connection.

    `api_base` moves every call to another server of the same interface. Nothing is retried in here: the caller repeats
    with the same key, so that a row of ours always knows what was asked.
    """

    def __init__(
        self,
        *,
        api_key: str,
        webhook_secret: str | None = None,
        api_base: str | None = None,
        connect_timeout_s: float = 5,
        read_timeout_s: float = 30,
    ) -> None:
        if not api_key.strip():
            raise ValueError("the payment provider needs an API key")
        if webhook_secret is not None and not webhook_secret.strip():
            raise ValueError("an empty web hook secret would let anybody sign")
        self._webhook_secret = webhook_secret
        self._client = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base, "connect": api_base, "files": api_base} if api_base else None,
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=(connect_timeout_s, read_timeout_s)),
        )

    def take_payment(self, request: PaymentRequest) -> PaymentResult:
        params: Any = {
            "amount": request.amount_minor,
            "currency": request.currency.lower(),
            "payment_method": request.payment_method,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            # The default captures in the background and answers without the fee.
            "capture_method": "automatic",
            "description": request.description or request.order_number,
            "transfer_group": request.transfer_group,
            "metadata": {**request.metadata, ORDER_NAME: request.order_number, KEY_NAME: request.key},
            "expand": _PAID,
        }
        try:
            made = self._client.v1.payment_intents.create(params, _under(request.key))
        except stripe.CardError as error:
            declined = _object(error).get("payment_intent")
            if declined is None:
                raise _outcome(error) from error
            return _payment(declined, failure=_object(error))
        except stripe.StripeError as error:
            raise _outcome(error) from error
        return _payment(made.to_dict())

    def payment(self, provider_id: str) -> PaymentResult:
        found = _asked(lambda: self._client.v1.payment_intents.retrieve(provider_id, {"expand": _PAID}))
        return _payment(found.to_dict())

    def find_payment(self, key: str, transfer_group: str) -> PaymentResult | None:
        params: Any = {"transfer_group": transfer_group, "limit": 100, "expand": ["data.payment_intent"]}
        for charge in _asked(lambda: list(self._client.v1.charges.list(params).auto_paging_iter())):
            intent = charge.to_dict()["payment_intent"]
            if intent and intent["metadata"].get(KEY_NAME) == key:
                return self.payment(intent["id"])
        # One that never reached a charge, as while the payer is asked to confirm, is only in the search index.
        query = f"metadata['{KEY_NAME}']:'{_quoted(key)}'"
        matching = _asked(lambda: self._client.v1.payment_intents.search({"query": query, "limit": 1}))
        return self.payment(matching.data[0].id) if matching.data else None

    def cancel_payment(self, provider_id: str, key: str) -> PaymentResult:
        params: Any = {"cancellation_reason": "abandoned", "expand": _PAID}
        cancelled = _asked(lambda: self._client.v1.payment_intents.cancel(provider_id, params, _under(key)))
        return _payment(cancelled.to_dict())

    def refund(self, request: RefundRequest) -> RefundResult:
        params: Any = {
            "payment_intent": request.payment_id,
            "amount": request.amount_minor,
            "metadata": {**request.metadata, KEY_NAME: request.key},
        }
        return _refund(_asked(lambda: self._client.v1.refunds.create(params, _under(request.key))).to_dict())

    def refund_by_id(self, provider_id: str) -> RefundResult:
        return _refund(_asked(lambda: self._client.v1.refunds.retrieve(provider_id)).to_dict())

    def find_refund(self, key: str, payment_id: str) -> RefundResult | None:
        params: Any = {"payment_intent": payment_id, "limit": 100}
        for refund in _asked(lambda: list(self._client.v1.refunds.list(params).auto_paging_iter())):
            found = _refund(refund.to_dict())
            if found.metadata.get(KEY_NAME) == key:
                return found
        return None

    def read_event(self, raw_body: bytes, signature_header: str | None) -> GatewayEvent:
        if self._webhook_secret is None:
            raise EventNotGenuine("No web hook secret is set.")
        try:
            event = self._client.construct_event(
                raw_body, signature_header, self._webhook_secret, SIGNATURE_TOLERANCE_S
            )
            raw = json.loads(raw_body)
            subject = raw["data"]["object"]
        except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EventNotGenuine("The web hook's signature or body is not genuine.") from error
        kind, object_id = _subject(event.type, subject)
        created = datetime.fromtimestamp(event.created, UTC)
        return GatewayEvent(
            id=event.id,
            kind=kind,
            name=event.type,
            object_id=object_id,
            account=raw.get("account"),
            created=created,
            raw=raw,
        )


def _under(key: str) -> stripe.RequestOptions:
    return {"idempotency_key": key}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _asked(call: Callable[[], _Answer]) -> _Answer:
    try:
        return call()
    except stripe.StripeError as error:
        raise _outcome(error) from error


def _object(error: stripe.StripeError) -> dict[str, Any]:
    body = error.json_body
    found = body.get("error") if isinstance(body, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def _outcome(error: stripe.StripeError) -> Rejected | Later | Unknown:
    """One of three, so that no caller ever reads silence as refusal.

    A key that is in use, or was used for something else, is unknown: what it was used for first may have moved money.
    """
    code = error.code or _object(error).get("code") or type(error).__name__
    message = error.user_message or str(error)
    if isinstance(error, stripe.IdempotencyError) or code == "idempotency_key_in_use":
        return Unknown(code, message)
    if isinstance(error, stripe.RateLimitError) or error.http_status == 409 or code in _WAIT_CODES:
        return Later(code, message)
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        # Our own set-up is wrong, not the request: nothing was done, and it succeeds once that is mended.
        return Later(code, message)
    if isinstance(error, stripe.CardError | stripe.InvalidRequestError):
        return Rejected(code, message)
    return Unknown(code, message)


def _payment(intent: Mapping[str, Any], failure: Mapping[str, Any] | None = None) -> PaymentResult:
    status = intent["status"]
    if status not in _PAYMENT_STATES:
        raise Unknown("unknown_status", f"The payment {intent['id']} is {status!r}.")
    charge = intent.get("latest_charge")
    charge = charge if isinstance(charge, Mapping) else {"id": charge}
    booked = charge.get("balance_transaction")
    booked = booked if isinstance(booked, Mapping) else {"id": booked}
    failure = failure or intent.get("last_payment_error") or {}
    return PaymentResult(
        provider_id=intent["id"],
        state=_PAYMENT_STATES[status],
        amount_minor=intent["amount"],
        captured_minor=intent["amount_received"],
        currency=intent["currency"].upper(),
        charge_id=charge["id"],
        balance_transaction_id=booked["id"],
        fee_minor=booked.get("fee"),
        net_minor=booked.get("net"),
        failure_code=failure.get("decline_code") or failure.get("code"),
        failure_message=failure.get("message"),
        client_secret=intent.get("client_secret"),
        metadata=dict(intent.get("metadata") or {}),
    )


def _refund(refund: Mapping[str, Any]) -> RefundResult:
    status = refund["status"]
    if status not in _REFUND_STATES:
        raise Unknown("unknown_status", f"The refund {refund['id']} is {status!r}.")
    return RefundResult(
        provider_id=refund["id"],
        state=_REFUND_STATES[status],
        amount_minor=refund["amount"],
        currency=refund["currency"].upper(),
        payment_id=refund.get("payment_intent"),
        balance_transaction_id=refund.get("balance_transaction"),
        failure_balance_transaction_id=refund.get("failure_balance_transaction"),
        failure_reason=refund.get("failure_reason"),
        metadata=dict(refund.get("metadata") or {}),
    )


def _subject(name: str, subject: Mapping[str, Any]) -> tuple[EventKind, str]:
    family = name.partition(".")[0]
    if name.startswith("charge.dispute."):
        return EventKind.OTHER, subject["id"]
    if family == "charge" and subject.get("payment_intent"):
        return EventKind.PAYMENT, subject["payment_intent"]
    kinds = {"payment_intent": EventKind.PAYMENT, "refund": EventKind.REFUND}
    return kinds.get(family, EventKind.OTHER), str(subject.get("id", ""))
