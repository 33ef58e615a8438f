"""What every route and page shares: blueprints, cursors, ETags, JSON, protection of forms, security headers."""

import base64
import binascii
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import flask
import orjson
from flask import Flask, Response, request
from flask.json.provider import JSONProvider
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_smorest import Api
from flask_smorest import Blueprint as ApiBlueprint
from flask_wtf.csrf import CSRFError, CSRFProtect
from marshmallow import INCLUDE, Schema, fields
from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from marketplace.kernel import problems
from marketplace.kernel.access import current_actor
from marketplace.kernel.db import db
from marketplace.kernel.errors import Forbidden, Invalid
from marketplace.kernel.fields import MoneyIn, Rate

WEBHOOK_PREFIX = "/webhooks/"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
csrf = CSRFProtect()


class CursorUnknown(Invalid):
    """The cursor was not made by this list."""

    message = "This cursor was not made by this list; start again without one."


class FormTokenMissing(Forbidden):
    """A form, or a request that is signed in by cookie, carries the page's token."""

    message = "The form's token is missing or too old. Load the page again and repeat; nothing was changed."


class ProblemOut(Schema):
    """A refusal (RFC 9457): `errors` point at the fields at fault; facts of the refusal stand beside them."""

    class Meta:
        unknown = INCLUDE

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    errors = fields.List(fields.Dict())


class OrjsonProvider(JSONProvider):
    """JSON by orjson; decimals are strings, never floats."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return _json(obj).decode()

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """As bytes, which is what is sent: a page of hits need not become a text in between."""
        return raw_json(_json(self._prepare_response_obj(args, kwargs)))

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=_json_default, option=orjson.OPT_NON_STR_KEYS)


def _json_default(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


class ProblemApi(Api):  # type: ignore[misc]
    """flask-smorest, answering our problems instead of its errors."""

    ERROR_SCHEMA = ProblemOut

    def _register_error_handlers(self) -> None:
        """Errors are registered once, in problems.py."""

    def _register_responses(self) -> None:
        """The named responses of the description are refusals."""
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE


def init_app(app: Flask) -> ProblemApi:
    """JSON, protection of cookies, headers, and the documented API of this app."""
    app.json = OrjsonProvider(app)
    app.config.update(
        API_TITLE="Kontor",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    app.session_interface = FormSession()
    csrf.init_app(app)
    app.before_request(_refuse_other_bodies)
    app.before_request(_protect)
    app.after_request(_secure)
    app.register_error_handler(CSRFError, lambda _: problems.of_refusal(FormTokenMissing()))
    api = ProblemApi(app)
    api.register_field(Rate, "string", "decimal")
    api.spec.components.schema("Money", schema=MoneyIn)
    return api


def _refuse_other_bodies() -> None:
    """A body of another kind than the API reads must not pass for an empty one."""
    in_the_api = request.path.startswith(problems.API_PREFIX) and request.content_length
    if in_the_api and not request.is_json and request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType("Send application/json, or multipart/form-data where a file is taken.")


def _protect() -> None:
    """Cookies are sent by the browser without being asked, so what they authorise needs the page's token as well."""
    if request.method in SAFE_METHODS or request.path.startswith(WEBHOOK_PREFIX):
        return
    if request.path.startswith(problems.API_PREFIX) and current_actor().session_id is None:
        return
    csrf.protect()


_SECURITY = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    (
        "Content-Security-Policy",
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'",
    ),
    ("Cache-Control", "no-store"),
)


def _secure(response: Response) -> Response:
    """What the view has not said itself; a static file is kept as long as its address, which changes with it."""
    said = {name.lower() for name, _ in response.headers}
    is_static = request.path.startswith("/static")
    response.headers.extend(
        [
            (name, value)
            for name, value in _SECURITY
            if name.lower() not in said and not (is_static and name == "Cache-Control")
        ]
    )
    return response


class FormSession(SecureCookieSessionInterface):
    """The cookie of forms; a request without one, as programs send, does not pay for reading it."""

    def open_session(self, app: Flask, request: flask.Request) -> SecureCookieSession | None:
        if "HTTP_COOKIE" not in request.environ or self.get_cookie_name(app) not in request.cookies:
            return SecureCookieSession()
        return super().open_session(app, request)


class QueryParser(FlaskParser):
    """Gives a schema the query as it is: of a proxy each field that is not there costs an exception."""

    def load_querystring(self, req: flask.Request, schema: Schema) -> dict[str, Any]:
        several = _several(schema)
        return {name: values if name in several else values[0] for name, values in req.args.lists()}


