"""The OpenAPI description says of every operation what the kernel does around it: who may, once, and how it refuses."""

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from flask_smorest import Api

from marketplace.kernel.idempotency import HEADER

PROBLEM = "application/problem+json"
_KEY = {
    "in": "header",
    "name": HEADER,
    "required": True,
    "description": "New for each intention; the same key and body answer again what they answered first.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "order-2026-0815",
}


def complete(app: Flask, api: Api) -> None:
    """Add security, the idempotency header and the refusals to the description; after the last blueprint."""
    spec = api.spec
    spec.components.security_scheme("key", {"type": "http", "scheme": "bearer", "description": "An API key."})
    spec.components.security_scheme("session", {"type": "apiKey", "in": "cookie", "name": "kontor"})
    for view, operation in _operations(app, api):
        permissions = view.__access__
        operation["security"] = [{"key": []}, {"session": []}] if permissions else []
        if permissions:
            operation["x-permissions"] = [permission.value for permission in permissions]
        if getattr(view, "__idempotent__", False):
            operation.setdefault("parameters", []).append(_KEY)
        for status, response in operation.get("responses", {}).items():
            if isinstance(response, dict) and (status == "default" or int(status) >= 400):
                _as_problem(response)


def _operations(app: Flask, api: Api) -> Iterator[tuple[Any, dict[str, Any]]]:
    """(view, its operation in the description)."""
    views = {
        (re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule), method.lower()): app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    for path, methods in api.spec._paths.items():
        for method, operation in methods.items():
            if (path, method) in views:
                yield views[path, method], operation


def _as_problem(response: dict[str, Any]) -> None:
    content = response.get("content", {})
    if "application/json" in content:
        content[PROBLEM] = content.pop("application/json")
