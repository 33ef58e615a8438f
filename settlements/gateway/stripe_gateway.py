"""The only file that speaks to Stripe: every payment lands on our own balance, under a key from our own rows."""

import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.request import getproxies

import stripe
import urllib3

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
from settlements.gateway.stripe_connect import KEY_NAME, Found, StripeConnect, at

API_VERSION = "2026-10-28.endive"
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

_EVENT_KINDS = {
    "payment_intent": EventKind.PAYMENT,
    "refund": EventKind.REFUND,
    "account": EventKind.ACCOUNT,
    "transfer": EventKind.TRANSFER,
    "payout": EventKind.PAYOUT,
    "balance": EventKind.BALANCE,
}
_PAGE = 100
_EVIDENCE_TYPES = ("application/pdf", "image/jpeg", "image/png")


class StripeGateway(StripeConnect):
    """PaymentGateway on Stripe. Threads may share one.

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
            http_client=_PooledClient(
                urllib3.Timeout(connect=connect_timeout_s, read=read_timeout_s),
                # An address that was given is reached directly.
                proxy=None if api_base else getproxies().get("https"),
            ),
        )

    def take_payment(self, request: PaymentRequest) -> PaymentResult:
        params = {
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
            made = self._post("payment_intents", params, request.key)
        except stripe.CardError as error:
            failure = _object(error)
            if "payment_intent" not in failure:
                raise _outcome(error) from error
            return _payment(failure["payment_intent"], failure)
        except stripe.StripeError as error:
            raise _outcome(error) from error
        return _payment(made)

    def payment(self, provider_id: str) -> PaymentResult:
        return _payment(self._get(at("payment_intents", provider_id), {"expand": _PAID}))

    def find_payment(self, key: str, transfer_group: str) -> PaymentResult | None:
        for charge in self._every("charges", {"transfer_group": transfer_group, "expand": ["data.payment_intent"]}):
            intent = charge["payment_intent"]
            if intent and intent["metadata"].get(KEY_NAME) == key:
                return self.payment(intent["id"])
        # One that never reached a charge, as while the payer is asked to confirm, is only in the search index.
        query = f"metadata['{KEY_NAME}']:'{_quoted(key)}'"
        matching = self._get("payment_intents/search", {"query": query, "limit": 1})["data"]
        return self.payment(matching[0]["id"]) if matching else None

    def cancel_payment(self, provider_id: str, key: str) -> PaymentResult:
        params = {"cancellation_reason": "abandoned", "expand": _PAID}
        return _payment(self._send(at("payment_intents", provider_id) + "/cancel", params, key))

    def refund(self, request: RefundRequest) -> RefundResult:
        params = {
            "payment_intent": request.payment_id,
            "amount": request.amount_minor,
            "metadata": {**request.metadata, KEY_NAME: request.key},
        }
        return _refund(self._send("refunds", params, request.key))

    def refund_by_id(self, provider_id: str) -> RefundResult:
        return _refund(self._get(at("refunds", provider_id), {}))

    def find_refund(self, key: str, payment_id: str) -> RefundResult | None:
        for refund in self._every("refunds", {"payment_intent": payment_id}):
            if (refund["metadata"] or {}).get(KEY_NAME) == key:
                return _refund(refund)
        return None

    def upload_evidence(self, key: str, name: str, content_type: str, content: bytes) -> str:
        if content_type not in _EVIDENCE_TYPES:
            raise Rejected("invalid_file", f"Evidence is {', '.join(_EVIDENCE_TYPES)}, not {content_type}.")
        file = io.BytesIO(content)
        file.name = name
        try:
            made = self._client.v1.files.create({"purpose": "dispute_evidence", "file": file}, {"idempotency_key": key})
        except stripe.StripeError as error:
            raise _outcome(error) from error
        return made.id

    def read_event(self, raw_body: bytes, signature_header: str | None) -> GatewayEvent:
        if self._webhook_secret is None:
            raise EventNotGenuine("No web hook secret is set.")
        try:
            stripe.WebhookSignature.verify_header(
                raw_body, signature_header, self._webhook_secret, SIGNATURE_TOLERANCE_S
            )
            raw = json.loads(raw_body)
            name, subject = raw["type"], raw["data"]["object"]
            kind, object_id = _subject(name, subject)
            created = datetime.fromtimestamp(raw["created"], UTC)
            event_id = raw["id"]
        except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EventNotGenuine("The web hook's signature or body is not genuine.") from error
        return GatewayEvent(
            id=event_id,
            kind=kind,
            name=name,
            object_id=object_id,
            account=raw.get("account"),
            created=created,
            raw=raw,
        )

    # Raw requests: building the SDK's objects, only to read a few fields of them, costs as much as the call itself.

    def _post(self, path: str, params: dict[str, Any], key: str | None, account: str | None = None) -> Found:
        options = {"idempotency_key": key, "stripe_account": account}
        given = {name: value for name, value in options.items() if value is not None}
        answer = self._client.raw_request("post", f"/v1/{path}", **params, **given)
        found: Found = answer.data
        return found

    def _send(self, path: str, params: dict[str, Any], key: str | None, account: str | None = None) -> Found:
        try:
            return self._post(path, params, key, account)
        except stripe.StripeError as error:
            raise _outcome(error) from error

    def _get(self, path: str, params: dict[str, Any], account: str | None = None) -> Found:
        options = {"stripe_account": account} if account else {}
        try:
            found: Found = self._client.raw_request("get", f"/v1/{path}", **params, **options).data
        except stripe.StripeError as error:
            raise _outcome(error) from error
        return found

    def _every(self, path: str, params: dict[str, Any], account: str | None = None) -> Iterator[Found]:
        """All of a list, page by page, newest first."""
        page = self._get(path, params | {"limit": _PAGE}, account)
        yield from page["data"]
        while page["has_more"] and page["data"]:
            after = {"limit": _PAGE, "starting_after": page["data"][-1]["id"]}
            page = self._get(path, params | after, account)
            yield from page["data"]


class _PooledClient(stripe.HTTPClient):
    """Connections kept open and shared by all threads, with less work per call than the SDK's own client."""

    name = "urllib3"

    def __init__(self, timeout: urllib3.Timeout, proxy: str | None) -> None:
        super().__init__()
        options: Any = {
            "timeout": timeout,
            "retries": False,
            "maxsize": 32,
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": stripe.ca_bundle_path,
        }
        self._pool = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            answer = self._pool.request(method, url, body=post_data, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise stripe.APIConnectionError(f"No answer from the payment provider: {error!r}") from error
        return answer.data, answer.status, answer.headers

    def close(self) -> None:
        self._pool.clear()


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _object(error: stripe.StripeError) -> dict[str, Any]:
    body = error.json_body
    found = body.get("error") if isinstance(body, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def _outcome(error: stripe.StripeError) -> Rejected | Later | Unknown:
    """One of three, so that no caller ever reads silence as refusal.

    A key that is in use, or was used for something else, is unknown: what it was used for first may have moved money.
    """
    facts = _object(error)
    named = f"invalid_{facts['param']}" if facts.get("param") else type(error).__name__
    code = error.code or facts.get("code") or named
    message = error.user_message or str(error)
    if isinstance(error, stripe.IdempotencyError) or code == "idempotency_key_in_use":
        return Unknown(code, message)
    if isinstance(error, stripe.RateLimitError) or error.http_status == 409 or code in _WAIT_CODES:
        return Later(code, message)
    if code == "account_invalid":
        return Rejected(code, message)  # a connected account that is not, or no longer, ours
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        # Our own set-up is wrong, not the request: nothing was done, and it succeeds once that is mended.
        return Later(code, message)
    if isinstance(error, stripe.CardError | stripe.InvalidRequestError):
        return Rejected(code, message)
    return Unknown(code, message)


def _payment(intent: Found, failure: Found | None = None) -> PaymentResult:
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


def _refund(refund: Found) -> RefundResult:
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
        return EventKind.DISPUTE, subject["id"]
    if family == "charge" and subject.get("payment_intent"):
        return EventKind.PAYMENT, subject["payment_intent"]
    if family in ("account", "capability") and subject.get("account"):
        return EventKind.ACCOUNT, subject["account"]  # a bank account or a capability of it
    return _EVENT_KINDS.get(family, EventKind.OTHER), str(subject.get("id", ""))
