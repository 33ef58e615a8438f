"""Vendors' accounts, transfers, payouts and disputes at Stripe: requests in its words, answers in ours."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from settlements.gateway.connect import (
    AccountLink,
    AccountRequest,
    AccountResult,
    Balance,
    BalanceTransaction,
    Capability,
    DisputeResult,
    DisputeState,
    EvidenceRequest,
    PayoutRequest,
    PayoutResult,
    PayoutState,
    ReversalResult,
    TransferRequest,
    TransferResult,
)
from settlements.gateway.port import Rejected, Unknown

KEY_NAME = "kontor_key"
Found = Mapping[str, Any]
_Word = TypeVar("_Word")
_RELATED = ("payment_intent", "charge", "transfer", "destination")

_CAPABILITIES = {word.value: word for word in Capability}
_PAYOUT_STATES = {word.value: word for word in PayoutState} | {"canceled": PayoutState.CANCELLED}
_DISPUTE_STATES = {word.value: word for word in DisputeState}


class StripeConnect(ABC):
    """The part of StripeGateway that knows connected accounts; how a request is sent is the other part's."""

    @abstractmethod
    def _send(self, path: str, params: dict[str, Any], key: str | None, account: str | None = None) -> Found:
        """The answer to a request that changes something."""

    @abstractmethod
    def _get(self, path: str, params: dict[str, Any], account: str | None = None) -> Found:
        """The answer to a question."""

    @abstractmethod
    def _every(self, path: str, params: dict[str, Any], account: str | None = None) -> Iterator[Found]:
        """All rows of a list, page by page."""

    def create_account(self, request: AccountRequest) -> AccountResult:
        params = {
            "country": request.country,
            "email": request.email,
            "business_type": "company",
            "company": {"name": request.company_name},
            "default_currency": request.currency.lower(),
            # Separate charges and transfers: the platform pays fees and bears losses, Stripe asks what it must know.
            "controller": {
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "requirement_collection": "stripe",
                "stripe_dashboard": {"type": "express"},
            },
            "capabilities": {"transfers": {"requested": True}},
            "settings": {"payouts": {"schedule": {"interval": "daily"}, "debit_negative_balances": True}},
            "metadata": _marked(request.metadata, request.key),
        }
        return _account(self._send("accounts", params, request.key))

    def account(self, provider_id: str) -> AccountResult:
        return _account(self._get(at("accounts", provider_id), {}))

    def find_account(self, key: str, since: datetime) -> AccountResult | None:
        found = _with_key(key, self._every("accounts", {"created": {"gte": int(since.timestamp())}}))
        return found and _account(found)

    def account_link(self, provider_id: str, *, return_url: str, refresh_url: str) -> AccountLink:
        params = {
            "account": provider_id,
            "type": "account_onboarding",
            "return_url": return_url,
            "refresh_url": refresh_url,
            "collection_options": {"fields": "eventually_due"},
        }
        # Without a key: each link serves once, so the same answer again would serve nobody.
        made = self._send("account_links", params, None)
        return AccountLink(url=made["url"], expires_at=_time(made["expires_at"]))

    def transfer(self, request: TransferRequest) -> TransferResult:
        params: dict[str, Any] = {
            "amount": request.amount_minor,
            "currency": request.currency.lower(),
            "destination": request.destination,
            "transfer_group": request.transfer_group,
            "metadata": _marked(request.metadata, request.key),
        }
        if request.source_charge_id:
            params["source_transaction"] = request.source_charge_id
        if request.description:
            params["description"] = request.description
        return _transfer(self._send("transfers", params, request.key))

    def transfer_by_id(self, provider_id: str) -> TransferResult:
        return _transfer(self._get(at("transfers", provider_id), {}))

    def find_transfer(self, key: str, transfer_group: str) -> TransferResult | None:
        found = _with_key(key, self._every("transfers", {"transfer_group": transfer_group}))
        return found and _transfer(found)

    def reverse_transfer(
        self, key: str, transfer_id: str, amount_minor: int, metadata: dict[str, str] | None = None
    ) -> ReversalResult:
        params = {"amount": amount_minor, "metadata": _marked(metadata or {}, key)}
        return _reversal(self._send(at("transfers", transfer_id) + "/reversals", params, key))

    def find_reversal(self, key: str, transfer_id: str) -> ReversalResult | None:
        found = _with_key(key, self._every(at("transfers", transfer_id) + "/reversals", {}))
        return found and _reversal(found)

    def balance(self, account: str | None = None) -> Balance:
        found = self._get("balance", {}, account)
        return Balance(available=_sums(found["available"]), pending=_sums(found["pending"]))

    def create_payout(self, request: PayoutRequest) -> PayoutResult:
        params = {
            "amount": request.amount_minor,
            "currency": request.currency.lower(),
            "metadata": _marked(request.metadata, request.key),
        }
        return _payout(self._send("payouts", params, request.key, request.account), request.account)

    def payout_by_id(self, provider_id: str, account: str | None) -> PayoutResult:
        return _payout(self._get(at("payouts", provider_id), {}, account), account)

    def payouts(self, account: str | None, since: datetime | None = None) -> Iterator[PayoutResult]:
        for found in self._every("payouts", _since(since), account):
            yield _payout(found, account)

    def find_payout(self, key: str, account: str | None, since: datetime | None = None) -> PayoutResult | None:
        found = _with_key(key, self._every("payouts", _since(since), account))
        return found and _payout(found, account)

    def balance_transactions(
        self, since: datetime, until: datetime, account: str | None = None
    ) -> Iterator[BalanceTransaction]:
        span = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
        for found in self._every("balance_transactions", {"created": span, "expand": ["data.source"]}, account):
            yield _movement(found)

    def balance_transaction(self, provider_id: str) -> BalanceTransaction:
        return _movement(self._get(at("balance_transactions", provider_id), {"expand": ["source"]}))

    def dispute_by_id(self, provider_id: str) -> DisputeResult:
        return _dispute(self._get(at("disputes", provider_id), {}))

    def disputes(self, since: datetime) -> Iterator[DisputeResult]:
        for found in self._every("disputes", _since(since)):
            yield _dispute(found)

    def submit_evidence(self, request: EvidenceRequest) -> DisputeResult:
        params = {
            "evidence": request.texts | request.files,
            "submit": request.submit,
            "metadata": {KEY_NAME: request.key},
        }
        return _dispute(self._send(at("disputes", request.dispute_id), params, request.key))

    def accept_dispute(self, provider_id: str, key: str) -> DisputeResult:
        return _dispute(self._send(at("disputes", provider_id) + "/close", {}, key))


