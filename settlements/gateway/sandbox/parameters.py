"""Only requests of a published shape pass: unknown names, wrong types and missing fields are refused."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from settlements.gateway.sandbox.errors import ApiError, malformed

PUBLISHED = json.loads(Path(__file__).with_name("parameters.json").read_text(encoding="utf-8"))
API_VERSION: str = PUBLISHED["api_version"]

_INTEGER = re.compile(r"-?\d{1,15}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_TREE = dict[str, Any]


def check(operation: str, encoded: str) -> _TREE:
    """The typed parameters of a form or query string.

    Raises ApiError (400, the key stays unused) for what the shapes of `operation` do not allow.
    """
    return _check_fields(PUBLISHED["operations"][operation], decode(encoded), "")


def decode(encoded: str) -> _TREE:
    """`a[b]=1&c[0]=2` -> {"a": {"b": "1"}, "c": {"0": "2"}}; lists stay maps until their type is known."""
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, strict_parsing=bool(encoded), max_num_fields=2000)
    except ValueError:
        raise malformed("Invalid request: the parameters could not be read.") from None
    tree: _TREE = {}
    for name, value in pairs:
        found = _KEY.fullmatch(name)
        if found is None:
            raise malformed(f"Invalid parameter name: {name}", param=name)
        _put(tree, [found[1], *re.findall(r"\[([^\[\]]*)\]", found[2])], value, name)
    return tree


def _put(tree: _TREE, path: list[str], value: str, name: str) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
        if not isinstance(tree, dict):
            raise malformed(f"Invalid {name}: both a value and a hash", param=name)
    last = path[-1] or str(len(tree))  # `types[]=a&types[]=b` counts upwards
    if last in tree:
        raise malformed(f"Invalid {name}: given twice", param=name)
    tree[last] = value


def _check_fields(fields: _TREE, given: _TREE, path: str) -> _TREE:
    for name in given:
        if name not in fields:
            raise malformed(
                f"Received unknown parameter: {_join(path, name)}", param=_join(path, name), code="parameter_unknown"
            )
    for name, field in fields.items():
        if field.get("required") and name not in given:
            raise malformed(
                f"Missing required param: {_join(path, name)}.", param=_join(path, name), code="parameter_missing"
            )
    return {name: _convert(fields[name]["type"], value, _join(path, name)) for name, value in given.items()}


def _convert(kind: Any, value: Any, path: str) -> Any:
    if isinstance(kind, str):
        return _convert_scalar(kind, value, path)
    ((form, detail),) = kind.items()
    if form == "any":
        return _convert_any(detail, value, path)
    if form == "enum":
        if value not in detail:
            raise malformed(f"Invalid {path}: must be one of {', '.join(filter(None, detail))}", param=path)
        return value
    if not isinstance(value, dict):
        raise malformed(f"Invalid {'array' if form == 'list' else 'object'}: {path}", param=path)
    if form == "shape":
        return _check_fields(PUBLISHED["shapes"][detail], value, path)
    if form == "map":
        return {name: _convert(detail, item, _join(path, name)) for name, item in value.items()}
    return _convert_list(detail, value, path)


def _convert_scalar(kind: str, value: Any, path: str) -> Any:
    if not isinstance(value, str):
        raise malformed(f"Invalid {kind}: {path} is a hash", param=path)
    if kind == "integer":
        if not _INTEGER.fullmatch(value):
            raise malformed(f"Invalid integer: {value}", param=path, code="parameter_invalid_integer")
        return int(value)
    if kind == "number" and not _NUMBER.fullmatch(value):
        raise malformed(f"Invalid decimal: {value}", param=path)
    if kind == "boolean":
        if value not in ("true", "false"):
            raise malformed(f"Invalid boolean: {value}", param=path)
        return value == "true"
    return value


def _convert_any(kinds: list[Any], value: Any, path: str) -> Any:
    refusal = None
    for kind in kinds:
        try:
            return _convert(kind, value, path)
        except ApiError as refused:
            refusal = refused
    raise refusal or malformed(f"Invalid parameter: {path}", param=path)


def _convert_list(kind: Any, value: _TREE, path: str) -> list[Any]:
    if sorted(value) != sorted(str(index) for index in range(len(value))):
        raise malformed(f"Invalid array: {path}", param=path)
    return [_convert(kind, value[str(index)], f"{path}[{index}]") for index in range(len(value))]


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name
