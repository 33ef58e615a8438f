"""Transfers stay within their charge or the available balance; they come back only while the account has the money."""

from settlements.gateway.sandbox import charges
from settlements.gateway.sandbox.accounts import bank_for
from settlements.gateway.sandbox.errors import ApiError, invalid
from settlements.gateway.sandbox.payments import CURRENCIES
from settlements.gateway.sandbox.store import Record
from settlements.gateway.sandbox.world import Call, World, checked_metadata

_LISTED_REVERSALS = 10


def create(world: World, call: Call) -> Record:
    given = call.params
    currency, amount = given["currency"].lower(), given.get("amount", 0)
    if amount < 1:
        raise invalid("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    if currency not in CURRENCIES:
        raise invalid(f"Invalid currency: {currency}", param="currency")
    account = _destination(world, given["destination"], currency)
    available_on, group = _funds(world, call, amount, currency)
    transfer = world.store.add(
        call.account,
        "transfer",
        {
            "amount": amount,
            "amount_reversed": 0,
            "balance_transaction": None,
            "currency": currency,
            "description": given.get("description"),
            "destination": account["id"],
            "destination_payment": None,
            "metadata": checked_metadata(given),
            "reversals": {"object": "list", "data": [], "has_more": False, "total_count": 0, "url": ""},
            "reversed": False,
            "source_transaction": given.get("source_transaction"),
            "source_type": "card",
            "transfer_group": group,
        },
    )
    transfer["reversals"]["url"] = f"/v1/transfers/{transfer['id']}/reversals"
    taken = charges.book(world, call, source=transfer, kind="transfer", amount=-amount, available_on=available_on)
    transfer["balance_transaction"] = taken["id"]
    transfer["destination_payment"] = _received(world, transfer, available_on)["id"]
    world.store.save(transfer)
    world.announce(call, "transfer.created", transfer)
    return transfer


def _destination(world: World, account_id: str, currency: str) -> Record:
    """Raises ApiError (400) for an account that may not receive, or not this currency: nothing is converted here."""
    account = world.store.find("", "account", account_id)
    if account is None:
        raise invalid(f"No such destination: '{account_id}'", param="destination", code="resource_missing")
    if account.get("closed"):
        raise invalid(f"The account {account_id} was closed.", param="destination", code="account_closed")
    if account["capabilities"].get("transfers") != "active":
        raise invalid(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers,"
            " crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    if currency != account["default_currency"] and bank_for(account, currency) is None:
        raise invalid(f"The destination account cannot receive {currency}.", param="currency")
    return account


def _funds(world: World, call: Call, amount: int, currency: str) -> tuple[int, str | None]:
    """(when the money may be used, the transfer group). Raises ApiError (400) where there is too little."""
    given = call.params
    charge_id = given.get("source_transaction")
    if charge_id is None:
        require_available(world, call.account, amount, currency)
        return world.store.now(), given.get("transfer_group")
    charge = world.load(call, "charge", charge_id, "source_transaction")
    if not charge["captured"] or charge["status"] != "succeeded" or charge["currency"] != currency:
        raise invalid(f"The source_transaction {charge_id} took no money in {currency}.", param="source_transaction")
    named = world.store.labelled(call.account, "transfer", "source_transaction", charge_id)
    left = charge["amount_captured"] - sum(row["amount"] for row in named)
    if amount > left:
        raise invalid(
            f"The transfers of {charge_id} cannot be more than its amount; {left} of it is left.",
            param="source_transaction",
        )
    booked = world.store.find(call.account, "balance_transaction", charge["balance_transaction"])
    assert booked is not None
    group = given.get("transfer_group") or charge["transfer_group"] or f"group_{charge_id}"
    return max(booked["available_on"], world.store.now()), group


def require_available(world: World, account: str, amount: int, currency: str) -> None:
    """Raises ApiError (400, balance_insufficient), which the key replays: to try again takes another one."""
    available, _ = charges.balance_of(world, account, currency)
    if amount > available:
        raise ApiError(
            400,
            "invalid_request_error",
            f"You have insufficient available funds in your Stripe account: {available} of {amount} {currency}.",
            code="balance_insufficient",
        )


def _received(world: World, transfer: Record, available_on: int) -> Record:
    """The other side of a transfer: a payment on the connected account."""
    there = Call(transfer["destination"], {})
    payment = world.store.add(
        there.account,
        "connected_payment",
        {
            "object": "charge",
            "amount": transfer["amount"],
            "amount_refunded": 0,
            "balance_transaction": None,
            "currency": transfer["currency"],
            "metadata": {},
            "source_transfer": transfer["id"],
            "status": "succeeded",
        },
    )
    booked = charges.book(
        world, there, source=payment, kind="payment", amount=transfer["amount"], available_on=available_on
    )
    payment["balance_transaction"] = booked["id"]
    world.store.save(payment)
    return payment


def reverse(world: World, call: Call, transfer_id: str) -> Record:
    transfer = world.load(call, "transfer", transfer_id)
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = call.params.get("amount", left)
    if left == 0:
        raise invalid(f"Transfer {transfer_id} has already been fully reversed.", param="amount")
    if amount < 1:
        raise invalid("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    if amount > left:
        raise invalid(f"The amount {amount} is greater than the unreversed amount {left}.", param="amount")
    require_available(world, transfer["destination"], amount, transfer["currency"])
    reversal = world.store.add(
        call.account,
        "transfer_reversal",
        {
            "amount": amount,
            "balance_transaction": None,
            "currency": transfer["currency"],
            "destination_payment_refund": None,
            "metadata": checked_metadata(call.params),
            "source_refund": None,
            "transfer": transfer_id,
        },
    )
    _book_reversal(world, call, transfer, reversal)
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    listed = transfer["reversals"]
    listed["data"] = [reversal, *listed["data"]][:_LISTED_REVERSALS]
    listed["total_count"] += 1
    listed["has_more"] = listed["total_count"] > _LISTED_REVERSALS
    world.store.save(transfer)
    world.announce(call, "transfer.reversed", transfer)
    return reversal


def _book_reversal(world: World, call: Call, transfer: Record, reversal: Record) -> None:
    now, amount = world.store.now(), reversal["amount"]
    there = Call(transfer["destination"], {})
    given_back = world.store.add(
        there.account,
        "connected_refund",
        {"object": "refund", "amount": amount, "currency": transfer["currency"], "metadata": {}, "status": "succeeded"},
    )
    charges.book(world, there, source=given_back, kind="payment_refund", amount=-amount, available_on=now)
    back = charges.book(world, call, source=reversal, kind="transfer_refund", amount=amount, available_on=now)
    reversal.update(balance_transaction=back["id"], destination_payment_refund=given_back["id"])
    world.store.save(reversal)