def at(collection: str, provider_id: str) -> str:
    """The path of one object. Raises Rejected for an id that is none."""
    if not provider_id:
        raise Rejected("resource_missing", "An empty id names nothing.")
    return f"{collection}/{quote(provider_id, safe='')}"


def _marked(metadata: Mapping[str, str], key: str) -> dict[str, str]:
    return {**metadata, KEY_NAME: key}


def _with_key(key: str, rows: Iterator[Found]) -> Found | None:
    return next((row for row in rows if (row.get("metadata") or {}).get(KEY_NAME) == key), None)


def _since(since: datetime | None) -> dict[str, Any]:
    return {"created": {"gte": int(since.timestamp())}} if since else {}


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _time_or_none(seconds: int | None) -> datetime | None:
    return _time(seconds) if seconds else None


def _id(found: Any) -> str | None:
    """Of an object that may be expanded."""
    return found["id"] if isinstance(found, Mapping) else found


def _sums(rows: list[Found]) -> dict[str, int]:
    return {row["currency"].upper(): row["amount"] for row in rows}


def _account(found: Found) -> AccountResult:
    due = found.get("requirements") or {}
    banks = (found.get("external_accounts") or {}).get("data") or []
    working = {row["currency"].upper() for row in banks if row.get("status") not in ("errored", "verification_failed")}
    transfers = (found.get("capabilities") or {}).get("transfers", Capability.UNREQUESTED.value)
    return AccountResult(
        provider_id=found["id"],
        country=found.get("country") or "",
        currency=(found.get("default_currency") or "").upper(),
        currencies=tuple(sorted(working)),
        transfers=_word(_CAPABILITIES, transfers, found["id"]),
        charges_enabled=bool(found.get("charges_enabled")),
        payouts_enabled=bool(found.get("payouts_enabled")),
        details_submitted=bool(found.get("details_submitted")),
        due=tuple(due.get("currently_due") or ()),
        past_due=tuple(due.get("past_due") or ()),
        eventually_due=tuple(due.get("eventually_due") or ()),
        pending_verification=tuple(due.get("pending_verification") or ()),
        due_by=_time_or_none(due.get("current_deadline")),
        disabled_reason=due.get("disabled_reason"),
        metadata=dict(found.get("metadata") or {}),
    )


