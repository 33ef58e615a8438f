"""What every handler works with: the call it answers, the file, and the events it causes."""

from dataclasses import dataclass
from typing import Any

from settlements.gateway.sandbox.errors import invalid, missing
from settlements.gateway.sandbox.events import Events
from settlements.gateway.sandbox.store import Record, Store


@dataclass(frozen=True)
class Call:
    """One request after its parameters were checked. `account` is empty for the platform's own."""

    account: str
    params: Record
    request_id: str = ""
    key: str | None = None
    base_url: str = ""


@dataclass(frozen=True)
class World:
    store: Store
    events: Events

    def load(self, call: Call, kind: str, object_id: str, param: str = "id") -> Record:
        """Raises ApiError (404, resource_missing) for what this account does not have."""
        found = self.store.find(call.account, kind, object_id)
        if found is None:
            raise missing(kind, object_id, param)
        return found

    def announce(self, call: Call, name: str, subject: Record) -> None:
        self.events.record(call.account, name, subject, call.request_id, call.key)

    def announce_for(self, account: str, name: str, subject: Record) -> None:
        """An event of a connected account, whoever caused it."""
        self.events.record(account, name, subject, "", None)

    def later(self, call: Call, action: str, object_id: str, **facts: Any) -> None:
        """Has `action` happen to the object after the scripted delay."""
        self.events.schedule({"account": call.account, "action": action, "id": object_id} | facts)


def checked_metadata(params: Record) -> dict[str, str]:
    given = params.get("metadata") or {}
    kept = {name: value for name, value in given.items() if value != ""}
    if len(kept) > 50:
        raise invalid("Metadata can have at most 50 keys.", param="metadata")
    for name, value in kept.items():
        if len(name) > 40:
            raise invalid(f"Metadata keys can be at most 40 characters: {name}", param="metadata")
        if len(value) > 500:
            raise invalid(f"Metadata values can be at most 500 characters: {name}", param=f"metadata[{name}]")
    return kept
