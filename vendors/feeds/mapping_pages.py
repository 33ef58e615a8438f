"""Mappings as pages: a form with a line for each column of a feed, and what a file would become by it."""

import re
import uuid
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from flask import redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from marketplace.kernel import forms
from marketplace.kernel.access import Permission, Side, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.errors import Refusal
from marketplace.kernel.fields import Text
from marketplace.kernel.pages import NavItem
from marketplace.kernel.problems import EditedMeanwhile
from marketplace.kernel.web import pages_blueprint
from vendors.feeds import mappings, queries, storage, trying, uploads
from vendors.feeds.columns import COLUMNS, heading_key
from vendors.feeds.mapping_schemas import CONSTANT, JOINED, MOST_TIERS, TAKEN, FeedMappingIn
from vendors.feeds.schemas import FeedOptions

routes = pages_blueprint("feed_mappings", __name__)
navigation = [
    NavItem("Feed mappings", "feed_mappings_pages.mapping_list", Permission.FEED_MAPPING_EDIT, Side.OPERATOR, "Market")
]
TIER_LINES, SHOWN = 8, 10
JOINED_BY, NAMED_BY = " + ", " = "
_QUOTED = re.compile(r'"((?:[^"]|"")*)"(?: = (.*))?')
_ABSENT: dict[str, Any] = {"note": "", "tiers": [], "attributes": {}, "constants": {}, "left_out": []}


class HowRead(forms.PageForm, FeedOptions):
    """The file whose fields are offered, and how it is read."""

    file = Text(load_default="", max_length=2000, allow_empty=True)


@routes.get("/desk/feed-mappings")
@requires(Permission.OFFER_EDIT)
def mapping_list() -> str:
    """One's own mappings and the shared ones."""
    return render_template("feeds/mappings.html", mappings=queries.mappings_to_choose(current_actor(), 400))


@routes.get("/desk/feed-mappings/new")
@requires(Permission.FEED_MAPPING_EDIT)
def new(trial: dict[str, Any] | None = None) -> str:
    """A new mapping; the fields of the file are offered, and taken where they are called as a column is."""
    choices, kind = _choices()
    guessed = {name: next((one for one in choices if heading_key(one) == name), "") for name in (*TAKEN, "price")}
    values = {f"column-{name}": text for name, text in guessed.items() if text}
    values |= {"format": "jsonl" if kind == "jsonl" else "table", "price": guessed["price"]}
    return _form(None, values, choices, trial)


@routes.get("/desk/feed-mappings/<uuid:mapping_id>")
@requires(Permission.OFFER_EDIT)
def mapping(mapping_id: uuid.UUID, trial: dict[str, Any] | None = None) -> str:
    """A mapping, to read or to change."""
    row = queries.mapping(current_actor(), mapping_id)
    facts = {"name": row.name, "format": row.format, "note": row.note, "version": row.version}
    return _form(row, facts | _values(row.content), _choices()[0], trial)


@routes.post("/desk/feed-mappings/new")
@requires(Permission.FEED_MAPPING_EDIT)
@forms.refused_on(new)
def create() -> Response | str:
    """Keep it, or look what the file would become."""
    wanted = FeedMappingIn().load(_typed(_choices()[0]))
    if request.form.get("look"):
        forms.keep_typed()
        return new(_trial(wanted))
    with transaction():
        row = mappings.create(current_actor(), wanted)
    return _saved(row.id)


@routes.post("/desk/feed-mappings/<uuid:mapping_id>")
@requires(Permission.FEED_MAPPING_EDIT)
@forms.refused_on(mapping)
def edit(mapping_id: uuid.UUID) -> Response | str:
    """Keep the change, or look what the file would become."""
    row = queries.mapping(current_actor(), mapping_id)
    typed = _typed([*_choices()[0], *(name for names in row.content["columns"].values() for name in names)])
    if request.form.get("look"):
        wanted = FeedMappingIn().load(typed)
        forms.keep_typed()
        return mapping(mapping_id=mapping_id, trial=_trial(wanted))
    with transaction():
        if request.form.get("version") != str(row.version):
            raise EditedMeanwhile
        mappings.edit(current_actor(), mapping_id, _ABSENT | typed)
    return _saved(mapping_id)


