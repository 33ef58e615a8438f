"""Invoices and their documents, as each party may see them: every SELECT of this room."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_
from sqlalchemy.dialects.postgresql import distinct_on

from marketplace.companies.models import Address
from marketplace.kernel import reads
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from marketplace.orders.models import Order, OrderMoney, OrderStep, VendorOrder
from marketplace.orders.states import VendorOrderState
from marketplace.rules.models import TaxRate
from settlements.invoices.models import Invoice, InvoiceDocument, InvoiceLine, InvoiceStanding
from settlements.invoices.refusals import InvoiceUnknown
from settlements.invoices.states import InvoiceKind, InvoiceState
from settlements.receivables.models import Receivable

GONE = (VendorOrderState.SHIPPED, VendorOrderState.DELIVERED, VendorOrderState.CLOSED)


def invoice(actor: Actor, invoice_id: uuid.UUID) -> Invoice:
    """One invoice. Raises InvoiceUnknown."""
    row = db.session.scalars(visible(actor, Invoice).where(Invoice.id == invoice_id)).one_or_none()
    if row is None:
        raise InvoiceUnknown
    return row


def invoices(
    actor: Actor,
    *,
    kind: InvoiceKind | None = None,
    state: InvoiceState | None = None,
    order_id: uuid.UUID | None = None,
    number: str | None = None,
) -> Select[Any]:
    """The invoices that the actor may see."""
    statement = visible(actor, Invoice)
    if kind is not None:
        statement = statement.where(Invoice.kind == kind)
    if state is not None:
        statement = statement.where(_shows(state))
    if order_id is not None:
        statement = statement.where(Invoice.order_id == order_id)
    return statement if number is None else statement.where(Invoice.number == number)


def _shows(state: InvoiceState) -> ColumnElement[bool]:
    """How an invoice stands; one on terms of which money came in tells that before its standing does."""

    def stands(state: InvoiceState) -> ColumnElement[bool]:
        standing = visible(SYSTEM, InvoiceStanding).with_only_columns(InvoiceStanding.id)
        return Invoice.id.in_(standing.where(InvoiceStanding.state == state))

    begun = exists().where(
        Receivable.invoice_id == Invoice.id,
        Receivable.open_minor > 0,
        Receivable.open_minor < func.abs(Invoice.payable_minor),
    )
    if state is InvoiceState.ISSUED:
        return and_(stands(state), ~begun)
    if state is InvoiceState.PART_PAID:
        return or_(stands(state), and_(stands(InvoiceState.ISSUED), begun))
    return stands(state)


def invoices_of(actor: Actor, order_id: uuid.UUID) -> list[Invoice]:
    """The invoices of an order that the actor may see, as they were issued."""
    return list(db.session.scalars(visible(actor, Invoice).where(Invoice.order_id == order_id).order_by(Invoice.id)))


def by_id(invoice_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Invoice]:
    rows = db.session.scalars(visible(SYSTEM, Invoice).where(Invoice.id.in_(invoice_ids)))
    return {row.id: row for row in rows}


def of_statements(statement_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Invoice]:
    """What was issued over the commission of these statements."""
    rows = db.session.scalars(visible(SYSTEM, Invoice).where(Invoice.statement_id.in_(statement_ids)))
    return {row.statement_id: row for row in rows if row.statement_id is not None}


def lines_of(invoice_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[InvoiceLine]]:
    """The lines of some invoices, each in their order. The caller has checked who may see them."""
    found: dict[uuid.UUID, list[InvoiceLine]] = defaultdict(list)
    statement = visible(SYSTEM, InvoiceLine).where(InvoiceLine.invoice_id.in_(invoice_ids))
    for row in db.session.scalars(statement.order_by(InvoiceLine.position)):
        found[row.invoice_id].append(row)
    return found


def standings_of(invoice_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, InvoiceStanding]:
    statement = visible(SYSTEM, InvoiceStanding).where(InvoiceStanding.id.in_(invoice_ids))
    return {row.id: row for row in db.session.scalars(statement, execution_options={"populate_existing": True})}


def standing(invoice_id: uuid.UUID) -> InvoiceStanding:
    """How an invoice is paid, locked."""
    statement = visible(SYSTEM, InvoiceStanding).where(InvoiceStanding.id == invoice_id).with_for_update()
    return db.session.scalars(statement, execution_options={"populate_existing": True}).one()


def open_items(invoice_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """What is still waited for of those invoices that have an open item, in minor units."""
    statement = visible(SYSTEM, Receivable).with_only_columns(Receivable.invoice_id, Receivable.open_minor)
    rows = db.session.execute(statement.where(Receivable.invoice_id.in_(invoice_ids)))
    return {row[0]: max(0, row[1]) for row in rows}


def last_commissions(vendor_ids: Collection[uuid.UUID]) -> dict[tuple[uuid.UUID, str], uuid.UUID]:
    """The last commission invoice of each of these vendors per currency."""
    statement = visible(SYSTEM, Invoice).with_only_columns(Invoice.vendor_id, Invoice.currency, Invoice.id)
    statement = statement.where(Invoice.vendor_id.in_(vendor_ids), Invoice.kind == InvoiceKind.COMMISSION_INVOICE)
    statement = statement.where(Invoice.statement_id.is_not(None)).order_by(
        Invoice.vendor_id, Invoice.currency, Invoice.id.desc()
    )
    rows = db.session.execute(statement.ext(distinct_on(Invoice.vendor_id, Invoice.currency)))
    return {(row[0], row[1]): row[2] for row in rows}


def addresses_of(company_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Address]:
    """The address of each of these companies: the one it chose, else its oldest in use."""
    statement = visible(SYSTEM, Address).where(Address.company_id.in_(company_ids), Address.archived_at.is_(None))
    statement = statement.order_by(Address.company_id, Address.is_default.desc(), Address.id)
    return {row.company_id: row for row in db.session.scalars(statement.ext(distinct_on(Address.company_id)))}


def standard_rate(country: str, day: date) -> Decimal | None:
    """The standard rate of a country on a day."""
    statement = visible(SYSTEM, TaxRate).with_only_columns(TaxRate.rate).where(TaxRate.country == country)
    statement = statement.where(TaxRate.category == "standard", TaxRate.valid_from <= day)
    return db.session.scalar(statement.order_by(TaxRate.valid_from.desc()).limit(1))


_CODE = "SELECT code FROM invoice_issuer WHERE company_id = %(issuer_id)s"
_ISSUER = "INSERT INTO invoice_issuer (company_id) VALUES (%(issuer_id)s) ON CONFLICT DO NOTHING RETURNING code"
_NUMBERS = """
INSERT INTO invoice_series AS s (issuer_id, series, last, last_on)
VALUES (%(issuer_id)s, %(series)s, %(count)s, %(today)s)
ON CONFLICT (issuer_id, series) DO UPDATE
SET last = s.last + excluded.last, last_on = greatest(s.last_on, excluded.last_on) RETURNING last, last_on
"""


def draw_numbers(issuer_id: uuid.UUID, series: str, count: int, today: date) -> tuple[int, int, date]:
    """(the issuer's code, the last of `count` new numbers, the day they are issued on): the series is locked from here
    to the end of the transaction, so this comes last in it. A day is never before that of the number before.
    """
    values = {"issuer_id": issuer_id, "series": series, "count": count, "today": today}
    code = reads.in_session(_CODE, values)
    if not code:
        reads.in_session(_ISSUER, values)
        code = reads.in_session(_CODE, values)
    ((last, day),) = reads.in_session(_NUMBERS, values)
    return int(code[0][0]), int(last), day


def steps_of(order_id: uuid.UUID, numbers: Iterable[int]) -> dict[int, OrderStep]:
    """Some steps of an order by their numbers, and the last one."""
    last = visible(SYSTEM, OrderStep).with_only_columns(OrderStep.number).where(OrderStep.order_id == order_id)
    wanted = OrderStep.number.in_(list(numbers)) | (
        OrderStep.number == last.order_by(OrderStep.number.desc()).limit(1).scalar_subquery()
    )
    rows = db.session.scalars(visible(SYSTEM, OrderStep).where(OrderStep.order_id == order_id, wanted))
    return {row.number: row for row in rows}


def not_invoiced(actor: Actor) -> Select[Any]:
    """The vendor orders of which everything has left and nothing is invoiced yet."""
    told = exists().where(Invoice.vendor_order_id == VendorOrder.id)
    return visible(actor, VendorOrder).where(VendorOrder.state.in_(GONE), ~told)


def orders_behind(limit: int, last: uuid.UUID | None = None) -> list[uuid.UUID]:
    """Orders with something to tell that is in no invoice yet, as far as it can be seen without valuing them, by id,
    those after `last`."""
    waiting = not_invoiced(SYSTEM).with_only_columns(VendorOrder.order_id).distinct()
    if last is not None:
        waiting = waiting.where(VendorOrder.order_id > last)
    return list(db.session.scalars(waiting.order_by(VendorOrder.order_id).limit(limit)))


def paid_meanwhile(limit: int, last: uuid.UUID | None = None) -> list[uuid.UUID]:
    """Invoices that were left open of orders paid up front, and whose orders owe nothing any more, by id, those after
    `last`."""
    paid = visible(SYSTEM, OrderMoney).with_only_columns(func.coalesce(func.sum(OrderMoney.amount_minor), 0))
    paid = paid.where(OrderMoney.order_id == Order.id)
    statement = visible(SYSTEM, InvoiceStanding).with_only_columns(InvoiceStanding.id)
    statement = statement.join(Invoice, Invoice.id == InvoiceStanding.id).join(Order, Order.id == Invoice.order_id)
    statement = statement.where(InvoiceStanding.state.in_([InvoiceState.ISSUED, InvoiceState.PART_PAID]))
    statement = statement.where(Order.payment_terms.is_(None), paid.scalar_subquery() >= Order.owed_minor)
    if last is not None:
        statement = statement.where(InvoiceStanding.id > last)
    return list(db.session.scalars(statement.order_by(InvoiceStanding.id).limit(limit)))


def without_documents(limit: int) -> list[uuid.UUID]:
    """Invoices of which nobody has made the documents, the oldest first."""
    made = exists().where(InvoiceDocument.invoice_id == Invoice.id)
    statement = visible(SYSTEM, Invoice).with_only_columns(Invoice.id).where(~made)
    return list(db.session.scalars(statement.order_by(Invoice.id).limit(limit)))


def documents_of(actor: Actor, invoice_ids: Collection[uuid.UUID]) -> dict[tuple[uuid.UUID, str], InvoiceDocument]:
    rows = db.session.scalars(visible(actor, InvoiceDocument).where(InvoiceDocument.invoice_id.in_(invoice_ids)))
    return {(row.invoice_id, row.form): row for row in rows if row.invoice_id is not None}


def document(
    actor: Actor, form: str, *, invoice_id: uuid.UUID | None = None, statement_id: uuid.UUID | None = None
) -> InvoiceDocument | None:
    """A document as it was kept, if it was."""
    statement = visible(actor, InvoiceDocument).where(InvoiceDocument.form == form)
    statement = statement.where(InvoiceDocument.invoice_id == invoice_id, InvoiceDocument.statement_id == statement_id)
    return db.session.scalars(statement).one_or_none()


def orders_by_id(order_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Order]:
    return {row.id: row for row in db.session.scalars(visible(SYSTEM, Order).where(Order.id.in_(order_ids)))}


def parts_by_id(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, VendorOrder]:
    return {row.id: row for row in db.session.scalars(visible(SYSTEM, VendorOrder).where(VendorOrder.id.in_(ids)))}
