"""Refusals become application/problem+json (RFC 9457); the only file with status codes of errors."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, render_template, request
from marshmallow import ValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from marketplace.kernel.access import SignInRequired
from marketplace.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refusal, Upstream, in_words
from marketplace.kernel.limits import TooOften

log = structlog.get_logger("problems")
API_PREFIX = "/v1"


class EditedMeanwhile(Conflict):
    """Somebody changed it since it was read; read it again."""

    message = "It was changed since you read it. Read it again and repeat your change."


class MatchRequired(Conflict):
    """An edit names the version it edits."""

    message = "Send the header If-Match with the ETag that you read."


class ServiceAway(Upstream):
    """A server that this needs does not answer."""

    message = "A server that this needs does not answer at the moment; try again shortly."


STATUS: dict[type[Refusal], int] = {
    SignInRequired: 401,
    EditedMeanwhile: 412,
    MatchRequired: 428,
    ServiceAway: 503,
    TooOften: 429,
    NotFound: 404,
    Forbidden: 403,
    Conflict: 409,
    Invalid: 422,
    Upstream: 502,
}
FIELDS_INVALID = 422
_GONE_SQLSTATES = ("08", "57P", "53")  # connection, operator intervention (shutdown), insufficient resources


def status_of(refusal: Refusal) -> int:
    return next(STATUS[kind] for kind in type(refusal).__mro__ if kind in STATUS)


def init_app(app: Flask) -> None:
    """Every error of this app leaves as a problem: JSON, or a page where a person asked for one."""
    app.register_error_handler(Refusal, of_refusal)
    app.register_error_handler(ValidationError, lambda failure: _of_fields(failure.messages))
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(StaleDataError, lambda _: of_refusal(EditedMeanwhile()))
    for kind in (OperationalError, InterfaceError, DBAPIError, PoolTimeout):
        app.register_error_handler(kind, of_database)
    app.register_error_handler(Exception, of_unknown)


def of_refusal(refusal: Refusal) -> Response:
    errors = [{"pointer": refusal.pointer, "detail": refusal.text}] if refusal.pointer is not None else None
    answer = problem(status_of(refusal), type(refusal).__name__, refusal.text, errors=errors, facts=refusal.facts)
    if isinstance(refusal, SignInRequired):
        answer.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(refusal, TooOften):
        answer.headers["Retry-After"] = str(refusal.facts["retry_after_seconds"])
    return answer


def of_http(failure: HTTPException) -> Response:
    messages = getattr(failure, "data", {}).get("messages") if hasattr(failure, "data") else None
    if messages:
        inner = next(iter(messages.values())) if isinstance(messages, Mapping) and len(messages) == 1 else messages
        return _of_fields(inner)
    status = failure.code or 500
    if isinstance(failure.response, Response):
        return failure.response
    answer = problem(status, failure.name.title().replace(" ", ""), failure.description or failure.name)
    for name, value in failure.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            answer.headers[name] = value
    return answer


def of_database(failure: Exception) -> Response:
    """A server that is away is a 503 that passes; anything else of the database is a defect of ours."""
    sqlstate = str(getattr(getattr(failure, "orig", None), "sqlstate", None) or "")
    away = isinstance(failure, PoolTimeout | InterfaceError) or getattr(failure, "connection_invalidated", False)
    if away or sqlstate.startswith(_GONE_SQLSTATES) or (isinstance(failure, OperationalError) and not sqlstate):
        log.warning("database away", error=str(failure).splitlines()[0])
        answer = of_refusal(ServiceAway())
        answer.headers["Retry-After"] = "2"
        return answer
    if sqlstate in {"40001", "40P01", "55P03"}:
        answer = of_refusal(ServiceAway("Others changed the same rows at the same moment; try again."))
        answer.headers["Retry-After"] = "1"
        return answer
    return of_unknown(failure)


def of_unknown(failure: Exception) -> Response:
    trace = secrets.token_hex(8)
    log.exception("unknown error", trace_id=trace, path=request.path, exc_info=failure)
    return problem(500, "InternalError", "Something went wrong on our side.", facts={"trace_id": trace})


def _of_fields(messages: Any) -> Response:
    errors = [{"pointer": pointer, "detail": detail} for pointer, detail in pointers(messages)]
    return problem(FIELDS_INVALID, "FieldsInvalid", "Some fields are not valid.", errors=errors)


def pointers(messages: Any, base: str = "") -> Iterator[tuple[str, str]]:
    """marshmallow's nested messages as (JSON pointer, sentence)."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            step = "" if key == "_schema" else "/" + str(key).replace("~", "~0").replace("/", "~1")
            yield from pointers(inner, base + step)
    elif isinstance(messages, list | tuple):
        for inner in messages:
            yield from pointers(inner, base)
    else:
        yield base, str(messages)


def problem(
    status: int,
    name: str,
    detail: str,
    *,
    errors: list[dict[str, Any]] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Response:
    """The answer of a refusal: a page for a person, else problem+json with `type`, `title`, `status`, `detail`."""
    slug = in_words(name).lower().replace(" ", "-")
    body: dict[str, Any] = {"type": f"/problems/{slug}", "title": in_words(name), "status": status, "detail": detail}
    if errors:
        body["errors"] = errors
    for key, value in (facts or {}).items():
        body.setdefault(key, value)
    if wants_page():
        g.problem = body
        return Response(render_template("problem.html", problem=body), status, content_type="text/html; charset=utf-8")
    return Response(orjson.dumps(body, default=str), status, content_type="application/problem+json")


def wants_page() -> bool:
    """Does a person read this answer in a browser?"""
    if request.path.startswith(API_PREFIX):
        return False
    best = request.accept_mimetypes.best_match(["application/json", "text/html"])
    return best == "text/html"
