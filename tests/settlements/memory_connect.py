"""Connected accounts in memory: what the provider refuses is refused, and every movement of a balance is listed."""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta

from marketplace.kernel import clock
from settlements.gateway.connect import (
    AccountLink,
    AccountResult,
    Balance,
    BalanceTransaction,
    Capability,
    DisputeResult,
    DisputeState,
    PayoutResult,
    PayoutState,
    ReversalResult,
    TransferResult,
)
from settlements.gateway.port import Later, Rejected

DISPUTE_FEE = 2000
DUE_AT_FIRST = ("company.tax_id", "external_account", "tos_acceptance.date")
_OPEN = {DisputeState.NEEDS_RESPONSE, DisputeState.WARNING_NEEDS_RESPONSE}


@dataclass(frozen=True)
class _Reversal:
    """What was asked, for whoever asks it again with the same key."""

    key: str
    transfer_id: str
    amount_minor: int
    metadata: tuple[tuple[str, str], ...]


class MemoryConnect:
    """The part of the provider in memory that knows accounts, transfers, payouts and disputes.

    `settle_after`: how long a charge's money is pending. `movements` are balance transactions by account (None: ours).
    """

    def __init__(self):
        self.accounts: dict[str, AccountResult] = {}
        self.closed: set[str] = set()
        self.transfers: dict[str, TransferResult] = {}
        self.reversals: dict[str, ReversalResult] = {}
        self.payouts_made: dict[str, PayoutResult] = {}
        self.disputed: dict[str, DisputeResult] = {}
        self.movements: dict[str | None, list[BalanceTransaction]] = defaultdict(list)
        self.files: dict[str, bytes] = {}
        self.settle_after = timedelta(0)

    # What the outside world does.

    def onboard(self, account_id, *, currencies=None):
        """The vendor told all that was due: the account may receive transfers and be paid out."""
        self._change_account(
            account_id,
            transfers=Capability.ACTIVE,
            charges_enabled=True,
            payouts_enabled=True,
            details_submitted=True,
            due=(),
            past_due=(),
            due_by=None,
            disabled_reason=None,
            currencies=currencies or (self.accounts[account_id].currency,),
        )

    def restrict(self, account_id, *, due=("company.verification.document",), transfers=Capability.INACTIVE, **changes):
        """The provider wants to know more, and holds what it may until then."""
        facts = {"disabled_reason": "requirements.past_due", "payouts_enabled": False, "past_due": due} | changes
        self._change_account(account_id, transfers=transfers, due=due, **facts)

    def close_account(self, account_id):
        self.closed.add(account_id)

    def top_up(self, amount_minor, currency="EUR"):
        """Own money onto our balance."""
        return self._move(None, "topup", amount_minor, currency, self._id("tu"))

    def book_by_hand(self, kind, amount_minor, *, fee_minor=0, currency="EUR", source_id=None, account=None):
        """A movement that nobody asked for through the port: a fee, a refund made at the dashboard, a reserve."""
        return self._move(account, kind, amount_minor, currency, source_id or self._id(kind), fee=fee_minor)

    def become_paid(self, payout_id):
        self._payout_to(payout_id, PayoutState.PAID)

    def fail_payout(self, payout_id, code="account_closed"):
        """The bank sends it back, even one that was paid: the money is on the account's balance again."""
        payout = self.payouts_made[payout_id]
        back = self._move(payout.account, "payout_failure", payout.amount_minor, payout.currency, payout_id)
        self._payout_to(
            payout_id,
            PayoutState.FAILED,
            failure_code=code,
            failure_balance_transaction_id=back.id,
            failure_message=code,
        )

    def open_dispute(self, payment_id, amount_minor=None, *, state=DisputeState.NEEDS_RESPONSE, fee=DISPUTE_FEE):
        """The payer's bank takes money back (not for an enquiry); the dispute."""
        payment = self.payments[payment_id]
        dispute = DisputeResult(
            provider_id=self._id("dp"),
            state=state,
            amount_minor=amount_minor or payment.captured_minor,
            currency=payment.currency,
            charge_id=payment.charge_id,
            payment_id=payment_id,
            reason="fraudulent",
            created=clock.now(),
            due_by=clock.now() + timedelta(days=9),
        )
        self.disputed[dispute.provider_id] = dispute
        self.events.append(("charge.dispute.created", dispute.provider_id))
        if state is DisputeState.NEEDS_RESPONSE:
            self._dispute_moves(dispute.provider_id, -dispute.amount_minor, fee, "charge.dispute.funds_withdrawn")
        return self.disputed[dispute.provider_id]

    def decide_dispute(self, dispute_id, *, won):
        dispute = self.disputed[dispute_id]
        if won:
            self._dispute_moves(dispute_id, dispute.amount_minor, 0, "charge.dispute.funds_reinstated")
        self._dispute_to(dispute_id, DisputeState.WON if won else DisputeState.LOST, "charge.dispute.closed")

    # The port.

    def create_account(self, request):
        return self._once("create_account", request, self._open, self.accounts)

    def account(self, provider_id):
        return self._read("account", self.accounts, provider_id)

    def find_account(self, key, since):
        return self._found("find_account", key, self.accounts)

    def account_link(self, provider_id, *, return_url, refresh_url):
        self._read("account_link", self.accounts, provider_id)
        return AccountLink(
            url=f"https://connect.example/setup/{provider_id}/{self._id('link')}",
            expires_at=clock.now() + timedelta(minutes=5),
        )

    def transfer(self, request):
        return self._once("transfer", request, self._transfer, self.transfers)

    def transfer_by_id(self, provider_id):
        return self._read("transfer_by_id", self.transfers, provider_id)

    def find_transfer(self, key, transfer_group):
        return self._found("find_transfer", key, self.transfers)

    def reverse_transfer(self, key, transfer_id, amount_minor, metadata=None):
        asked = _Reversal(key, transfer_id, amount_minor, tuple(sorted((metadata or {}).items())))
        return self._once("reverse_transfer", asked, self._reverse, self.reversals)

    def find_reversal(self, key, transfer_id):
        return self._found("find_reversal", key, self.reversals)

    def balance(self, account=None):
        self._begin("balance")
        with self.lock:
            available, pending = Counter(), Counter()
            for row in self.movements[account]:
                (available if row.available_at <= clock.now() else pending)[row.currency] += row.net_minor
            return Balance(available=dict(available), pending=dict(pending))

    def create_payout(self, request):
        return self._once("create_payout", request, self._pay_out, self.payouts_made)

    def payout_by_id(self, provider_id, account):
        payout = self._read("payout_by_id", self.payouts_made, provider_id)
        if payout.account != account:
            raise Rejected("resource_missing")
        return payout

    def payouts(self, account, since=None):
        self._begin("payouts")
        found = [row for row in self.payouts_made.values() if row.account == account]
        return iter([row for row in reversed(found) if since is None or row.created >= since])

    def find_payout(self, key, account, since=None):
        return self._found("find_payout", key, self.payouts_made)

    def balance_transactions(self, since, until, account=None):
        self._begin("balance_transactions")
        rows = [row for row in self.movements[account] if since <= row.created < until]
        return iter(rows[::-1])

    def balance_transaction(self, provider_id):
        return self._read("balance_transaction", {row.id: row for row in self.movements[None]}, provider_id)

    def dispute_by_id(self, provider_id):
        return self._read("dispute_by_id", self.disputed, provider_id)

    def disputes(self, since):
        self._begin("disputes")
        return iter([row for row in reversed(self.disputed.values()) if row.created >= since])

    def upload_evidence(self, key, name, content_type, content):
        fault = self._begin("upload_evidence")
        if content_type not in {"application/pdf", "image/png", "image/jpeg"}:
            raise Rejected("invalid_file")
        file_id = self._id("file")
        self.files[file_id] = content
        self._unanswered(fault)
        return file_id

    def submit_evidence(self, request):
        fault = self._begin("submit_evidence")
        dispute = self._open_dispute_of(request.dispute_id)
        if any(file_id not in self.files for file_id in request.files.values()):
            raise Rejected("resource_missing")
        changes = {"has_evidence": dispute.has_evidence or bool(request.texts or request.files)}
        if request.submit:
            warned = dispute.state is DisputeState.WARNING_NEEDS_RESPONSE
            changes["state"] = DisputeState.WARNING_UNDER_REVIEW if warned else DisputeState.UNDER_REVIEW
            changes["submissions"] = dispute.submissions + 1
        self.disputed[request.dispute_id] = replace(dispute, **changes)
        self.events.append(("charge.dispute.updated", request.dispute_id))
        self._unanswered(fault)
        return self.disputed[request.dispute_id]

    def accept_dispute(self, provider_id, key):
        fault = self._begin("accept_dispute")
        self._open_dispute_of(provider_id)
        self._dispute_to(provider_id, DisputeState.LOST, "charge.dispute.closed")
        self._unanswered(fault)
        return self.disputed[provider_id]

    # How it does it.

    def _open(self, request):
        made = AccountResult(
            provider_id=self._id("acct"),
            country=request.country,
            currency=request.currency,
            transfers=Capability.INACTIVE,
            due=DUE_AT_FIRST,
            eventually_due=DUE_AT_FIRST,
            disabled_reason="requirements.past_due",
            metadata=dict(request.metadata),
        )
        self.accounts[made.provider_id] = made
        self.events.append(("account.updated", made.provider_id))
        return made

    def _transfer(self, request):
        account = self.accounts.get(request.destination)
        if request.destination in self.closed:
            raise Rejected("account_closed")
        if account is None:
            raise Rejected("resource_missing")
        if account.transfers is not Capability.ACTIVE:
            raise Rejected("insufficient_capabilities_for_transfer")
        available_at = self._funds_of(request)
        made = TransferResult(
            provider_id=self._id("tr"),
            amount_minor=request.amount_minor,
            reversed_minor=0,
            currency=request.currency,
            destination=request.destination,
            source_charge_id=request.source_charge_id,
            transfer_group=request.transfer_group,
            created=clock.now(),
            metadata=dict(request.metadata),
        )
        moved = self._move(None, "transfer", -made.amount_minor, made.currency, made.provider_id, at=available_at)
        self._move(made.destination, "payment", made.amount_minor, made.currency, self._id("py"), at=available_at)
        self.transfers[made.provider_id] = made = replace(made, balance_transaction_id=moved.id)
        self.events.append(("transfer.created", made.provider_id))
        return made

    def _funds_of(self, request):
        """When the money can be used; a refusal where there is too little."""
        if request.source_charge_id is None:
            if request.amount_minor > self._available(None, request.currency):
                raise Later("balance_insufficient")
            return clock.now()
        charge = next((row for row in self.payments.values() if row.charge_id == request.source_charge_id), None)
        if charge is None:
            raise Rejected("resource_missing")
        named = [row.amount_minor for row in self.transfers.values() if row.source_charge_id == charge.charge_id]
        if sum(named) + request.amount_minor > charge.captured_minor or charge.currency != request.currency:
            raise Rejected("invalid_source_transaction")
        booked = next(row for row in self.movements[None] if row.id == charge.balance_transaction_id)
        return max(booked.available_at, clock.now())

    def _reverse(self, asked):
        transfer = self.transfers.get(asked.transfer_id)
        if transfer is None:
            raise Rejected("resource_missing")
        if asked.amount_minor > transfer.amount_minor - transfer.reversed_minor:
            raise Rejected("invalid_amount")
        if asked.amount_minor > self._available(transfer.destination, transfer.currency):
            raise Later("balance_insufficient")
        reversal_id = self._id("trr")
        moved = self._move(None, "transfer_refund", asked.amount_minor, transfer.currency, reversal_id)
        self._move(transfer.destination, "payment_refund", -asked.amount_minor, transfer.currency, self._id("pyr"))
        self.transfers[transfer.provider_id] = replace(
            transfer, reversed_minor=transfer.reversed_minor + asked.amount_minor
        )
        self.reversals[reversal_id] = ReversalResult(
            provider_id=reversal_id,
            transfer_id=transfer.provider_id,
            amount_minor=asked.amount_minor,
            currency=transfer.currency,
            balance_transaction_id=moved.id,
            created=clock.now(),
            metadata=dict(asked.metadata),
        )
        self.events.append(("transfer.reversed", transfer.provider_id))
        return self.reversals[reversal_id]

    def _pay_out(self, request):
        account = self.accounts.get(request.account) if request.account else None
        if account and not account.payouts_enabled:
            raise Rejected("payouts_not_allowed")
        if account and request.currency not in account.currencies:
            raise Rejected("no_external_account_in_currency")
        if request.amount_minor > self._available(request.account, request.currency):
            raise Later("balance_insufficient")
        payout_id = self._id("po")
        moved = self._move(request.account, "payout", -request.amount_minor, request.currency, payout_id)
        self.payouts_made[payout_id] = PayoutResult(
            provider_id=payout_id,
            account=request.account,
            state=PayoutState.PENDING,
            amount_minor=request.amount_minor,
            currency=request.currency,
            automatic=False,
            arrives_at=clock.now() + timedelta(days=1),
            created=clock.now(),
            balance_transaction_id=moved.id,
            metadata=dict(request.metadata),
        )
        self.events.append(("payout.created", payout_id))
        return self.payouts_made[payout_id]

    def _open_dispute_of(self, dispute_id):
        dispute = self.disputed.get(dispute_id)
        if dispute is None:
            raise Rejected("resource_missing")
        if dispute.state not in _OPEN or dispute.due_by < clock.now():
            raise Rejected("dispute_not_open")
        return dispute

    def _dispute_moves(self, dispute_id, amount, fee, event):
        dispute = self.disputed[dispute_id]
        moved = self._move(None, "adjustment", amount, dispute.currency, dispute_id, fee=fee)
        self.disputed[dispute_id] = replace(dispute, movements=(*dispute.movements, moved))
        self.events.append((event, dispute_id))

    def _dispute_to(self, dispute_id, state, event):
        self.disputed[dispute_id] = replace(self.disputed[dispute_id], state=state)
        self.events.append((event, dispute_id))

    def _payout_to(self, payout_id, state, **facts):
        self.payouts_made[payout_id] = replace(self.payouts_made[payout_id], state=state, **facts)
        self.events.append((f"payout.{state.value}", payout_id))

    def _change_account(self, account_id, **facts):
        self.accounts[account_id] = replace(self.accounts[account_id], **facts)
        self.events.append(("account.updated", account_id))

    def _available(self, account, currency):
        now = clock.now()
        rows = self.movements[account]
        return sum(row.net_minor for row in rows if row.currency == currency and row.available_at <= now)

    def _move(self, account, kind, amount, currency, source_id, *, fee=0, at=None, metadata=None, **related):
        row = BalanceTransaction(
            id=self._id("txn"),
            kind=kind,
            amount_minor=amount,
            fee_minor=fee,
            net_minor=amount - fee,
            currency=currency,
            created=clock.now(),
            available_at=at or clock.now(),
            source_id=source_id,
            metadata=dict(metadata or {}),
            related=related,
        )
        self.movements[account].append(row)
        return row
