"""An order's invoices follow its life: one of each issuer when all of his has left, and what corrects it afterwards.

Whatever moved since the last invoice is told, once, whoever calls and how often: it is the difference between the step
that the last invoice tells and the order's present one.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import structlog
from flask import current_app

from marketplace.companies import queries as companies
from marketplace.companies.models import Company
from marketplace.credit.terms import DueRule
from marketplace.kernel import clock, outbox
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import new_id
from marketplace.orders import queries as order_queries
from marketplace.orders.models import Order, VendorOrder
from marketplace.orders.queries import WholeOrder
from marketplace.orders.states import VendorOrderState
from marketplace.pricing.answers import valuation_from_json
from marketplace.pricing.facts import MARKETPLACE
from marketplace.pricing.wire import order_from_json, policy_from_json, state_from_json
from settlements.invoices import drafting, parties, queries, wording
from settlements.invoices.actions import deficits
from settlements.invoices.actions.deficits import Deficit
from settlements.invoices.actions.writing import Prepared, today, write
from settlements.invoices.drafting import Draft, DraftLine
from settlements.invoices.events import InvoiceIssued
from settlements.invoices.labels import OUTSIDE, Label, Labels
from settlements.invoices.models import Invoice, InvoiceLine
from settlements.invoices.position import GOODS, Case, Key, Sold, marketplace_issues, position
from settlements.invoices.states import InvoiceKind
from settlements.receivables.actions import NewReceivable, open_receivables

log = structlog.get_logger("invoices")
_Position = Mapping[Key, Sold]


@dataclass(frozen=True, slots=True)
class _Telling:
    """What is told of an order, by one issuer; `part` None: the operator."""

    whole: WholeOrder
    case: Case
    part: VendorOrder | None
    labels: Labels
    seller: Company
    buyer: Company
    operator: Company
    step_number: int

    @property
    def order(self) -> Order:
        return self.whole.order

    @property
    def name(self) -> str:
        return MARKETPLACE if self.part is None else str(self.part.vendor_id)

    @property
    def of(self) -> str:
        return f"order:{self.order.id}" if self.part is None else f"vendor_order:{self.part.id}"


def follow(order_id: uuid.UUID) -> list[Invoice]:
    """Issue what is to be told of this order and is in no invoice yet; locks the order. Usually that is nothing."""
    order = order_queries.order(SYSTEM, order_id, locked=True)
    whole = order_queries.whole(SYSTEM, order_id)
    told = queries.invoices_of(SYSTEM, order_id)
    steps = queries.steps_of(order_id, {row.step_number for row in told if row.step_number is not None})
    case = Case(order_from_json(order.facts), policy_from_json(order.policy))
    worths = {
        n: (state_from_json(step.formula_state), valuation_from_json(step.valuation)) for n, step in steps.items()
    }
    last = max(worths)

    drafts: list[tuple[_Telling, Draft, bool, Invoice | None]] = []
    operators = marketplace_issues(case.order, [state for state, _ in worths.values()])
    for telling in _tellings(whole, case, last, operators=operators):
        own = [row for row in told if row.vendor_order_id == (telling.part.id if telling.part else None)]
        positions = {n: position(case, telling.name, *worth) for n, worth in worths.items()}
        for outside in (False, True):
            drafts += _drafts(telling, outside, positions, [row for row in own if row.outside_scope == outside])
    if not drafts:
        return []
    deficit = deficits.of(order, whole.net_paid_minor, told)
    invoices = write(_prepare(drafts, deficit))
    if order.payment_terms is not None:
        _open_items(order, invoices)
    elif deficit.due_on is not None:
        deficits.claim(order, invoices)
    for row in invoices:
        outbox.publish(InvoiceIssued(invoice_id=row.id))
    return invoices


def _tellings(whole: WholeOrder, case: Case, last: int, *, operators: bool) -> list[_Telling]:
    """Each issuer who may tell now: a vendor when all of his has left, the operator, if he is one of them, when all of
    everybody's has."""
    gone = [part for part in whole.parts if part.state in queries.GONE]
    if not gone:
        return []
    companies_found = companies.companies_by_id({whole.order.company_id, *(part.vendor_id for part in gone)})
    operator, buyer = companies.operator_company(), companies_found[whole.order.company_id]
    found = [
        _Telling(
            whole,
            case,
            part,
            Labels(whole.lines_of(part), [row for row in whole.deliveries if row.vendor_id == part.vendor_id]),
            companies_found[part.vendor_id],
            buyer,
            operator,
            last,
        )
        for part in gone
    ]
    ended = {*queries.GONE, VendorOrderState.CANCELLED}
    if operators and all(part.state in ended for part in whole.parts):
        labels = Labels((), [row for row in whole.deliveries if row.vendor_id is None])
        found.append(_Telling(whole, case, None, labels, operator, buyer, operator, last))
    return [telling for telling in found if _may_issue(telling)]


def _may_issue(telling: _Telling) -> bool:
    """An issuer without a VAT id cannot: what he has sold waits until he has one, and the operator sees it waiting."""
    if telling.seller.vat_id:
        return True
    log.warning("issuer without a VAT id", company_id=str(telling.seller.id), of=telling.of)
    return False


def _drafts(
    telling: _Telling, outside: bool, positions: Mapping[int, _Position], told: Sequence[Invoice]
) -> list[tuple[_Telling, Draft, bool, Invoice | None]]:
    """What one issuer has to tell of what is, or is not, outside the scope of tax: an invoice holds one of both."""

    def of(number: int) -> dict[Key, Sold]:
        found = positions[number].items()
        return {key: sold for key, sold in found if (telling.labels.of(key, sold).category == OUTSIDE) == outside}

    currency = telling.order.currency
    if not told:
        draft, first = drafting.invoice(of(telling.step_number), currency), None
    else:
        first, latest = told[0], max(row.step_number or 0 for row in told)
        draft = drafting.correction(of(latest), of(telling.step_number), currency)
    return [] if draft is None else [(telling, draft, outside, first)]