@routes.post("/desk/feed-mappings/<uuid:mapping_id>/copy")
@requires(Permission.FEED_MAPPING_EDIT)
@forms.refused_on(mapping)
def copy(mapping_id: uuid.UUID) -> Response:
    """Make one's own that begins as this one."""
    with transaction():
        row = mappings.copy(current_actor(), mapping_id, request.form.get("copy_name", "").strip()[:80] or "My copy")
    return redirect(url_for(".mapping", mapping_id=row.id, **_carried()), 303)


@routes.post("/desk/feed-mappings/<uuid:mapping_id>/remove")
@requires(Permission.FEED_MAPPING_EDIT)
def remove(mapping_id: uuid.UUID) -> Response:
    """Take it away; feeds that were read by it keep it."""
    with transaction():
        mappings.remove(current_actor(), mapping_id)
    return forms.done("The mapping is gone.", url_for(".mapping_list"))


def _how() -> dict[str, Any]:
    return forms.load(HowRead(exclude=["mapping"]), request.values)


def _carried() -> dict[str, str]:
    """What the next page is told of the file."""
    how = _how()
    return {name: value for name, value in how.items() if value} if how["file"] else {}


def _choices() -> tuple[list[str], str]:
    """The fields of the file at hand and its kind; none where there is no file."""
    how = _how()
    if not how["file"]:
        return [], ""
    try:
        path = storage.path_of(uploads.at_hand(current_actor(), how["file"]).stored.stored_as)
        return trying.fields_of(path, how), trying.kind_without_mapping(path)
    except Refusal:
        return [], ""


def _trial(wanted: Mapping[str, Any]) -> dict[str, Any]:
    how = _how()
    if not how["file"]:
        raise ValidationError({"file": "Choose a file on the page of feeds first."})
    actor = current_actor()
    path = storage.path_of(uploads.at_hand(actor, how["file"]).stored.stored_as)
    return trying.tried(actor, path, how, mappings.draft(wanted), SHOWN)


def _saved(mapping_id: uuid.UUID) -> Response:
    """Back to the file that is to be read by it, or to the list."""
    carried = _carried()
    address = url_for("feeds_pages.look", mapping=mapping_id, **carried) if carried else url_for(".mapping_list")
    return forms.done("The mapping is kept.", address)


def _form(row: Any, values: Mapping[str, Any], choices: list[str], trial: dict[str, Any] | None) -> str:
    actor = current_actor()
    return render_template(
        "feeds/mapping.html",
        mapping=row,
        values=values,
        choices=choices,
        trial=trial,
        own=actor.may(Permission.FEED_MAPPING_EDIT) and (row is None or mappings.is_own(actor, row)),
        taken=TAKEN,
        joined=JOINED,
        constant=CONSTANT,
        tier_lines=range(1, _lines_of_tiers(values) + 1),
        order=list(COLUMNS),
        carried=_carried(),
    )


def _lines_of_tiers(values: Mapping[str, Any]) -> int:
    """So many that there is an empty one, as long as there may be more."""
    filled = [line for line in range(1, MOST_TIERS + 1) if forms.typed(name := f"tier_field-{line}", values.get(name))]
    return min(MOST_TIERS, max(TIER_LINES, max(filled, default=0) + 1))


def _typed(known: Collection[str]) -> dict[str, Any]:
    """The mapping as the form says it, in the words of the API; `known`: fields, of whose names some may look like
    several put together."""
    form = {name: value.strip() for name, value in request.form.items() if value.strip()}
    several = {name: _parts(form[f"column-{name}"], known) for name in JOINED if f"column-{name}" in form}
    single = {name: [form[f"column-{name}"]] for name in TAKEN if name not in JOINED and f"column-{name}" in form}
    price = {"field": form.get("price", ""), "from": form.get("step_from"), "amount": form.get("step_amount")}
    digits = forms.whole("minor_digits", 6)
    found: dict[str, Any] = {name: form[name] for name in ("name", "format", "note") if name in form}
    found["columns"] = several | single
    found["price"] = {name: value for name, value in price.items() if value is not None}
    if digits:
        found["price"]["minor_digits"] = digits
    found["tiers"] = list(_tiers(form))
    found["attributes"] = _attributes(form, known)
    found["constants"] = {name: form[f"constant-{name}"] for name in CONSTANT if f"constant-{name}" in form}
    found["left_out"] = _lines(form.get("left_out", ""))
    return {name: value for name, value in found.items() if value or name in {"columns", "price"}}


