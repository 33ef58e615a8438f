"""Two real catalogues as documents: electronics with rated queries (Icecat), and 582,280 electronic parts."""

import io
import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import _common  # noqa: F401  makes the repository importable
import elasticsearch_server as development
from elasticsearch import Elasticsearch, OrjsonSerializer

from search.documents import Attribute, Document, OfferEntry, price_rows
from search.elastic import ElasticEngine
from search.wire import Server

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
VENDORS = [uuid.UUID(int=number + 1) for number in range(50)]


def lines(name: str, *options: str) -> Iterator[dict[str, Any]]:
    """The objects of a packed file, one a line."""
    path = DATA / name
    if not path.exists():
        raise SystemExit(f"{path} is not here: this figure is measured on it")
    with subprocess.Popen(["zstdcat", *options, str(path)], stdout=subprocess.PIPE) as unpacked:
        try:
            for line in io.TextIOWrapper(unpacked.stdout, encoding="utf-8"):  # type: ignore[arg-type]
                yield json.loads(line)
        finally:
            unpacked.kill()  # of who stops early a fork may still hold the pipe: it would never end by itself


def icecat() -> Iterator[tuple[str, Document]]:
    """(the catalogue's id, document) of chorus_icecat."""
    for number, row in enumerate(lines("chorus_icecat/products.jsonl.zst")):
        facts = tuple(
            Attribute(name[7:].replace("_", " "), _said(value))
            for name, value in row.items()
            if name.startswith("attr_") and value not in ("", None, False)
        )
        yield row["id"], _document(
            number, row["title"], row.get("supplier") or "", row["name"], row["ean"][0] if row.get("ean") else None, "",
            row.get("short_description") or "", facts, [(1, Decimal(row["price"]) / 100)],
        )  # fmt: skip


def _said(value: Any) -> str:
    if value is True:
        return "yes"
    return f"{value:g}" if isinstance(value, float) else str(value)[:500]


def parts(limit: int | None = None) -> Iterator[Document]:
    """The documents of jlcparts."""
    for number, row in enumerate(lines("jlcparts/parts.jsonl.zst", "--long=27")):
        if number == limit:
            return
        yield part(number, row)


def part(number: int, row: dict[str, Any]) -> Document:
    facts = tuple(
        Attribute(name, str(value)[:500])
        for name, value in row["attributes"].items()
        if not isinstance(value, dict | list)
        and value not in ("", "-")
        and name not in {"Mpn", "Description", "Manufacturer"}
    )[:40]
    tiers = [(step["qFrom"], Decimal(str(step["price"]))) for step in row["price"]] or [(1, Decimal(1))]
    category = f"{row['category']}/{row['subcategory']}"
    return _document(
        number, f"{row['manufacturer']} {row['mpn']} {row['subcategory']}", row["manufacturer"], row["mpn"], None,
        category, row["description"], facts, tiers, row["sku"], row["stock"] > 0,
    )  # fmt: skip


def _document(  # noqa: PLR0917 - the columns of a row
    number: int, name: str, maker: str, part_number: str, ean: str | None, category: str, description: str,
    facts: tuple[Attribute, ...], tiers: list[tuple[int, Decimal]], sku: str = "", in_stock: bool = True,
) -> Document:  # fmt: skip
    vendor = VENDORS[number % len(VENDORS)]
    list_id = uuid.UUID(int=2**64 + number % len(VENDORS))
    rows = price_rows([(list_id, True, "EUR", quantity, price) for quantity, price in tiers], 1)
    offer = OfferEntry(uuid.UUID(int=2**80 + number), vendor, sku or f"S-{number}", number % 10, in_stock, rows)
    return Document(
        product_id=uuid.UUID(int=2**96 + number),
        version=1,
        name=name,
        manufacturer=maker,
        part_number=part_number,
        ean=ean,
        category_path=category,
        category_name=category.rpartition("/")[2],
        description=description,
        attributes=facts,
        offers=(offer,),
    )


def batches(documents: Iterator[Any], size: int = 1000) -> Iterator[list[Any]]:
    held: list[Any] = []
    for document in documents:
        held.append(document)
        if len(held) == size:
            yield held
            held = []
    if held:
        yield held


class Measured(ElasticEngine):
    """An engine that knows where its server is, with the bare client beside it."""

    url = ""
    client: Any = None


def bare_client(url: str) -> Elasticsearch:
    quick = {"application/json": OrjsonSerializer(), "application/vnd.elasticsearch+json": OrjsonSerializer()}
    return Elasticsearch(url, request_timeout=30, max_retries=0, serializers=quick)


@contextmanager
def elastic(name: str) -> Iterator[Measured]:
    """An engine on the server of ELASTICSEARCH_URL, or on one that is started for this; KEEP_INDEX keeps its index."""
    url, own = os.environ.get("ELASTICSEARCH_URL"), None
    if not url:
        own = 9290
        url = development.start(own)
    engine = Measured(Server(url), f"kontor-bench-{name}", timeout_s=30)
    engine.url = url
    engine.client = bare_client(url)
    try:
        yield engine
    finally:
        if not os.environ.get("KEEP_INDEX"):
            for index in engine.indexes():
                engine.client.indices.delete(index=index)
        if own:
            development.stop(own)
