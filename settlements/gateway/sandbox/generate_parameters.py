"""Writes parameters.json, the shapes of requests, from the types that the payment SDK ships.

Run `python -m settlements.gateway.sandbox.generate_parameters` after an upgrade of the SDK. The sandbox itself reads
only the JSON, so that the SDK stays out of it; for the same reason the SDK is imported here by name.
"""

import importlib
import json
import types
import typing
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("parameters.json")

OPERATIONS = {
    "payment_intent": ("create", "retrieve", "list", "search", "confirm", "capture", "cancel"),
    "payment_method": ("retrieve",),
    "charge": ("retrieve", "list"),
    "refund": ("create", "retrieve", "list", "cancel"),
    "balance": ("retrieve",),
    "balance_transaction": ("retrieve", "list"),
    "event": ("retrieve", "list"),
    "account": ("create", "retrieve", "list"),
    "account_link": ("create",),
    "transfer": ("create", "retrieve", "list"),
    "transfer_reversal": ("create", "retrieve", "list"),
    "payout": ("create", "retrieve", "list", "cancel"),
    "dispute": ("retrieve", "list", "update", "close"),
    "file": ("create",),
}

SCALARS = {int: "integer", float: "number", bool: "boolean", str: "string", typing.Any: "any"}


class Reader:
    """Reads one class of parameters after the other and collects the shapes they are made of."""

    def __init__(self) -> None:
        self.shapes: dict[str, dict[str, Any]] = {}

    def read_class(self, owner: type, ignored: frozenset[str] = frozenset()) -> dict[str, Any]:
        space = vars(importlib.import_module(owner.__module__))
        fields = {}
        for name, annotation in owner.__annotations__.items():
            if name in ignored:
                continue
            optional, inner = _unwrap(annotation)
            fields[name] = {"type": self.read_type(inner, space)} | ({} if optional else {"required": True})
        return fields

    def read_type(self, annotation: Any, space: dict[str, Any]) -> Any:
        annotation = _evaluate(annotation, space)
        if annotation in SCALARS:
            return SCALARS[annotation]
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is typing.Literal:
            return {"enum": list(arguments)}
        if origin in (typing.Union, types.UnionType):
            return self.read_union(arguments, space)
        if origin is list:
            return {"list": self.read_type(arguments[0], space)}
        if origin is dict:
            return {"map": self.read_type(arguments[1], space)}
        if isinstance(annotation, type) and issubclass(annotation, dict):
            return self.read_shape(annotation)
        raise TypeError(f"unknown type {annotation!r}")

    def read_union(self, arguments: tuple[Any, ...], space: dict[str, Any]) -> Any:
        kinds: list[Any] = []
        for argument in arguments:
            kind = _evaluate(argument, space)
            if getattr(typing.get_origin(kind) or kind, "__name__", "") == "UntypedStripeObject" or kind is type(None):
                continue  # the same map, already parsed
            read = self.read_type(kind, space)
            if read not in kinds:
                kinds.append(read)
        has_values = any(isinstance(kind, dict) and kind.get("enum") not in (None, [""]) for kind in kinds)
        if has_values:
            # The SDK leaves enumerations open for values to come; the published description closes them.
            kinds = [kind for kind in kinds if kind != "string"]
        return kinds[0] if len(kinds) == 1 else {"any": kinds}

    def read_shape(self, owner: type) -> dict[str, str]:
        if owner.__name__ not in self.shapes:
            self.shapes[owner.__name__] = {}  # stands in while it is read: shapes may hold themselves
            self.shapes[owner.__name__].update(self.read_class(owner))
        return {"shape": owner.__name__}


def _evaluate(annotation: Any, space: dict[str, Any]) -> Any:
    while isinstance(annotation, str | typing.ForwardRef):
        source = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        annotation = eval(source, dict(space))  # noqa: S307  the SDK's own source, at development time only
    return annotation


def _unwrap(annotation: Any) -> tuple[bool, Any]:
    """(may be left out, the type itself)."""
    if str(typing.get_origin(annotation)).endswith("NotRequired"):
        return True, typing.get_args(annotation)[0]
    return False, annotation


def read_operations() -> dict[str, Any]:
    sdk = importlib.import_module("stripe")
    options = frozenset(importlib.import_module("stripe._request_options").RequestOptions.__annotations__)
    reader = Reader()
    operations = {}
    for resource, verbs in OPERATIONS.items():
        for verb in verbs:
            module = importlib.import_module(f"stripe.params._{resource}_{verb}_params")
            name = "".join(word.title() for word in f"{resource}_{verb}_params".split("_"))
            operations[f"{resource}.{verb}"] = reader.read_class(getattr(module, name), options)
    return {"api_version": sdk.api_version, "operations": operations, "shapes": reader.shapes}


def render(found: dict[str, Any]) -> str:
    """One shape a line: small to ship, and an upgrade of the SDK shows as a readable difference."""
    parts = [f'{{\n"api_version": {json.dumps(found["api_version"])}']
    for section in ("operations", "shapes"):
        lines = [
            f"{json.dumps(name)}: {json.dumps(fields, separators=(',', ':'))}"
            for name, fields in sorted(found[section].items())
        ]
        parts.append(f'"{section}": {{\n' + ",\n".join(lines) + "\n}")
    return ",\n".join(parts) + "\n}\n"


def main() -> None:
    TARGET.write_text(render(read_operations()), encoding="utf-8")


if __name__ == "__main__":
    main()
