"""Vendors' accounts, transfers, payouts, balances and disputes as a provider knows them, in our words."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Capability(StrEnum):
    """What an account may do: only `active` may."""

    ACTIVE = "active"
    PENDING = "pending"  # asked for, the provider still looks at it
    INACTIVE = "inactive"  # something is due, or it was taken away
    UNREQUESTED = "unrequested"


class PayoutState(StrEnum):
    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"  # may still become failed within some days
    FAILED = "failed"  # the money is back on the balance it left
    CANCELLED = "cancelled"


class DisputeState(StrEnum):
    WARNING_NEEDS_RESPONSE = "warning_needs_response"  # an enquiry: no money has moved
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"  # solved before it became a chargeback: no money has moved


@dataclass(frozen=True, kw_only=True)
class AccountRequest:
    """`key` comes from our own row; `country` is ISO 3166, upper case; the platform bears what the account owes."""

    key: str
    country: str
    email: str
    company_name: str
    currency: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AccountResult:
    """What the provider knows of an account. `currencies` are those of its bank accounts that work.

    `due` names what must be told now, `past_due` what should have been already, `eventually_due` what will be;
    `disabled_reason` says why charges or payouts are off.
    """

    provider_id: str
    country: str
    currency: str
    currencies: tuple[str, ...] = ()
    transfers: Capability = Capability.UNREQUESTED
    charges_enabled: bool = False
    payouts_enabled: bool = False
    details_submitted: bool = False
    due: tuple[str, ...] = ()
    past_due: tuple[str, ...] = ()
    eventually_due: tuple[str, ...] = ()
    pending_verification: tuple[str, ...] = ()
    due_by: datetime | None = None
    disabled_reason: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AccountLink:
    """A link for one use by the vendor's own browser, until `expires_at`; never sent by mail."""

    url: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """Money from our balance to a connected account.

    With `source_charge_id` it waits for that charge's funds, and all transfers of a charge stay within its amount;
    without, it needs available balance (Later, code `balance_insufficient`). `transfer_group` only labels it.
    """

    key: str
    amount_minor: int
    currency: str
    destination: str
    transfer_group: str
    source_charge_id: str | None = None
    description: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TransferResult:
    """A transfer that exists was made; `reversed_minor` of it came back."""

    provider_id: str
    amount_minor: int
    reversed_minor: int
    currency: str
    destination: str
    balance_transaction_id: str | None = None
    source_charge_id: str | None = None
    transfer_group: str | None = None
    created: datetime | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ReversalResult:
    """Part of a transfer that came back to our balance."""

    provider_id: str
    transfer_id: str
    amount_minor: int
    currency: str
    balance_transaction_id: str | None = None
    created: datetime | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What an account holds, in minor units by currency: to use now, and on its way. Both may be negative."""

    available: dict[str, int]
    pending: dict[str, int]

    def total_minor(self, currency: str) -> int:
        """What psp_clearing must come to, where the account is our own."""
        return self.available.get(currency, 0) + self.pending.get(currency, 0)


@dataclass(frozen=True, kw_only=True)
class PayoutRequest:
    """Money from the available balance of `account` (None: our own) to its bank."""

    key: str
    account: str | None
    amount_minor: int
    currency: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PayoutResult:
    provider_id: str
    account: str | None
    state: PayoutState
    amount_minor: int
    currency: str
    automatic: bool
    arrives_at: datetime | None = None
    created: datetime | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    balance_transaction_id: str | None = None
    failure_balance_transaction_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BalanceTransaction:
    """One movement of a balance: amount - fee = net. `kind` is the provider's word for it, `source_id` what caused it.

    `metadata` is that of the source, as far as it has some; `related` names what the source belongs to: the ids of its
    payment, charge, transfer and destination.
    """

    id: str
    kind: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    created: datetime
    available_at: datetime
    source_id: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    related: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DisputeResult:
    """A chargeback as it stands now; `movements` are what it did to our balance so far, the oldest first."""

    provider_id: str
    state: DisputeState
    amount_minor: int
    currency: str
    charge_id: str
    payment_id: str | None
    reason: str
    created: datetime
    due_by: datetime | None = None
    has_evidence: bool = False
    submissions: int = 0
    charge_refundable: bool = False
    movements: tuple[BalanceTransaction, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EvidenceRequest:
    """What speaks for us: texts and uploaded files by the provider's names; `submit` hands it to the bank, once."""

    key: str
    dispute_id: str
    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    submit: bool = False


