"""What the first rows of a file would become, and what is wrong with each: nothing is written."""

import io
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from marketplace.kernel.access import Actor
from marketplace.kernel.errors import Invalid
from vendors.feeds import batches, files, json_lines, mappings, queries, sources, storage
from vendors.feeds.items import NoLongerSold
from vendors.feeds.json_lines import LOOKED_AT
from vendors.feeds.queries import Known
from vendors.feeds.rows import Said
from vendors.feeds.sources import Source, Way

MOST_ROWS, MOST_FIELDS = 50, 500
MOST_WORKBOOK = 30_000_000  # bytes, unpacked; a workbook is read whole, and a web process holds little
_PART_KEYS = ("part_number_key", "manufacturer_key")


class WorkbookTooLargeToTry(Invalid):
    """A workbook has no first rows that could be read alone."""

    message = "Save the first rows as a workbook of their own to try them; this one is too large for that."


def tried(
    actor: Actor, path: Path, options: Mapping[str, Any], mapping: Mapping[str, Any] | None, rows: int
) -> dict[str, Any]:
    """`options`: encoding, decimal_mark, currency; `mapping`: format and content. As a dictionary for FeedTrialOut.

    Raises the refusals of files, columns, bmecat and json_lines.
    """
    kind = files.kind_of(path, mapping)
    way = _way(path, kind, options, mapping)
    categories = queries.categories_by_name()
    source = sources.opened(path, way, categories)
    names = {category_id: name for name, category_id in categories.items()}
    first: dict[str, int] = {}
    records = itertools.islice(source.rows, min(rows, MOST_ROWS))
    shown = [_row(source, number, record, first, names) for number, record in records]
    if actor.company_id:
        vendor = queries.seller(actor.company_id)
        known = queries.known_offers(vendor.id, [row["sku"] for row in shown if row["sku"]], lock=False)
        _tell_currency(shown, options.get("currency") or vendor.currency)
        _tell_new(known, shown, needs_name=way.format in {"bmecat", "jsonl"} or mapping is not None)
        _tell_names(known, shown)
    return {
        "format": kind,
        "fields": fields_of(path, options, mapping),
        "rows": shown,
        "warnings": [*source.warnings, *source.skipped.sentences()],
    }


