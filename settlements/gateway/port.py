"""What we ask of a payment provider, in our words: every outcome is known, refused for good, later, or unknown."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from marketplace.kernel.errors import Invalid, Upstream
from settlements.gateway.connect import ConnectGateway


class Rejected(Upstream):
    """The provider refused for good and nothing moved; the same request will never succeed. Fact: `code`."""

    def __init__(self, code: str, message: str = "", **facts: Any) -> None:
        self.code = code
        super().__init__(message or f"The payment provider refused: {code}", code=code, **facts)


class Later(Upstream):
    """Nothing moved and nothing was decided; try again later, as a new attempt with a new key. Fact: `code`."""

    def __init__(self, code: str, message: str = "", **facts: Any) -> None:
        self.code = code
        super().__init__(message or f"The payment provider asks to wait: {code}", code=code, **facts)


class Unknown(Upstream):
    """The provider may have done it: never take this for a failure. Ask again with the same key, or look it up."""

    def __init__(self, code: str, message: str = "", **facts: Any) -> None:
        self.code = code
        super().__init__(message or f"The payment provider did not answer clearly: {code}", code=code, **facts)


class EventNotGenuine(Invalid):
    """The signature of a web hook is missing, wrong or too old, or what it signs is no event."""


class PaymentState(StrEnum):
    REQUIRES_ACTION = "requires_action"  # the payer must do something, such as confirm with the bank
    PROCESSING = "processing"  # on its way; an event or a look tells how it ended
    CAPTURED = "captured"  # the money is ours
    FAILED = "failed"  # this attempt took nothing; `failure_code` says why
    CANCELLED = "cancelled"  # given up; it can never take money any more


class RefundState(StrEnum):
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"  # may still become failed days later
    FAILED = "failed"  # the money came back to us
    CANCELLED = "cancelled"


class EventKind(StrEnum):
    PAYMENT = "payment"  # look at the payment `object_id`
    REFUND = "refund"  # look at the refund `object_id`
    ACCOUNT = "account"  # look at the connected account `object_id`
    TRANSFER = "transfer"  # look at the transfer `object_id`
    PAYOUT = "payout"  # look at the payout `object_id` of `account`
    DISPUTE = "dispute"  # look at the dispute `object_id`
    BALANCE = "balance"  # money became available on the balance of `account`
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class PaymentRequest:
    """`key` comes from our own row and is never used for anything else; `transfer_group` is the order's id.

    `amount_minor` > 0 in minor units of `currency` (ISO 4217, upper case). `metadata` holds at most 40 entries.
    """

    key: str
    amount_minor: int
    currency: str
    payment_method: str
    order_number: str
    transfer_group: str
    description: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PaymentResult:
    """What the provider knows of a payment. `fee_minor` and `net_minor` are None until it is captured and booked.

    `amount_minor` is what was asked; `captured_minor` what was taken, 0 unless captured. `client_secret` lets the
    payer's browser do what `requires_action` asks for.
    """

    provider_id: str
    state: PaymentState
    amount_minor: int
    captured_minor: int
    currency: str
    charge_id: str | None = None
    balance_transaction_id: str | None = None
    fee_minor: int | None = None
    net_minor: int | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    """Give back part of the payment `payment_id` (the provider's id, see PaymentResult.provider_id)."""

    key: str
    payment_id: str
    amount_minor: int
    currency: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RefundResult:
    provider_id: str
    state: RefundState
    amount_minor: int
    currency: str
    payment_id: str | None = None
    balance_transaction_id: str | None = None
    failure_balance_transaction_id: str | None = None
    failure_reason: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GatewayEvent:
    """A genuine event: a hint to look at `object_id`, never a fact by itself.

    `id` is the provider's and the same on every delivery. `name` is the provider's word, for the record. `account` is
    the connected account it concerns, None for our own. `object_id` is the payment for every event about a payment or
    its charge, the refund for every event about a refund, the account for every event about an account, its
    capabilities or its bank accounts, the dispute for every event about a dispute.
    """

    id: str
    kind: EventKind
    name: str
    object_id: str
    account: str | None
    created: datetime
    raw: dict[str, Any] = field(repr=False)


class PaymentGateway(ConnectGateway, Protocol):
    """Every call may raise Rejected, Later or Unknown; a payment that is declined is a result, not an error.

    The key of a request makes it safe to repeat for 24 hours; after that, look it up before asking again.
    """

    def take_payment(self, request: PaymentRequest) -> PaymentResult:
        """Takes the whole amount at once, onto our own balance."""

    def payment(self, provider_id: str) -> PaymentResult:
        """As it stands now. Raises Rejected (code `resource_missing`) for an id it does not know."""

    def find_payment(self, key: str, transfer_group: str) -> PaymentResult | None:
        """The payment that was asked for with this key, if there is one.

        None is certain only for a request older than a minute: what takes no money is found by an index that lags.
        """

    def cancel_payment(self, provider_id: str, key: str) -> PaymentResult:
        """Makes sure that it never takes money; Rejected when it already has."""

    def refund(self, request: RefundRequest) -> RefundResult:
        """Gives money back. Never more than was captured: Rejected."""

    def refund_by_id(self, provider_id: str) -> RefundResult:
        """As it stands now. Raises Rejected (code `resource_missing`) for an id it does not know."""

    def find_refund(self, key: str, payment_id: str) -> RefundResult | None:
        """The refund that was asked for with this key, if there is one."""

    def read_event(self, raw_body: bytes, signature_header: str | None) -> GatewayEvent:
        """Raises EventNotGenuine."""


def own_id(metadata: Mapping[str, str], name: str) -> uuid.UUID | None:
    """The id of a row of ours that the provider was given with an object; None: it is none that we asked for."""
    try:
        return uuid.UUID(metadata.get(name, ""))
    except ValueError:
        return None
