"""What a form sends is read like a body of the API; what is refused comes back on the form as it was typed."""

import inspect
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from flask import current_app, flash, g, redirect, request, url_for
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from marketplace.kernel import problems
from marketplace.kernel.db import transaction
from marketplace.kernel.errors import Conflict, Invalid, Refusal, Upstream
from marketplace.kernel.fields import PageArgs
from marketplace.kernel.idempotency import once_for_form

OUR_FIELDS = ("csrf_token", "idempotency_key")


@dataclass(frozen=True, slots=True)
class Sent:
    """The form that this request sent and that was refused: what to say, what to keep, and where the page that shows
    it stands by itself."""

    problems: list[str] = field(default_factory=list)
    typed: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


class PageForm(Schema):
    """A form, or what the address of a page asks for: what it does not know (our own fields, numbers named after rows,
    words that another site added) it leaves alone."""

    class Meta:
        unknown = EXCLUDE


class ListAsked(PageForm, PageArgs):
    """What the address of a page with a list asks for: a screen of it, and after which row."""

    limit = fields.Integer(load_default=25, validate=validate.Range(min=1, max=100))


def new_key() -> str:
    """The key of one intention: the same form sent twice acts once."""
    return str(uuid.uuid4())


def typed(name: str, default: Any = "") -> Any:
    """What the person typed into this field of a refused form, else `default`."""
    sent = sent_form()
    return sent.typed.get(name, "") if sent.typed else default


def sent_form() -> Sent:
    """The refused form of this request, or an empty one."""
    sent: Sent = g.get("sent_form") or Sent()
    return sent


def keep_typed() -> None:
    """The page that this form is answered with shows what was typed, although nothing was refused."""
    g.sent_form = Sent([], _kept())


def _kept() -> dict[str, str]:
    return {name: value for name, value in request.form.items() if name not in OUR_FIELDS}


def load(schema: Schema, data: MultiDict[str, str] | None = None) -> dict[str, Any]:
    """The fields of the form (or of `data`) as the schema loads them; an empty field counts as absent.

    Raises ValidationError.
    """
    source = request.form if data is None else data
    body: dict[str, Any] = {}
    for name in source:
        if name in OUR_FIELDS:
            continue
        kind = schema.load_fields.get(name)
        values = [value.strip() for value in source.getlist(name)]
        if isinstance(kind, fields.List):
            body[name] = [_typed_value(kind.inner, value) for value in values if value]
        elif values[-1] or isinstance(kind, fields.Boolean):
            body[name] = _typed_value(kind, values[-1])
    loaded: dict[str, Any] = schema.load(body)
    return loaded


def _typed_value(kind: Any, value: str) -> Any:
    """Numbers travel as text in forms; what is no number is left for the schema to refuse."""
    if isinstance(kind, fields.Integer) and value.removeprefix("-").isascii() and value.removeprefix("-").isdigit():
        return int(value) if len(value) < 20 else value
    return value


def bounds(wanted: fields.Field) -> dict[str, int]:  # type: ignore[type-arg]
    """The least and the most that a field of a schema takes, for its input on a page."""
    (known,) = (one for one in wanted.validators if isinstance(one, validate.Range))
    return {"least": known.min, "most": known.max}


def whole(name: str, most: int, least: int = 0) -> int | None:
    """The number in a field, None where it is empty. Raises ValidationError."""
    text = request.form.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most):
        raise ValidationError({name: f"A whole number from {least} to {most}."})
    return int(text)


def quantities(prefix: str) -> dict[uuid.UUID, int]:
    """The numbers of the fields `prefix-<id>`, by id; empty fields are left out. Raises ValidationError."""
    return {key: _whole(value) for key, value in named_after_ids(prefix).items()}


def some_quantities(prefix: str, none_chosen: str) -> dict[uuid.UUID, int]:
    """The same without zeros. Raises ValidationError, with the sentence `none_chosen` where nothing is left."""
    chosen = {key: number for key, number in quantities(prefix).items() if number}
    if not chosen:
        raise ValidationError(none_chosen)
    return chosen


def named_after_ids(prefix: str) -> dict[uuid.UUID, str]:
    """The values of the fields `prefix-<id>`, by id; empty fields and those of no id are left out."""
    found: dict[uuid.UUID, str] = {}
    for name, value in request.form.items():
        if name.startswith(prefix + "-") and value.strip():
            with suppress(ValueError):
                found[uuid.UUID(name.removeprefix(prefix + "-"))] = value.strip()
    return found


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise ValidationError({"quantity": "A whole number from 0."})
    return int(text)


def once(effect: Callable[[], str]) -> Response:
    """Runs `effect` in a transaction, at most once for the form's key, and leads to the address it returns."""
    with transaction():
        address, _ = once_for_form(effect)
    return redirect(address, 303)


def done(text: str, address: str) -> Response:
    """Says `text` on the next page, and leads there."""
    flash(text, "good")
    return redirect(address, 303)


def refused_on(page: Callable[..., Any], *also: type[Refusal]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A refusal of this view is shown on `page`, which gets those of the view's arguments that are its own, with what
    was typed kept.

    What the actor may not see or do at all is no matter of the form and stays a page of its own, unless in `also`.
    """

    shown_here: tuple[type[Refusal], ...] = (Invalid, Conflict, Upstream, *also)
    own = inspect.signature(page).parameters

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def shown(*args: Any, **kwargs: Any) -> Any:
            asked = {name: value for name, value in kwargs.items() if name in own}
            try:
                return view(*args, **kwargs)
            except shown_here as refusal:
                return _again(page, asked, problems.status_of(refusal), sentences(refusal))
            except StaleDataError:
                stale = problems.EditedMeanwhile()
                return _again(page, asked, problems.status_of(stale), [stale.text])
            except ValidationError as failure:
                return _again(page, asked, problems.FIELDS_INVALID, field_messages(failure.messages))

        return shown

    return decorate


def _again(page: Callable[..., Any], kwargs: Mapping[str, Any], status: int, lines: list[str]) -> Any:
    g.sent_form = Sent(lines, _kept(), _address(page, kwargs))
    shown = page(**kwargs)
    return shown if isinstance(shown, Response) else (shown, status)


def _address(page: Callable[..., Any], kwargs: Mapping[str, Any]) -> str:
    """Where the page stands by itself; empty where it is shown in answer to forms only."""
    endpoint = next((name for name, view in current_app.view_functions.items() if view is page), None)
    return url_for(endpoint, **kwargs) if endpoint else ""


def sentences(refusal: Refusal) -> list[str]:
    """What a form says of a refusal: its sentence, and that of each thing it names."""
    named = [error["detail"] for error in refusal.facts.get("errors", ()) if error.get("detail")]
    return [refusal.text, *dict.fromkeys(named)]


def field_messages(messages: Any) -> list[str]:
    """One sentence for each field that is not valid, the field named."""
    found = []
    for pointer, text in problems.pointers(messages):
        name = pointer.strip("/").replace("/", " ").replace("_", " ").capitalize()
        found.append(f"{name}: {text}" if name else text)
    return found
