"""Refusals in the provider's own shape: status, and a body of one `error` object."""

from typing import Any


class ApiError(Exception):
    """An answer that is no success.

    `stored`: an Idempotency-Key replays it. `kept`: what it changed stays changed, as the failed attempt of a decline.
    """

    def __init__(
        self, status: int, kind: str, message: str, *, stored: bool = True, kept: bool = False, **facts: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.stored = stored
        self.kept = kept
        self.body = {"error": {"message": message, "type": kind} | {k: v for k, v in facts.items() if v is not None}}


def invalid(message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> ApiError:
    return ApiError(status, "invalid_request_error", message, param=param, code=code)


def malformed(message: str, *, param: str | None = None, code: str | None = None) -> ApiError:
    """A request refused before it began: its key stays unused."""
    return ApiError(400, "invalid_request_error", message, stored=False, param=param, code=code)


def missing(kind: str, object_id: str, param: str = "id") -> ApiError:
    word = kind.replace("_", " ") if kind != "payment_intent" else "payment_intent"
    return invalid(f"No such {word}: '{object_id}'", param=param, code="resource_missing", status=404)


def unauthenticated(message: str) -> ApiError:
    return ApiError(401, "invalid_request_error", message, stored=False)
