"""Differences on purpose: movements of a balance that no request caused, changed or missing ones."""

from settlements.gateway.sandbox import charges
from settlements.gateway.sandbox.errors import invalid
from settlements.gateway.sandbox.store import Record
from settlements.gateway.sandbox.world import Call, World

_MOVEMENT = ("type", "amount", "fee", "currency", "account", "source", "description")


def top_up(world: World, wanted: Record) -> str:
    """{"amount", "currency": "eur"}: own money arrives on the platform's balance; the topup's id."""
    call = Call("", {})
    if int(wanted["amount"]) < 1:
        raise invalid("A top-up brings money.", param="amount")
    facts = {"amount": int(wanted["amount"]), "currency": wanted.get("currency", "eur"), "status": "succeeded"}
    made = world.store.add("", "topup", facts | {"metadata": {}, "description": "Top-up"})
    booked = charges.book(world, call, source=made, kind="topup", amount=made["amount"], at_once=True)
    made["balance_transaction"] = booked["id"]
    world.store.save(made)
    return str(made["id"])


def move(world: World, wanted: Record) -> str:
    """{"type", "amount", "fee": 0, "currency": "eur", "account": "", "source", "description"}; its id."""
    if set(wanted) - set(_MOVEMENT) or not wanted.get("type"):
        raise invalid(f"A movement needs a type and an amount, and takes {', '.join(_MOVEMENT)}.", param="movement")
    source = {"id": wanted.get("source"), "currency": wanted.get("currency", "eur")}
    made = charges.book(
        world,
        Call(wanted.get("account", ""), {}),
        source=source | {"description": wanted.get("description")},
        kind=wanted["type"],
        amount=int(wanted["amount"]),
        fee=int(wanted.get("fee", 0)),
        at_once=True,
    )
    return str(made["id"])


def rewrite(world: World, wanted: Record) -> Record:
    """{"id", "amount", "fee", "currency"}: a movement of the platform's balance is another one from now on."""
    kept = _movement(world, wanted["id"])
    _undo(world, kept)
    kept |= {name: wanted[name] for name in ("amount", "fee", "currency") if name in wanted}
    kept["net"] = kept["amount"] - kept["fee"]
    world.store.add_money("", kept["currency"], kept["available_on"], kept["net"])
    world.store.save(kept)
    return kept


def forget(world: World, movement_id: str) -> bool:
    """A movement of the platform's balance that never was."""
    _undo(world, _movement(world, movement_id))
    world.store.run("DELETE FROM labels WHERE id = ?", (movement_id,))
    world.store.run("DELETE FROM objects WHERE id = ?", (movement_id,))
    return True


def _movement(world: World, movement_id: str) -> Record:
    return world.load(Call("", {}), "balance_transaction", movement_id)


def _undo(world: World, row: Record) -> None:
    world.store.add_money("", row["currency"], row["available_on"], -row["net"])
