"""A payment provider in memory that behaves: keys replay, nothing is refunded twice over, and it fails when told to."""

import itertools
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from marketplace.kernel import clock
from marketplace.kernel.money import round_half_up
from settlements.gateway.connect import DisputeState
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
from tests.settlements.memory_connect import MemoryConnect

SIGNATURE = "signed"
KINDS = {
    "payment_intent": EventKind.PAYMENT,
    "charge": EventKind.PAYMENT,
    "refund": EventKind.REFUND,
    "account": EventKind.ACCOUNT,
    "capability": EventKind.ACCOUNT,
    "transfer": EventKind.TRANSFER,
    "payout": EventKind.PAYOUT,
    "balance": EventKind.BALANCE,
}
HOLDING = {DisputeState.NEEDS_RESPONSE, DisputeState.UNDER_REVIEW, DisputeState.LOST}
DECLINED = {"pm_declined": "insufficient_funds", "pm_lost": "lost_card"}


def fee_of(amount_minor):
    """1.5 % and 0.25: 6.80 of 436.74."""
    return round_half_up(amount_minor * 150, 10_000) + 25


class MemoryGateway(MemoryConnect):
    """`faults`: (call, what) pairs that hit one call each: `later`, `lost` (no effect), `unanswered` (with effect).

    `calls` counts what was asked; `events` are the (name, object id) that a web hook would tell, in their order.
    """

    def __init__(self):
        super().__init__()
        self.lock = threading.RLock()
        self.payments: dict[str, PaymentResult] = {}
        self.refunds: dict[str, RefundResult] = {}
        self.by_key: dict[str, tuple[object, object]] = {}
        self.faults: list[tuple[str, str]] = []
        self.calls: list[str] = []
        self.events: list[tuple[str, str]] = []
        self.before_call: Callable[[str], None] = lambda name: None
        self._numbers = itertools.count(1)
        self._name = uuid.uuid4().hex[:10]  # ids of two gateways never meet

    # What the outside world does.

    def authenticate(self, provider_id, *, succeeds=True):
        """The payer confirms a payment that requires action, or his bank refuses."""
        with self.lock:
            payment = self.payments[provider_id]
            assert payment.state in {PaymentState.REQUIRES_ACTION, PaymentState.PROCESSING}
            self.payments[provider_id] = self._captured(payment) if succeeds else self._failed(payment, "refused")

    def bounce(self, provider_id):
        """A refund comes back, however long ago it succeeded."""
        with self.lock:
            refund = self.refunds[provider_id]
            back = self._move(None, "refund_failure", refund.amount_minor, refund.currency, provider_id)
            self.refunds[provider_id] = replace(
                refund,
                state=RefundState.FAILED,
                failure_reason="lost_or_stolen_card",
                failure_balance_transaction_id=back.id,
            )
            self.events.append(("refund.failed", provider_id))

    def settle(self, provider_id):
        """A pending refund succeeds."""
        with self.lock:
            self.refunds[provider_id] = replace(self.refunds[provider_id], state=RefundState.SUCCEEDED)
            self.events.append(("refund.updated", provider_id))

    def balance_minor(self):
        """What is on our balance: the books' psp_clearing."""
        return sum(row.net_minor for row in self.movements[None])

    # The port.

    def take_payment(self, request: PaymentRequest) -> PaymentResult:
        return self._once("take_payment", request, self._take, self.payments)

    def payment(self, provider_id: str) -> PaymentResult:
        return self._read("payment", self.payments, provider_id)

    def find_payment(self, key: str, transfer_group: str) -> PaymentResult | None:
        return self._found("find_payment", key, self.payments)

    def cancel_payment(self, provider_id: str, key: str) -> PaymentResult:
        self._begin("cancel_payment")
        with self.lock:
            payment = self.payments[provider_id]
            if payment.state is PaymentState.CAPTURED:
                raise Rejected("payment_intent_unexpected_state")
            self.payments[provider_id] = replace(payment, state=PaymentState.CANCELLED)
            return self.payments[provider_id]

    def refund(self, request: RefundRequest) -> RefundResult:
        return self._once("refund", request, self._refund, self.refunds)

    def refund_by_id(self, provider_id: str) -> RefundResult:
        return self._read("refund_by_id", self.refunds, provider_id)

    def find_refund(self, key: str, payment_id: str) -> RefundResult | None:
        return self._found("find_refund", key, self.refunds)

    def read_event(self, raw_body: bytes, signature_header: str | None) -> GatewayEvent:
        if signature_header != SIGNATURE:
            raise EventNotGenuine("not signed")
        told = json.loads(raw_body)
        family = told["name"].partition(".")[0]
        kind = EventKind.DISPUTE if told["name"].startswith("charge.dispute.") else KINDS.get(family, EventKind.OTHER)
        return GatewayEvent(
            id=told["id"],
            kind=kind,
            name=told["name"],
            object_id=told["object_id"],
            account=told.get("account"),
            created=datetime.now(UTC),
            raw=told,
        )

    def _begin(self, call):
        self.before_call(call)
        with self.lock:
            self.calls.append(call)
            kind = next((what for name, what in self.faults if name == call), None)
            if kind is not None:
                self.faults.remove((call, kind))
            if kind == "later":
                raise Later("rate_limit")
            if kind == "lost":
                raise Unknown("connection")
            return kind

    def _read(self, call, objects, provider_id):
        self._begin(call)
        if provider_id not in objects:
            raise Rejected("resource_missing")
        return objects[provider_id]

    def _found(self, call, key, objects):
        self._begin(call)
        made = self.by_key.get(key)
        return None if made is None else objects.get(made[1])

    def _once(self, call, request, make, objects):
        fault = self._begin(call)
        with self.lock:
            if request.key in self.by_key:
                first, object_id = self.by_key[request.key]
                if first != request:
                    raise Unknown("idempotency_error")
                made = objects[object_id]
            else:
                made = make(request)
                self.by_key[request.key] = (request, made.provider_id)
        self._unanswered(fault)
        return made

    @staticmethod
    def _unanswered(fault):
        if fault == "unanswered":
            raise Unknown("timeout")

    def _take(self, request):
        if request.payment_method == "pm_unknown":
            raise Rejected("resource_missing")
        payment = PaymentResult(
            provider_id=self._id("pi"),
            state=PaymentState.PROCESSING,
            amount_minor=request.amount_minor,
            captured_minor=0,
            currency=request.currency,
            metadata=dict(request.metadata),
        )
        if request.payment_method in DECLINED:
            payment = self._failed(payment, DECLINED[request.payment_method])
        elif request.payment_method == "pm_asks":
            secret = f"{payment.provider_id}_secret"
            payment = replace(payment, state=PaymentState.REQUIRES_ACTION, client_secret=secret)
        elif request.payment_method != "pm_slow":
            payment = self._captured(payment)
        self.payments[payment.provider_id] = payment
        return payment

    def _captured(self, payment):
        fee = fee_of(payment.amount_minor)
        charge_id, available_at = self._id("ch"), clock.now() + self.settle_after
        booked = self._move(None, "charge", payment.amount_minor, payment.currency, charge_id, fee=fee, at=available_at)
        self.events += [("charge.succeeded", payment.provider_id), ("payment_intent.succeeded", payment.provider_id)]
        return replace(
            payment,
            state=PaymentState.CAPTURED,
            captured_minor=payment.amount_minor,
            charge_id=charge_id,
            balance_transaction_id=booked.id,
            fee_minor=fee,
            net_minor=payment.amount_minor - fee,
            client_secret=None,
        )

    def _failed(self, payment, code):
        self.events.append(("payment_intent.payment_failed", payment.provider_id))
        return replace(payment, state=PaymentState.FAILED, failure_code=code, failure_message="It was declined.")

    def _refund(self, request):
        payment = self.payments[request.payment_id]
        living = [
            row.amount_minor
            for row in self.refunds.values()
            if row.payment_id == request.payment_id and row.state is not RefundState.FAILED
        ]
        if request.amount_minor + sum(living) > payment.captured_minor:
            raise Rejected("charge_already_refunded")
        if any(row.payment_id == request.payment_id and row.state in HOLDING for row in self.disputed.values()):
            raise Rejected("charge_disputed")
        refund_id = self._id("re")
        taken = self._move(None, "refund", -request.amount_minor, request.currency, refund_id)
        refund = RefundResult(
            provider_id=refund_id,
            state=RefundState.SUCCEEDED,
            amount_minor=request.amount_minor,
            currency=request.currency,
            payment_id=request.payment_id,
            balance_transaction_id=taken.id,
            metadata=dict(request.metadata),
        )
        self.refunds[refund.provider_id] = refund
        self.events += [("refund.created", refund.provider_id), ("charge.refunded", request.payment_id)]
        return refund

    def _id(self, prefix):
        return f"{prefix}_{self._name}_{next(self._numbers)}"
