"""Files are made once, sealed, the same whenever they are made, and handed to their parties only, to be saved."""

import io
import uuid
from datetime import date

import pypdf
import pytest
from lxml import etree

from marketplace.kernel import outbox, queue
from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import db, transaction
from settlements.invoices import actions, documents, handlers, jobs, queries, statements
from settlements.invoices.models import InvoiceDocument
from settlements.invoices.refusals import DocumentLost
from settlements.invoices.statements import SheetLine, SheetTransfer, StatementSheet
from tests.builders.companies import an_actor
from tests.builders.invoices import Want, a_promotion, a_sale, ship, traders
from tests.builders.rules import default_rules
from tests.settlements.invoices.test_commissions import asked


@pytest.fixture
def sold(session):
    """Who traded, the vendor's invoice, and the invoice over his commission."""
    with transaction():
        default_rules()
        who = traders("A", "B")
        sale = a_sale(who, [Want("A", 3, "12.345")], promotions=[a_promotion(amount_minor=5_00)])
        ship(sale)
        (row,) = actions.follow(sale.order.id)
        commission = actions.issue_commission(asked(who.vendors["A"], 12_00))
    return who, row, queries.invoice(SYSTEM, commission.invoice_id), sale


@pytest.fixture
def asking(sold, client_as):
    who, *_ = sold
    actors = {
        "buyer": who.actor,
        "requester": an_actor(who.buyer, Role.REQUESTER),
        "vendor": an_actor(who.vendors["A"], Role.VENDOR_MANAGER),
        "clerk": an_actor(who.vendors["A"], Role.VENDOR_CLERK),
        "rival": an_actor(who.vendors["B"], Role.VENDOR_MANAGER),
        "operator": an_actor(who.operator, Role.OPERATOR),
    }
    return lambda name, path: client_as(actors[name]).get(path)


SALE = {"buyer": 200, "requester": 200, "vendor": 200, "clerk": 403, "rival": 404, "operator": 200}
COMMISSION = {"buyer": 404, "requester": 404, "vendor": 200, "clerk": 403, "rival": 404, "operator": 200}


@pytest.mark.parametrize("name", SALE)
@pytest.mark.parametrize("path", ["", "/pdf", "/xml"])
def test_an_invoice_is_its_parties_alone(sold, asking, name, path):
    _, row, commission, _ = sold
    for start in ("/v1/invoices", "/invoices"):
        assert asking(name, f"{start}/{row.id}{path}").status_code == SALE[name]
        assert asking(name, f"{start}/{commission.id}{path}").status_code == COMMISSION[name]


def test_lists_hold_what_their_reader_may_see(sold, asking):
    _, row, commission, sale = sold
    wanted = {"buyer": {row}, "requester": {row}, "vendor": {row, commission}, "rival": set()}
    wanted["operator"] = {row, commission}
    for name, rows in wanted.items():
        found = {item["id"] for item in asking(name, "/v1/invoices").json["items"]}
        assert found == {str(each.id) for each in rows}, name
        page = asking(name, "/invoices").text
        assert [each.number in page for each in (row, commission)] == [each in rows for each in (row, commission)]
    of_order = f"/v1/orders/{sale.order.id}/invoices"
    assert [item["number"] for item in asking("buyer", of_order).json["items"]] == [row.number]
    assert asking("rival", of_order).status_code == 403
    assert row.number in asking("buyer", f"/orders/{sale.order.id}/invoices").text
    assert asking("operator", f"/v1/invoices?number={row.number}&kind=sales_invoice&state=paid").json["items"]
    assert asking("vendor", "/v1/invoices?kind=credit_note").json["items"] == []


def test_the_answer_says_what_the_invoice_says(sold, asking):
    _, row, _, _ = sold
    told = asking("buyer", f"/v1/invoices/{row.id}").json
    assert (told["net_minor"], told["tax_minor"], told["gross_minor"]) == (37_04, 7_04, 44_08)
    assert (told["market_minor"], told["paid_minor"], told["payable_minor"], told["open_minor"]) == (500, 39_08, 0, 0)
    assert told["breakdown"] == [
        {"category": "S", "rate": "0.19", "net_minor": 37_04, "tax_minor": 7_04, "reason": "", "code": ""}
    ]
    (line,) = told["lines"]
    assert (line["quantity"], line["unit_price"], line["list_minor"]) == (3, "12.345", 37_04)
    assert "payee" not in told["seller"]