def _prepare(drafts: Sequence[tuple[_Telling, Draft, bool, Invoice | None]], deficit: Deficit) -> list[Prepared]:
    """Of an order paid up front, what it owes beyond what was paid is open on the last of those by which more is owed;
    of one on terms all of it is."""
    on_terms, unpaid = drafts[0][0].order.payment_terms is not None, deficit.minor
    addresses = queries.addresses_of({telling.seller.id for telling, *_ in drafts})
    prepared = []
    for telling, draft, outside, first in reversed(drafts):
        payable = draft.buyer_minor
        if not on_terms and (draft.sign > 0 or payable < 0):
            payable = draft.sign * min(max(draft.sign * payable, 0), unpaid)
        to_pay = max(0, draft.sign * payable)
        unpaid -= to_pay
        rows = [(line, telling.labels.of(line.key, _as_sold(telling, line))) for line in draft.lines]
        due_on = _due(telling.order, deficit) if to_pay else None
        invoice = _invoice(telling, draft, rows, first, payable, due_on)
        invoice.outside_scope = outside
        invoice.source = f"{telling.of}:{'outside' if outside else 'taxed'}:{telling.step_number}"
        invoice.seller = parties.of_company(telling.seller, addresses.get(telling.seller.id))
        if telling.part is not None:
            invoice.seller["payee"] = parties.of_payee(telling.operator)
        lines = [_line(invoice.id, number, line, label) for number, (line, label) in enumerate(rows, 1)]
        prepared.append(Prepared(invoice, lines, 0 if on_terms and draft.sign < 0 else to_pay))
    return prepared[::-1]


def _as_sold(telling: _Telling, line: DraftLine) -> Sold:
    return Sold(1, None, line.list_minor, line.net_minor, line.tax_minor, taxed=telling.case.policy.restocking_taxed)


def _invoice(
    telling: _Telling,
    draft: Draft,
    rows: Sequence[tuple[DraftLine, Label]],
    first: Invoice | None,
    payable: int,
    due_on: date | None,
) -> Invoice:
    order, part = telling.order, telling.part
    taxes = drafting.breakdown((line, label.category, label.rate, label.reason) for line, label in rows)
    vat_ids = [label.buyer_vat_id for _, label in rows if label.buyer_vat_id]
    shipped = [each.shipped_at for each in ([part] if part else telling.whole.parts) if each.shipped_at]
    kind = InvoiceKind.CREDIT_NOTE if draft.sign < 0 else InvoiceKind.DEBIT_NOTE if first else InvoiceKind.SALES_INVOICE
    return Invoice(
        id=new_id(),
        kind=kind,
        issuer_id=telling.seller.id,
        company_id=order.company_id,
        vendor_id=part.vendor_id if part else None,
        order_id=order.id,
        order_number=part.number if part else order.number,
        vendor_order_id=part.id if part else None,
        corrects_id=first.id if first else None,
        step_number=telling.step_number,
        supplied_on=_day(max(shipped)) if shipped else None,
        due_on=due_on,
        terms=wording.terms(kind, payable, order.payment_terms, due_on),
        reference=order.reference,
        note=wording.note(
            kind, draft.market_minor, order.currency, telling.operator.name, part and telling.seller.name
        ),
        buyer=parties.of_buyer(order, telling.buyer, vat_ids),
        delivered_to=parties.place_of(order.delivery_address, telling.buyer.country),
        currency=order.currency,
        net_minor=draft.net_minor,
        tax_minor=draft.tax_minor,
        gross_minor=draft.net_minor + draft.tax_minor,
        market_minor=draft.market_minor,
        paid_minor=draft.buyer_minor - payable,
        payable_minor=payable,
        breakdown=[part.as_json() for part in taxes],
    )


def _line(invoice_id: uuid.UUID, number: int, line: DraftLine, label: Label) -> InvoiceLine:
    of_goods = line.key[0] == GOODS
    return InvoiceLine(
        invoice_id=invoice_id,
        position=number,
        kind=line.key[0] if line.units_moved else drafting.DISCOUNT,
        order_line_id=label.order_line_id,
        text=label.text if line.units_moved or not of_goods else wording.price_moved(label.text),
        sku=label.sku if of_goods else "",
        unit=label.unit if line.units_moved else "piece",
        quantity=line.quantity,
        unit_price=line.unit_price,
        per=line.per,
        list_minor=line.list_minor,
        allowance_minor=line.list_minor - line.net_minor,
        net_minor=line.net_minor,
        tax_minor=line.tax_minor,
        category=label.category,
        rate=label.rate,
    )


def _due(order: Order, deficit: Deficit) -> date | None:
    return deficit.due_on if order.payment_terms is None else DueRule.from_json(order.payment_terms).due_on(today())


def _open_items(order: Order, invoices: Sequence[Invoice]) -> None:
    """What is sold on terms is waited for from its invoice on; a correction was followed when its step was taken."""
    of_part: dict[uuid.UUID | None, list[NewReceivable]] = {}
    for row in invoices:
        if row.kind is InvoiceKind.SALES_INVOICE:
            due = row.due_on or row.issued_on
            item = NewReceivable(row.id, row.number, row.seller["name"], row.payable_minor, row.issued_on, due)
            of_part.setdefault(row.vendor_order_id, []).append(item)
    for part_id, items in of_part.items():
        open_receivables(order.id, part_id, items)


def _day(moment: datetime) -> date:
    return clock.business_day(moment, current_app.extensions["kontor_settings"].time_zone)