@lru_cache(1024)  # of routes, each of which makes its schema once
def _several(schema: Schema) -> frozenset[str]:
    """The names that may be repeated."""
    listed = [(name, field) for name, field in schema.fields.items() if isinstance(field, fields.List)]
    return frozenset(field.data_key or name for name, field in listed)


class RoomBlueprint(ApiBlueprint):  # type: ignore[misc]
    """Makes the schema of a route's arguments once, not with every request."""

    ARGUMENTS_PARSER = QueryParser()

    def arguments(self, schema: Schema | type[Schema], **kwargs: Any) -> Any:
        return super().arguments(schema() if isinstance(schema, type) else schema, **kwargs)


def api_blueprint(room: str, description: str = "") -> ApiBlueprint:
    """The API blueprint of a room, below /v1."""
    return RoomBlueprint(room, room, url_prefix=problems.API_PREFIX, description=description)


def pages_blueprint(room: str, import_name: str) -> flask.Blueprint:
    """The page blueprint of a room, with the room's own templates."""
    return flask.Blueprint(f"{room}_pages", import_name, template_folder="templates")


def raw_json(body: str | bytes, status: int = 200) -> Response:
    """JSON made elsewhere (in SQL), answered unparsed."""
    return Response(body, status, content_type="application/json")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: its rows, and the cursor of the next page or None."""

    items: Sequence[Any]
    next: str | None


def paginate(
    statement: Select[Any], args: Mapping[str, Any], *by: InstrumentedAttribute[Any], descending: bool = True
) -> Page:
    """A page of `statement`, sorted by the columns `by` (their values together unique); `args` as of PageArgs.

    Raises CursorUnknown.
    """
    limit = args["limit"]
    if args.get("cursor"):
        after = _read_cursor(args["cursor"], by)
        key = tuple_(*by)
        statement = statement.where(key < after if descending else key > after)
    order = [column.desc() if descending else column.asc() for column in by]
    rows = list(db.session.scalars(statement.order_by(*order).limit(limit + 1)))
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, make_cursor([getattr(rows[-1], column.key) for column in by]) if more else None)


def make_cursor(values: Sequence[Any]) -> str:
    """Opaque text that holds the sort values of the last row."""
    return base64.urlsafe_b64encode(orjson.dumps([str(v) for v in values])).decode().rstrip("=")


def cursor_values(cursor: str, kinds: Sequence[type]) -> list[Any]:
    """The sort values in a cursor, typed. Raises CursorUnknown."""
    try:
        texts = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_cursor_value(kind, text) for kind, text in zip(kinds, texts, strict=True)]
    except (binascii.Error, ValueError, TypeError, ArithmeticError) as failure:
        raise CursorUnknown(pointer="/cursor") from failure


def _read_cursor(cursor: str, by: Sequence[InstrumentedAttribute[Any]]) -> tuple[Any, ...]:
    return tuple(cursor_values(cursor, [column.type.python_type for column in by]))


def _cursor_value(kind: type, text: Any) -> Any:
    if not isinstance(text, str) or "\x00" in text:
        raise ValueError("not a cursor value")
    if kind is datetime:
        return datetime.fromisoformat(text)
    if kind is date:
        return date.fromisoformat(text)
    if kind is int:
        number = int(text)
        if abs(number) >= 2**63:
            raise ValueError("not a cursor value")
        return number
    return uuid.UUID(text) if kind is uuid.UUID else kind(text)


def page_of(schema: type[Schema]) -> type[Schema]:
    """The schema of a page of `schema`: `{"items": [...], "next": cursor or null}`."""
    name = schema.__name__.removesuffix("Out") + "Page"
    return Schema.from_dict(
        {"items": fields.List(fields.Nested(schema)), "next": fields.String(allow_none=True)}, name=name
    )


def etag(row: Any) -> str:
    """The ETag of a versioned row, quoted."""
    return f'"{row.version}"'


def check_match(row: Any) -> None:
    """The caller edits the version that he read. Raises MatchRequired or EditedMeanwhile."""
    if not request.if_match and not request.if_match.star_tag:
        raise problems.MatchRequired
    if not request.if_match.contains(str(row.version)):
        raise problems.EditedMeanwhile


def check_put(row: Any | None) -> None:
    """As check_match where there is a row; where there is none, nothing was read: `If-None-Match: *` or no header.

    Raises MatchRequired or EditedMeanwhile.
    """
    if row is None and request.if_match:
        raise problems.EditedMeanwhile
    if row is not None and request.if_none_match.star_tag:
        raise problems.EditedMeanwhile
    if row is not None:
        check_match(row)


def tagged(body: Any, row: Any, status: int = 200) -> Response:
    """JSON of a versioned row with its ETag."""
    response = flask.jsonify(body)
    response.status_code = status
    response.headers["ETag"] = etag(row)
    return response
