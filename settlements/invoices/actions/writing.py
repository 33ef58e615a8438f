"""An invoice is written whole, its number drawn last: the series is locked from there to the end of the transaction."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask import current_app

from marketplace.kernel import clock, writes
from settlements.invoices import queries
from settlements.invoices.models import Invoice, InvoiceLine, InvoiceStanding
from settlements.invoices.states import SERIES, InvoiceKind, InvoiceState


@dataclass(frozen=True, slots=True)
class Prepared:
    """An invoice without its number. open_minor: what of it is still to be paid."""

    invoice: Invoice
    lines: Sequence[InvoiceLine]
    open_minor: int


def today() -> date:
    """The operator's calendar day."""
    return clock.business_day(clock.now(), current_app.extensions["kontor_settings"].time_zone)


def write(prepared: Sequence[Prepared]) -> list[Invoice]:
    """Number them and insert them, in one statement beside those that draw the numbers; all of one call, in the order
    given, which is that of their issuers, so that two transactions never wait for each other's series."""
    groups: dict[tuple[uuid.UUID, InvoiceKind], list[Invoice]] = {}
    for one in prepared:
        groups.setdefault((one.invoice.issuer_id, one.invoice.kind), []).append(one.invoice)
    for (issuer_id, kind), rows in sorted(groups.items(), key=lambda group: (str(group[0][0]), SERIES[group[0][1]])):
        _number(issuer_id, kind, rows)
    standings = [
        InvoiceStanding(
            id=one.invoice.id,
            state=InvoiceState.ISSUED if one.open_minor > 0 else InvoiceState.PAID,
            open_minor=max(0, one.open_minor),
        )
        for one in prepared
    ]
    invoices = [one.invoice for one in prepared]
    writes.all_of_it(invoices, [line for one in prepared for line in one.lines], standings)
    return invoices


def _number(issuer_id: uuid.UUID, kind: InvoiceKind, rows: Sequence[Invoice]) -> None:
    day = today()
    series = f"{SERIES[kind]}{day:%y}"
    code, last, day = queries.draw_numbers(issuer_id, series, len(rows), day)
    for sequence, row in enumerate(rows, last - len(rows) + 1):
        row.series, row.sequence, row.issued_on = series, sequence, day
        row.number = f"K{code}-{series}-{sequence:06d}"