class ConnectGateway(Protocol):
    """What PaymentGateway does beside payments; the same refusals, and the same meaning of a key."""

    def create_account(self, request: AccountRequest) -> AccountResult:
        """A connected account that may receive transfers once the vendor told what is due."""

    def account(self, provider_id: str) -> AccountResult:
        """As it stands now. Raises Rejected (code `resource_missing` or `account_invalid`) for one that is not ours."""

    def find_account(self, key: str, since: datetime) -> AccountResult | None:
        """The account that was asked for with this key, among those made since then."""

    def account_link(self, provider_id: str, *, return_url: str, refresh_url: str) -> AccountLink:
        """Where the vendor tells the provider what is due."""

    def transfer(self, request: TransferRequest) -> TransferResult:
        """Moves money to a connected account.

        Rejected: more than the charge has left (`invalid_source_transaction`), an account that may not receive
        (`insufficient_capabilities_for_transfer`, `account_invalid`, `account_closed`) or not this currency. Later:
        too little available balance (`balance_insufficient`).
        """

    def transfer_by_id(self, provider_id: str) -> TransferResult:
        """As it stands now. Raises Rejected (code `resource_missing`) for an id it does not know."""

    def find_transfer(self, key: str, transfer_group: str) -> TransferResult | None:
        """The transfer that was asked for with this key, if there is one."""

    def reverse_transfer(
        self, key: str, transfer_id: str, amount_minor: int, metadata: dict[str, str] | None = None
    ) -> ReversalResult:
        """Takes back part of a transfer. Rejected: more than is left of it.

        Later, code `balance_insufficient`: more than the account's available balance.
        """

    def find_reversal(self, key: str, transfer_id: str) -> ReversalResult | None:
        """The reversal that was asked for with this key, if there is one."""

    def balance(self, account: str | None = None) -> Balance:
        """What our own balance, or that of a connected account, holds now."""

    def create_payout(self, request: PayoutRequest) -> PayoutResult:
        """From the available balance to the bank. Later, code `balance_insufficient`: it has less."""

    def payout_by_id(self, provider_id: str, account: str | None) -> PayoutResult:
        """As it stands now. Raises Rejected (code `resource_missing`) for an id it does not know."""

    def payouts(self, account: str | None, since: datetime | None = None) -> Iterator[PayoutResult]:
        """Of this account, the newest first."""

    def find_payout(self, key: str, account: str | None, since: datetime | None = None) -> PayoutResult | None:
        """The payout that was asked for with this key, if there is one."""

    def balance_transactions(
        self, since: datetime, until: datetime, account: str | None = None
    ) -> Iterator[BalanceTransaction]:
        """Every movement made at or after `since` and before `until`, the newest first; both cut to the second."""

    def balance_transaction(self, provider_id: str) -> BalanceTransaction:
        """Raises Rejected (code `resource_missing`) for an id it does not know."""

    def dispute_by_id(self, provider_id: str) -> DisputeResult:
        """As it stands now. Raises Rejected (code `resource_missing`) for an id it does not know."""

    def disputes(self, since: datetime) -> Iterator[DisputeResult]:
        """Those opened since then, the newest first."""

    def upload_evidence(self, key: str, name: str, content_type: str, content: bytes) -> str:
        """Hands over a file (PDF, PNG or JPEG); its id, for EvidenceRequest.files."""

    def submit_evidence(self, request: EvidenceRequest) -> DisputeResult:
        """Keeps evidence, or hands it to the bank. Rejected after `due_by`, and once it was decided."""

    def accept_dispute(self, provider_id: str, key: str) -> DisputeResult:
        """Gives it up: lost for good."""