def _parts(text: str, known: Collection[str]) -> list[str]:
    pieces, found = [piece.strip() for piece in text.split(JOINED_BY)], []
    while pieces:
        together = (JOINED_BY.join(pieces[:count]) for count in range(len(pieces), 1, -1))
        found.append(next((name for name in together if name in known), pieces[0]))
        pieces = pieces[found[-1].count(JOINED_BY) + 1 :]
    return found


def _tiers(form: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for line in range(1, MOST_TIERS + 1):
        quantity, name = forms.whole(f"tier_quantity-{line}", 10**9), form.get(f"tier_field-{line}")
        if quantity is not None or name:
            yield {"from_quantity": quantity, "field": name}


def _attributes(form: Mapping[str, str], known: Collection[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if prefixes := _lines(form.get("attribute_prefixes", "")):
        found["prefixes"] = prefixes
    if holder := form.get("attribute_field"):
        found["field"] = holder
    if named := [_attribute(line, known) for line in _lines(form.get("attribute_fields", ""))]:
        found["fields"] = named
    return found


def _attribute(line: str, known: Collection[str]) -> dict[str, str]:
    """`Länge = Length [mm]`, of which all but the first may be left out; a field that itself looks like this is one of
    the file, or stands in quotes."""
    name, shown = _field_and_rest(line, known)
    unit = ""
    if shown.endswith("]"):
        shown, _, unit = f" {shown}".rpartition(" [")
    facts = {"field": name.strip(), "name": shown.strip(), "unit": unit.strip().removesuffix("]")}
    return {key: text for key, text in facts.items() if text}


def _field_and_rest(line: str, known: Collection[str]) -> tuple[str, str]:
    if quoted := _QUOTED.fullmatch(line):
        return quoted[1].replace('""', '"'), quoted[2] or ""
    pieces = line.split(NAMED_BY)
    heads = (NAMED_BY.join(pieces[:count]) for count in range(len(pieces), 1, -1))
    name = next((head for head in heads if head in known), pieces[0])
    return name, line[len(name) + len(NAMED_BY) :]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _values(content: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping as the fields of the form show it: the other way round than _typed."""
    price, attributes = content["price"], content.get("attributes", {})
    found = {f"column-{name}": JOINED_BY.join(names) for name, names in content["columns"].items()}
    found |= {f"constant-{name}": text for name, text in content.get("constants", {}).items()}
    found |= {"price": price["field"], "step_from": price.get("from", ""), "step_amount": price.get("amount", "")}
    found["minor_digits"] = price.get("minor_digits", "")
    for line, tier in enumerate(content.get("tiers", ()), start=1):
        found |= {f"tier_quantity-{line}": tier["from_quantity"], f"tier_field-{line}": tier["field"]}
    found["attribute_prefixes"] = "\n".join(attributes.get("prefixes", ()))
    found["attribute_field"] = attributes.get("field", "")
    found["attribute_fields"] = "\n".join(map(_shown, attributes.get("fields", ())))
    return found | {"left_out": "\n".join(content.get("left_out", ()))}


def _shown(attribute: Mapping[str, str]) -> str:
    unit = f"[{attribute['unit']}]" if attribute.get("unit") else ""
    said = " ".join(text for text in (attribute.get("name", ""), unit) if text)
    name = attribute["field"]
    if NAMED_BY in f"{name} " or name.startswith('"'):
        name = '"' + name.replace('"', '""') + '"'
    return name + NAMED_BY + said if said else name