def tried_as_asked(actor: Actor, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """`wanted`: as FeedTrialIn loads it. As a dictionary for FeedTrialOut.

    Raises MappingUnknown, FeedUnknown, FeedFileGone, and the refusals of tried.
    """
    mapping = mappings.draft(wanted["mapping"]) if "mapping" in wanted else None
    if "mapping_id" in wanted:
        mapping = mappings.chosen(actor, str(wanted["mapping_id"]))
    if "feed_id" in wanted:
        feed = queries.feed(actor, wanted["feed_id"])
        options = {"encoding": feed.encoding, "decimal_mark": feed.decimal_mark, "currency": feed.currency}
        return tried(actor, storage.path_of(feed.stored_as), options, mapping or feed.mapping, wanted["rows"])
    options = {"encoding": "utf-8", "decimal_mark": wanted["decimal_mark"]}
    with storage.passing(io.BytesIO(wanted["rows_text"].encode())) as path:
        return tried(actor, path, options, mapping, wanted["rows"])


def fields_of(path: Path, options: Mapping[str, Any], mapping: Mapping[str, Any] | None = None) -> list[str]:
    """The fields that the first rows of a file have, also those within steps of JSON; none of a BMEcat."""
    kind = files.kind_of(path, mapping) if mapping else kind_without_mapping(path)
    if kind == "bmecat":
        return []
    if kind == "jsonl":
        return _fields_of_lines(path, options["encoding"])
    rows = sources.rows_of(path, _way(path, kind, options, mapping))
    _, header = next(iter(rows), (1, []))
    return list(dict.fromkeys(" ".join(cell.split())[:120] for cell in header if cell.strip()))[:MOST_FIELDS]


def kind_without_mapping(path: Path) -> str:
    """xlsx, bmecat, jsonl or csv. Raises FileEmpty, FileKindUnknown."""
    try:
        return files.kind_of(path, None)
    except files.MappingNeeded:
        return "jsonl"


def _fields_of_lines(path: Path, encoding: str) -> list[str]:
    found: dict[str, None] = {}
    within: dict[str, None] = {}
    for _, record in itertools.islice(json_lines.records(path, encoding), LOOKED_AT):
        if not isinstance(record, dict):
            continue
        for name, value in record.items():
            found[name] = None
            step = value[0] if isinstance(value, list) and value else None
            if isinstance(step, dict):
                within |= dict.fromkeys(step)
        if len(found) > MOST_FIELDS:
            break
    return [name[:120] for name in [*found, *(name for name in within if name not in found)]][:MOST_FIELDS]


def _way(path: Path, kind: str, options: Mapping[str, Any], mapping: Mapping[str, Any] | None) -> Way:
    if kind == "xlsx" and files.unpacked_size(path) > MOST_WORKBOOK:
        raise WorkbookTooLargeToTry(pointer="/file")
    content = mapping["content"] if mapping else None
    delimiter = ""
    if kind == "csv":
        files.check_encoding(path, options["encoding"])
        delimiter = files.delimiter_of(path, options["encoding"], content)
    return Way(kind, options["encoding"], delimiter, options["decimal_mark"], mapping)


def _row(source: Source, number: int, record: Any, first: dict[str, int], names: Mapping[Any, str]) -> dict[str, Any]:
    said = source.reader.parse(record)
    sku = str(said.values.get("sku", "")) or source.reader.sku_of(record)
    problems = [{"column": column, "message": message} for column, message in said.faults]
    if sku and first.setdefault(sku, number) != number:
        problems.append({"column": "sku", "message": f"this SKU is in row {first[sku]} already"})
    return {
        "row": number,
        "sku": sku,
        "ends": isinstance(record, NoLongerSold),
        "columns": _columns(said, names),
        "tiers": [{"from_quantity": quantity, "unit_price": price} for quantity, price in said.tiers],
        "attributes": said.attributes or [],
        "problems": problems,
        "notices": [],
        "part": tuple(said.values.get(name, "") for name in _PART_KEYS),
    }


def _columns(said: Said, names: Mapping[Any, str]) -> dict[str, str]:
    shown = {name: value for name, value in said.values.items() if name not in _PART_KEYS}
    if "category" in shown:
        shown["category"] = names.get(shown["category"], "")
    return {name: str(value) for name, value in shown.items()}


def _tell_currency(rows: Sequence[dict[str, Any]], usual: str) -> None:
    for row in rows:
        row["currency"] = row["columns"].get("currency", usual)


def _tell_new(known: Known, rows: Sequence[dict[str, Any]], *, needs_name: bool) -> None:
    """Which rows would bring a new offer, which would change one or bring it back; but to change one needs a name."""
    for row in rows:
        offered, ended = row["sku"] in known.offers, row["sku"] in known.ended
        row["is_new"] = not offered and not ended
        row["comes_back"] = not row["ends"] and ended and not offered
        needs = needs_name and not row["ends"] and row["sku"] and "name" not in row["columns"]
        if row["problems"]:
            continue
        if row["is_new"] and row["ends"]:
            row["problems"].append({"column": "sku", "message": batches.NOT_OFFERED})
        elif needs and (row["is_new"] or row["comes_back"]):
            message = batches.NAMELESS if row["is_new"] else batches.NAMELESS_ENDED
            row["problems"].append({"column": "name", "message": message})


def _tell_names(known: Known, rows: Sequence[dict[str, Any]]) -> None:
    """Which rows call a product otherwise that keeps its name."""
    good = [row for row in rows if not row["problems"] and not row["ends"]]
    joining = [row for row in good if row["is_new"]]
    by_ean = queries.products_by_ean([row["columns"]["ean"] for row in joining if "ean" in row["columns"]])
    by_part = queries.products_by_part([row["part"] for row in joining if all(row["part"])])
    names = queries.names_of({*by_ean.values(), *by_part.values()})
    for row in good:
        if row["is_new"]:
            kept = names.get(by_ean.get(row["columns"].get("ean", "")) or by_part.get(row["part"], ""))
        else:
            record = known.offers.get(row["sku"]) or known.ended[row["sku"]][0]
            kept = None if record.editable else record.name
        if kept and (message := batches.name_kept(row["columns"].get("name"), kept)):
            row["notices"].append({"column": "name", "message": message})
