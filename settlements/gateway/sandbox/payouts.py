"""Payouts leave the available balance at once and end days later, well or badly; even a paid one may come back."""

from collections.abc import Iterator

from settlements.gateway.sandbox import accounts, charges
from settlements.gateway.sandbox.errors import invalid
from settlements.gateway.sandbox.payments import CURRENCIES
from settlements.gateway.sandbox.store import Record
from settlements.gateway.sandbox.transfers import require_available
from settlements.gateway.sandbox.world import Call, World, checked_metadata

_DAY = 86_400
_ENDS = ("in_transit", "paid", "failed", "canceled")


def create(world: World, call: Call) -> Record:
    given = call.params
    currency = given["currency"].lower()
    if given["amount"] < 1:
        raise invalid("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    if currency not in CURRENCIES:
        raise invalid(f"Invalid currency: {currency}", param="currency")
    bank = _bank(world, call, currency)
    require_available(world, call.account, given["amount"], currency)
    return _start(world, call, given["amount"], currency, bank, automatic=False)


def _bank(world: World, call: Call, currency: str) -> str:
    """Raises ApiError (400) where no payout may go."""
    if not call.account:
        return "ba_of_the_platform"
    account = world.store.find("", "account", call.account)
    if account is None or not account["payouts_enabled"]:
        raise invalid("Payouts are not enabled for this account.", code="payouts_not_allowed")
    bank = accounts.bank_for(account, currency)
    if bank is None:
        raise invalid(f"Sorry, you don't have any external accounts in that currency ({currency}).", param="currency")
    return str(bank["id"])


def _start(world: World, call: Call, amount: int, currency: str, bank: str, *, automatic: bool) -> Record:
    payout = world.store.add(
        call.account,
        "payout",
        {
            "amount": amount,
            "arrival_date": world.store.now() + _DAY,
            "automatic": automatic,
            "balance_transaction": None,
            "currency": currency,
            "description": "STRIPE PAYOUT" if automatic else call.params.get("description"),
            "destination": bank,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "metadata": checked_metadata(call.params),
            "method": "standard",
            "reconciliation_status": "in_progress" if automatic else "not_applicable",
            "source_type": "card",
            "status": "pending",
            "type": "bank_account",
        },
    )
    taken = charges.book(world, call, source=payout, kind="payout", amount=-amount, available_on=world.store.now())
    payout["balance_transaction"] = taken["id"]
    world.store.save(payout)
    world.announce(call, "payout.created", payout)
    if not world.store.setting("payouts_wait"):
        world.later(call, "pay_out", payout["id"])
    return payout


def cancel(world: World, call: Call, payout_id: str) -> Record:
    payout = world.load(call, "payout", payout_id)
    if payout["status"] != "pending" or payout["automatic"]:
        raise invalid(
            f"Payout {payout_id} is {payout['status']} and cannot be canceled.", code="payout_cannot_be_canceled"
        )
    return _end(world, call, payout, "canceled", None)


def go_on(world: World, call: Call, payout_id: str) -> None:
    """The next step of a payout that nothing happens to: pending, in transit, paid."""
    payout = world.load(call, "payout", payout_id)
    if payout["status"] == "pending":
        _end(world, call, payout, "in_transit", None)
        world.later(call, "pay_out", payout_id)
    elif payout["status"] == "in_transit":
        _end(world, call, payout, "paid", None)


def move(world: World, wanted: Record) -> str:
    """By script: {"id", "account", "to": "in_transit", "paid", "failed" or "canceled", "code": "account_closed"}."""
    call = Call(wanted.get("account", ""), {})
    payout = world.load(call, "payout", wanted["id"])
    if wanted["to"] not in _ENDS or payout["status"] in ("failed", "canceled"):
        raise invalid(f"A payout that is {payout['status']} cannot become {wanted['to']}.", param="to")
    _end(world, call, payout, wanted["to"], wanted.get("code", "account_closed"))
    return str(wanted["to"])


def _end(world: World, call: Call, payout: Record, status: str, code: str | None) -> Record:
    payout["status"] = status
    if status in ("failed", "canceled"):
        kind = "payout_failure" if status == "failed" else "payout_cancel"
        back = charges.book(
            world, call, source=payout, kind=kind, amount=payout["amount"], available_on=world.store.now()
        )
        payout["failure_balance_transaction"] = back["id"]
    if status == "failed":
        payout.update(failure_code=code, failure_message=f"The bank account could not be credited: {code}.")
    if status == "paid" and payout["automatic"]:
        payout["reconciliation_status"] = "completed"
    world.store.save(payout)
    world.announce(call, f"payout.{status}" if status != "in_transit" else "payout.updated", payout)
    if status == "failed" and call.account:
        accounts.disable_bank(world, call.account, payout["destination"])
    return payout


def run_automatic(world: World, only: str | None = None) -> list[str]:
    """What the provider does every day: pays out what is available on accounts with a schedule; the payouts' ids."""
    return [
        _start(world, Call(account["id"], {}), amount, currency, bank, automatic=True)["id"]
        for account in world.store.listed("", "account")
        if only in (None, account["id"])
        for amount, currency, bank in _payable(world, account)
    ]


def _payable(world: World, account: Record) -> Iterator[tuple[int, str, str]]:
    scheduled = account["settings"]["payouts"]["schedule"]["interval"] != "manual"
    if not scheduled or not account["payouts_enabled"] or account.get("closed"):
        return
    for currency, available, _ in charges.balances(world, account["id"]):
        bank = accounts.bank_for(account, currency)
        if available > 0 and bank:
            yield available, currency, bank["id"]
