"""A charge that took money has exactly one balance transaction: amount - fee = net."""

from settlements.gateway.sandbox.methods import Method, details
from settlements.gateway.sandbox.store import Record
from settlements.gateway.sandbox.world import Call, World

_DAY = 86_400


def fee_for(world: World, amount: int) -> int:
    """1.5 % + 0.25, half up, unless the script says otherwise; never more than the amount."""
    permille_tenths = int(world.store.setting("fee_per_ten_thousand", 150))
    fixed = int(world.store.setting("fee_fixed", 25))
    return min((amount * permille_tenths + 5_000) // 10_000 + fixed, amount)


def open_charge(world: World, call: Call, intent: Record, used: Method, status: str) -> Record:
    """A charge in `succeeded`, `pending` or `failed`, not yet captured."""
    failed = status == "failed"
    return world.store.add(
        call.account,
        "charge",
        {
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "application_fee_amount": None,
            "balance_transaction": None,
            "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
            "captured": False,
            "currency": intent["currency"],
            "customer": None,
            "description": intent["description"],
            "disputed": used.disputed and not failed,
            "failure_balance_transaction": None,
            "failure_code": used.code if failed else None,
            "failure_message": used.message if failed else None,
            "metadata": intent["metadata"],
            "on_behalf_of": None,
            "outcome": {
                "network_status": "declined_by_network" if failed else "approved_by_network",
                "reason": used.decline_code if failed else None,
                "type": "issuer_declined" if failed else "authorized",
            },
            "paid": status == "succeeded",
            "payment_intent": intent["id"],
            "payment_method": used.id,
            "payment_method_details": {"type": used.type, used.type: details(used)},
            "receipt_email": intent["receipt_email"],
            "refunded": False,
            "status": status,
            "transfer_group": intent["transfer_group"],
        },
    )


def capture_charge(world: World, call: Call, charge: Record, used: Method, amount: int) -> None:
    """Takes the money; what was authorized beyond `amount` is let go."""
    transaction = book(
        world,
        call,
        source=charge,
        kind="charge" if used.type == "card" else "payment",
        amount=amount,
        fee=fee_for(world, amount),
        at_once=used.available_at_once,
    )
    charge.update(
        status="succeeded",
        paid=True,
        captured=True,
        amount_captured=amount,
        amount_refunded=charge["amount"] - amount,
        balance_transaction=transaction["id"],
    )
    world.store.save(charge)
    if used.disputed:
        world.later(call, "dispute", charge["id"])


def book(
    world: World,
    call: Call,
    *,
    source: Record,
    kind: str,
    amount: int,
    fee: int = 0,
    at_once: bool = False,
    available_on: int | None = None,
    category: str | None = None,
) -> Record:
    """One movement of the balance; pending until `settle_s` have passed, or until `available_on`."""
    pause = 0 if at_once else int(world.store.setting("settle_s", 2 * _DAY))
    usable = world.store.now() + pause if available_on is None else available_on
    made = world.store.add(
        call.account,
        "balance_transaction",
        {
            "amount": amount,
            "available_on": usable,
            "balance_type": "payments",
            "currency": source["currency"],
            "description": source.get("description"),
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [
                {
                    "amount": fee,
                    "application": None,
                    "currency": source["currency"],
                    "description": "Processing fees",
                    "type": "stripe_fee",
                }
            ]
            if fee
            else [],
            "net": amount - fee,
            "reporting_category": category or kind,
            "source": source.get("id"),
            "status": "available" if usable <= world.store.now() else "pending",
            "type": kind,
        },
    )
    world.store.add_money(call.account, made["currency"], usable, made["net"])
    return made


def balances(world: World, account: str) -> list[tuple[str, int, int]]:
    """(currency, available, pending) of everything the account ever had."""
    return world.store.moneys(account)


def balance_of(world: World, account: str, currency: str) -> tuple[int, int]:
    """(available, pending) in one currency."""
    found = next((row for row in balances(world, account) if row[0] == currency), (currency, 0, 0))
    return found[1], found[2]


def retrieve_balance(world: World, call: Call) -> Record:
    """What the account has, per currency: what may be used now, and what is still on its way."""
    rows = balances(world, call.account)
    return {
        "object": "balance",
        "available": [_amount(currency, available) for currency, available, _ in rows],
        "pending": [_amount(currency, pending) for currency, _, pending in rows],
        "livemode": False,
    }


def _amount(currency: str, amount: int) -> Record:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}
