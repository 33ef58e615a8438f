"""Lists go newest first by cursor; a property is expanded only where the provider expands it."""

from collections.abc import Iterable
from typing import Any

from settlements.gateway.sandbox import disputes
from settlements.gateway.sandbox.errors import invalid, malformed
from settlements.gateway.sandbox.methods import describe, method
from settlements.gateway.sandbox.store import PREFIXES, Record
from settlements.gateway.sandbox.world import Call, World

_EXPANDABLE = {
    "payment_intent": {"latest_charge": "charge", "payment_method": "payment_method"},
    "charge": {
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
    },
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
    },
    "balance_transaction": {"source": "charge"},
    "transfer": {"balance_transaction": "balance_transaction", "source_transaction": "charge"},
    "transfer_reversal": {"balance_transaction": "balance_transaction", "transfer": "transfer"},
    "payout": {
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
    },
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
}
_INDEXED = ("transfer_group", "payment_intent", "charge", "source", "transfer")
_PLAIN = ("customer", "currency", "type", "payout", "destination", "status", *_INDEXED)


def page(world: World, call: Call, kind: str, url: str) -> Record:
    """One page of what matches the filters of the request."""
    given = call.params
    limit = given.get("limit", 10)
    if not 1 <= limit <= 100:
        raise invalid("Limit must be between 1 and 100.", param="limit", code="parameter_invalid_integer")
    indexed = next((name for name in _INDEXED if name in given), None)
    rows: Iterable[Record] = (
        world.store.labelled(call.account, kind, indexed, given[indexed])
        if indexed
        else world.store.listed(call.account, kind)
    )
    matching = _between(world, call, kind, (row for row in rows if _matches(world, row, given)), limit)
    return {"object": "list", "data": matching[0], "has_more": matching[1], "url": url}


def _between(world: World, call: Call, kind: str, rows: Iterable[Record], limit: int) -> tuple[list[Record], bool]:
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    for cursor, param in ((after, "starting_after"), (before, "ending_before")):
        if cursor:
            world.load(call, kind, cursor, param)
    if before:
        newer = []
        for row in rows:
            if row["id"] == before:
                break
            newer.append(row)
        return newer[-limit:], len(newer) > limit
    taken: list[Record] = []
    reached = after is None
    for row in rows:
        if reached and len(taken) == limit:
            return taken, True
        if reached:
            taken.append(row)
        reached = reached or row["id"] == after
    return taken, False


def _matches(world: World, row: Record, given: Record) -> bool:
    plain = all(row.get(name) == given[name] for name in _PLAIN if name in given)
    kinds = given.get("types")
    return bool(
        plain
        and (kinds is None or row["type"] in kinds)
        and _in_time(row["created"], given.get("created"))
        and ("delivery_success" not in given or world.events.delivered(row["id"]) == given["delivery_success"])
    )


def _in_time(created: int, wanted: Any) -> bool:
    if wanted is None or isinstance(wanted, int):
        return wanted in (None, created)
    return bool(
        created > wanted.get("gt", -1)
        and created >= wanted.get("gte", 0)
        and created < wanted.get("lt", 1 << 62)
        and created <= wanted.get("lte", 1 << 62)
    )


def check_expansions(kind: str, paths: Iterable[str], listed: bool) -> None:
    """Before anything moves. Raises ApiError (400) for a path that leads nowhere."""
    for path in paths:
        steps, at = path.split("."), kind
        if listed and steps[0] == "data":
            steps = steps[1:]
        for step in steps:
            if step not in _EXPANDABLE.get(at, {}):
                raise malformed(f"This property cannot be expanded ({path}).", param="expand")
            at = _EXPANDABLE[at][step]


def present(world: World, account: str, found: Record, paths: Iterable[str]) -> Record:
    """The answer as it is told: ages applied, wanted properties in full."""
    for item in found["data"] if found["object"] in ("list", "search_result") else [found]:
        _refresh(world, item)
        for path in paths:
            _expand(world, account, item, path.removeprefix("data.").split("."))
    return found


def _expand(world: World, account: str, item: Record, steps: list[str]) -> None:
    name, rest = steps[0], steps[1:]
    inner = item.get(name)
    if isinstance(inner, str):
        inner = item[name] = _fetch(world, account, inner)
    if rest and isinstance(inner, dict):
        _expand(world, account, inner, rest)


def _fetch(world: World, account: str, object_id: str) -> Record | None:
    if object_id.startswith(PREFIXES["payment_method"]):
        return describe(method(object_id), world.store.now())
    kind = next((kind for kind, prefix in PREFIXES.items() if object_id.startswith(prefix)), "")
    found = world.store.find(account, kind, object_id)
    if found:
        _refresh(world, found)
    return found


def _refresh(world: World, item: Record) -> None:
    if item["object"] == "dispute":
        disputes.refresh(item, world.store.now())
    if item["object"] == "balance_transaction":
        item["status"] = "available" if item["available_on"] <= world.store.now() else "pending"