def _transfer(found: Found) -> TransferResult:
    return TransferResult(
        provider_id=found["id"],
        amount_minor=found["amount"],
        reversed_minor=found["amount_reversed"],
        currency=found["currency"].upper(),
        destination=_id(found["destination"]) or "",
        balance_transaction_id=_id(found.get("balance_transaction")),
        source_charge_id=_id(found.get("source_transaction")),
        transfer_group=found.get("transfer_group"),
        created=_time(found["created"]),
        metadata=dict(found.get("metadata") or {}),
    )


def _reversal(found: Found) -> ReversalResult:
    return ReversalResult(
        provider_id=found["id"],
        transfer_id=_id(found["transfer"]) or "",
        amount_minor=found["amount"],
        currency=found["currency"].upper(),
        balance_transaction_id=_id(found.get("balance_transaction")),
        created=_time(found["created"]),
        metadata=dict(found.get("metadata") or {}),
    )


def _payout(found: Found, account: str | None) -> PayoutResult:
    return PayoutResult(
        provider_id=found["id"],
        account=account,
        state=_word(_PAYOUT_STATES, found["status"], found["id"]),
        amount_minor=found["amount"],
        currency=found["currency"].upper(),
        automatic=bool(found["automatic"]),
        arrives_at=_time_or_none(found.get("arrival_date")),
        created=_time(found["created"]),
        failure_code=found.get("failure_code"),
        failure_message=found.get("failure_message"),
        balance_transaction_id=_id(found.get("balance_transaction")),
        failure_balance_transaction_id=_id(found.get("failure_balance_transaction")),
        metadata=dict(found.get("metadata") or {}),
    )


def _movement(found: Found) -> BalanceTransaction:
    source = found.get("source")
    facts = source if isinstance(source, Mapping) else {}
    return BalanceTransaction(
        id=found["id"],
        kind=found["type"],
        amount_minor=found["amount"],
        fee_minor=found["fee"],
        net_minor=found["net"],
        currency=found["currency"].upper(),
        created=_time(found["created"]),
        available_at=_time(found["available_on"]),
        source_id=_id(source),
        description=found.get("description"),
        metadata=dict(facts.get("metadata") or {}),
        related={name: found for name in _RELATED if (found := _id(facts.get(name)))},
    )


def _dispute(found: Found) -> DisputeResult:
    evidence = found.get("evidence_details") or {}
    movements = sorted(map(_movement, found.get("balance_transactions") or ()), key=lambda row: (row.created, row.id))
    return DisputeResult(
        provider_id=found["id"],
        state=_word(_DISPUTE_STATES, found["status"], found["id"]),
        amount_minor=found["amount"],
        currency=found["currency"].upper(),
        charge_id=_id(found["charge"]) or "",
        payment_id=_id(found.get("payment_intent")),
        reason=found["reason"],
        created=_time(found["created"]),
        due_by=_time_or_none(evidence.get("due_by")),
        has_evidence=bool(evidence.get("has_evidence")),
        submissions=evidence.get("submission_count") or 0,
        charge_refundable=bool(found.get("is_charge_refundable")),
        movements=tuple(movements),
        metadata=dict(found.get("metadata") or {}),
    )


def _word(known: Mapping[str, _Word], word: str, object_id: str) -> _Word:
    """Raises Unknown for a word that came later than this program: nothing is assumed of it."""
    if word not in known:
        raise Unknown("unknown_status", f"{object_id} is {word!r}.")
    return known[word]