def test_a_file_is_saved_and_not_shown(sold, asking):
    _, row, _, _ = sold
    for form, media in documents.MEDIA.items():
        answer = asking("buyer", f"/v1/invoices/{row.id}/{form}")
        assert answer.content_type == media
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{row.number}.{form}"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_pdf_holds_the_xml_and_the_words_of_people_as_they_are(sold):
    _, row, _, _ = sold
    made = documents.render(row)
    reader = pypdf.PdfReader(io.BytesIO(made["pdf"]))
    assert reader.attachments["invoice.xml"] == [made["xml"]]
    text = reader.pages[0].extract_text()
    assert "Vendor A #{7*7}" in text
    assert 'Bolt M8 "x" *40* \\ #sym' in text
    assert "Käufer & Söhne <AG>" in text
    assert b"pdfaid:part" in made["pdf"] or "/Metadata" in reader.trailer["/Root"]
    assert etree.fromstring(made["xml"]).findtext("{*}ID") == row.number


def test_made_again_it_is_the_same(sold):
    _, row, _, _ = sold
    assert documents.render(row) == documents.render(queries.invoice(SYSTEM, row.id))


def test_it_is_made_once_and_kept(sold):
    _, row, _, _ = sold
    jobs.render([str(row.id)])
    jobs.render([str(row.id)])
    kept = queries.documents_of(SYSTEM, [row.id])
    made = documents.render(row)
    assert {form: bytes(kept[row.id, form].content) for form in documents.FORMS} == made
    assert {kept[row.id, form].size for form in made} == {len(content) for content in made.values()}


def test_what_the_queue_forgot_is_made_later(sold):
    jobs.render_rest()
    assert queries.without_documents(10) == []
    assert db.session.query(InvoiceDocument).count() == 4


def test_issuing_asks_for_the_files_on_the_queue_of_long_jobs(sold, monkeypatch):
    _, row, commission, _ = sold
    asked_for = []
    monkeypatch.setattr(queue, "enqueue", lambda name, **facts: asked_for.append((name, facts)))
    by_event = {"InvoiceIssued": handlers.render_issued, "CommissionsIssued": handlers.render_commissions}
    for name, handler in by_event.items():
        outbox.deliver(f"{handler.__module__}.{handler.__qualname__}", events_named(name))
    assert asked_for == [
        ("invoices.render", {"invoice_ids": [str(row.id)]}),
        ("invoices.render", {"invoice_ids": [str(commission.id)]}),
    ]


def events_named(name):
    rows = db.session.query(outbox.OutboxEvent).filter_by(name=name)
    return [event.id for event in rows]


def test_a_file_that_is_not_what_was_sealed_is_not_handed_out(sold):
    _, row, _, _ = sold
    document = InvoiceDocument(form="pdf", name="x.pdf", sha256="0" * 64, content=b"spoilt", id=uuid.uuid4())
    with pytest.raises(DocumentLost):
        documents.served(document)
    assert row


def test_letters_without_a_shape_do_not_stop_a_file(session):
    with transaction():
        who = traders("A")
        who.vendors["A"].name = "株式会社 😀"
        sale = a_sale(who, [Want("A", 1, "10")])
        ship(sale)
        (row,) = actions.follow(sale.order.id)
    made = documents.render(row)
    assert made["pdf"].startswith(b"%PDF")
    assert "株式会社 😀" in made["xml"].decode()


def a_sheet(who, **others):
    facts = {
        "statement_id": uuid.uuid4(),
        "vendor_id": who.vendors["A"].id,
        "number": "S-1",
        "currency": "EUR",
        "period_from": date(2026, 11, 2),
        "period_to": date(2026, 11, 8),
        "closed_on": date(2026, 11, 9),
        "cycle": "weekly",
        "opening_minor": 10_00,
        "closing_minor": 95_00,
        "lines": (SheetLine("goods", "Goods", 3, 100_00), SheetLine("commission", "Commission", 3, -15_00)),
        "transfers": (SheetTransfer("T-1", date(2026, 11, 9), 95_00, "made"),),
        "beside": (SheetLine("pending", "Pending", 0, 7_00),),
        "commission_invoice": "K101-F26-000001",
    }
    return StatementSheet(**(facts | others))


def test_a_statement_is_a_file_for_its_vendor_and_the_operator(sold):
    who, *_ = sold
    sheet = a_sheet(who)
    with transaction():
        kept = statements.keep_pdf(sheet)
        again = statements.keep_pdf(a_sheet(who, statement_id=sheet.statement_id, number="S-2"))
    assert again.id == kept.id
    text = pypdf.PdfReader(io.BytesIO(bytes(kept.content))).pages[0].extract_text()
    assert all(words in text for words in ("Statement", "95.00 EUR", "-15.00 EUR", "K101-F26-000001", "T-1", "Pending"))
    seen = {"A": True, "B": False}
    for name, may in seen.items():
        actor = an_actor(who.vendors[name], Role.VENDOR_MANAGER)
        assert (statements.pdf_of(actor, sheet.statement_id) is not None) == may
    assert statements.pdf_of(who.actor, sheet.statement_id) is None
    assert statements.rendered(sheet) == statements.rendered(sheet)


def test_a_statement_that_does_not_add_up_is_no_file(sold):
    who, *_ = sold
    with pytest.raises(ValueError, match="closes"):
        a_sheet(who, closing_minor=95_01)
