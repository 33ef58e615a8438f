"""The bank's own files read into rows: CSV with named columns, and the ISO 20022 statement (camt.053); pure reading."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from typing import Any

from marketplace.kernel import clock
from marketplace.kernel.fields import MAX_MINOR, currency_exists
from marketplace.kernel.lazily import lazily
from marketplace.kernel.money import Money, is_currency
from settlements.receivables.actions.importing import Arrived
from settlements.receivables.refusals import FileNotRead

etree: Any = lazily("lxml.etree")
COLUMNS = ("bank_id", "booked_on", "amount", "currency", "remitter_name", "remitter_iban", "reference")
_NEEDED = COLUMNS[:5]
MAX_ROWS = 5000


def read(content: bytes) -> list[Arrived]:
    """The credits of a file; debits are passed over. Raises FileNotRead, naming the rows at fault."""
    rows = list(_camt(content) if content.lstrip()[:1] == b"<" else _csv(content))
    errors = [row for row in rows if isinstance(row, dict)]
    if errors:
        raise FileNotRead("Some rows of the file cannot be read; none was taken over.", errors=errors[:50])
    found = [row for row in rows if isinstance(row, Arrived)]
    if len(found) > MAX_ROWS:
        raise FileNotRead(f"A file holds at most {MAX_ROWS} credits.")
    return found


def _csv(content: bytes) -> Iterator[Arrived | dict[str, str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        raise FileNotRead("The file is not UTF-8.") from failure
    lines = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ",")
    missing = [name for name in _NEEDED if name not in (lines.fieldnames or ())]
    if missing:
        raise FileNotRead(f"The first line names the columns; these are missing: {', '.join(missing)}.")
    for number, line in enumerate(lines, 2):
        values = {name: (line.get(name) or "").strip() for name in COLUMNS}
        try:
            yield _arrived(**values)
        except ValueError as failure:
            yield {"pointer": f"/rows/{number}", "detail": f"Line {number}: {failure}."}


def _camt(content: bytes) -> Iterator[Arrived | dict[str, str]]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as failure:
        raise FileNotRead("The file is no well-formed XML.") from failure
    if root.tag.rpartition("}")[2] != "Document":
        raise FileNotRead("The file is no statement by ISO 20022 (camt.053).")
    for number, entry in enumerate(root.iterfind(".//{*}Ntry"), 1):
        if entry.findtext("{*}CdtDbtInd") != "CRDT" or entry.findtext("{*}RvslInd") == "true" or not _is_booked(entry):
            continue
        details = entry.findall("{*}NtryDtls/{*}TxDtls")
        for index, detail in enumerate(details or [entry]):
            try:
                yield _camt_credit(entry, detail, index if len(details) > 1 else None)
            except ValueError as failure:
                yield {"pointer": f"/entries/{number}", "detail": f"Entry {number}: {failure}."}


def _is_booked(entry: Any) -> bool:
    """A bank tells also of what is pending or stands there for information only."""
    status = entry.findtext("{*}Sts/{*}Cd") or entry.findtext("{*}Sts") or "BOOK"
    return status.strip() in {"", "BOOK"}


def _camt_credit(entry: Any, detail: Any, index: int | None) -> Arrived:
    """One credit; where an entry gathers several, each carries its own amount and the entry's id with its number."""
    amount = detail.find("{*}Amt") if index is not None else entry.find("{*}Amt")
    own_id = entry.findtext("{*}AcctSvcrRef") or entry.findtext("{*}NtryRef") or ""
    texts = [row.text or "" for row in detail.iterfind(".//{*}RmtInf//{*}Ustrd")]
    texts += [row.text or "" for row in detail.iterfind(".//{*}RmtInf//{*}Ref")]
    return _arrived(
        bank_id=own_id if index is None or not own_id else f"{own_id}/{index + 1}",
        booked_on=(entry.findtext("{*}BookgDt/{*}Dt") or entry.findtext("{*}BookgDt/{*}DtTm") or "")[:10],
        amount="" if amount is None else (amount.text or "").strip(),
        currency="" if amount is None else amount.get("Ccy", ""),
        remitter_name=detail.findtext(".//{*}RltdPties/{*}Dbtr//{*}Nm") or "unknown",
        remitter_iban=detail.findtext(".//{*}RltdPties/{*}DbtrAcct/{*}Id/{*}IBAN") or "",
        reference=" ".join(" ".join(texts).split()),
    )


def _arrived(
    *,
    bank_id: str,
    booked_on: str,
    amount: str,
    currency: str,
    remitter_name: str,
    remitter_iban: str,
    reference: str,
) -> Arrived:
    """Raises ValueError, saying what is wrong."""
    if not bank_id or len(bank_id) > 200:
        raise ValueError("the bank's own id is missing")
    if not is_currency(currency) or not currency_exists(currency):
        raise ValueError("the currency is none by ISO 4217")
    minor = Money.from_major(amount, currency).minor
    if not 0 < minor <= MAX_MINOR:
        raise ValueError("the amount is not above zero")
    day = date.fromisoformat(booked_on)
    if clock.lies_ahead(day):
        raise ValueError("the day is still to come")
    texts = (remitter_name, remitter_iban, reference)
    name, iban, text = (" ".join(value.replace("\x00", " ").split())[:500] for value in texts)
    return Arrived(bank_id, minor, currency, day, name or "unknown", iban.replace(" ", ""), text)
