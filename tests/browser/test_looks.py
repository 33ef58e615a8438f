"""What is true of every page, at the width of a desk and of a telephone."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from marketplace.agreements.models import Price
from marketplace.kernel.db import db, transaction
from tests.browser.conftest import NARROW, WIDE, Shop, Visitor
from tests.browser.seed import HOSTILE, UNBROKEN

pytestmark = pytest.mark.browser

FAULTS = """() => {
  const faults = [], width = document.documentElement.clientWidth;
  const name = e => `${e.tagName.toLowerCase()}.${e.className} "${(e.innerText || e.name || "").slice(0, 40)}"`;
  const seen = e => e.getClientRects().length > 0 && getComputedStyle(e).position !== "absolute";
  const scrolls = e => e && (/auto|scroll/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  if (document.documentElement.scrollWidth > width) faults.push(`scrolls to ${document.documentElement.scrollWidth}`);
  for (const e of document.body.querySelectorAll("*"))
    if (seen(e) && e.getBoundingClientRect().right > width + 1 && !scrolls(e)) faults.push(`too wide: ${name(e)}`);
  if (document.querySelectorAll("h1").length !== 1) faults.push("not exactly one h1");
  if (!document.documentElement.lang) faults.push("no language");
  if (document.querySelectorAll("main").length !== 1) faults.push("not exactly one main");
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (!e.labels.length && !e.getAttribute("aria-label")) faults.push(`no label: ${name(e)}`);
  for (const e of document.querySelectorAll("img")) if (!e.hasAttribute("alt")) faults.push("an image without alt");
  for (const e of document.querySelectorAll("a, button"))
    if (!e.textContent.trim() && !e.getAttribute("aria-label")) faults.push(`no name: ${name(e)}`);
  for (const e of document.querySelectorAll("button, .button, .nav a"))
    if (seen(e) && e.getBoundingClientRect().height < 32) faults.push(`too small to touch: ${name(e)}`);
  for (const e of document.querySelectorAll(".nav")) {
    const rows = new Set([...e.children].map(link => link.offsetTop)).size;
    if (rows > (e.children.length > 5 ? 2 : 1) + e.matches(".below")) faults.push(`navigation of ${rows} rows`);
    if (e.scrollWidth > e.clientWidth) faults.push("the navigation scrolls");
  }
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  if (new Set(ids).size !== ids.length) faults.push("an id twice");
  if (document.querySelector("[style], script:not([src])")) faults.push("style or script in the page");
  if (/\\b49\\b/.test(document.title)) faults.push("a template ran");
  return faults;
}"""


def pages_of(shop: Shop) -> dict[str | None, list[str]]:
    """The pages that each person looks at; None: nobody who signed in."""
    trade, product = shop.rows.trade, shop.rows.offers["bolt"].product_id
    return {
        None: ["/", "/sign-in", "/register", "/forgotten", trade.join, "/nowhere"],
        "rival": [
            "/companies",
            "/addresses",
            "/offers?limit=100",
            "/offers?q=nothing-like-this",
            "/offers?q=screw&attribute=Thread%3DM8&price_max=5",
            f"/compare?product={product}&product={shop.rows.offers['case'].product_id}",
            f"/products/{product}",
            f"/products/{product}/related",
            f"/products/{shop.rows.offers['case'].product_id}",
            f"/cart/{trade.cart.id}",
            "/orders",
            "/orders?state=cancelled",
            f"/orders/{trade.unpaid.order.id}",
            f"/orders/{trade.unpaid.order.id}/pay",
            f"/orders/{trade.shipped.order.id}",
            f"/desk/orders/{trade.paid.parts[0].id}",
            f"/orders/{trade.shipped.order.id}/invoices",
            f"/invoices/{trade.invoice.id}",
            "/account",
            "/returns",
            f"/returns/{trade.case.id}",
            f"/orders/{trade.shipped.order.id}/return",
        ],
        "requester": ["/cart", "/orders"],
        "vendor": [
            "/desk/orders",
            "/desk/orders?late=true",
            "/balance",
            "/statements",
            "/vendor/payouts",
            *(f"/desk/orders/{whole.parts[0].id}" for whole in (trade.unpaid, trade.paid, trade.shipped)),
            "/invoices",
            f"/invoices/{trade.invoice.id}",
            "/returns",
            f"/returns/{trade.case.id}",
            "/vendor/payout-account",
            "/desk/offers",
            "/desk/offers?state=ended",
            "/desk/feeds",
            f"/desk/feeds/{shop.rows.feed.id}",
            "/desk/feed-mappings",
            "/desk/feed-mappings/new",
            f"/desk/feed-mappings/{shop.rows.mapping.id}",
        ],
        "applicant": ["/vendor/apply"],
        "newcomer": ["/vendor/apply", "/cart", "/orders"],
        "operator": [
            "/orders",
            f"/orders/{trade.shipped.order.id}",
            f"/desk/orders/{trade.shipped.parts[0].id}",
            "/desk/offers",
            "/settlement",
            "/statements",
            "/books",
            "/books/accounts?kind=vendor_payable",
            "/books/journal",
            "/operator/transfers",
            "/operator/payouts",
            "/operator/debts",
            "/operator/adjustments",
            f"/vendors/{shop.rows.bolts.id}/terms",
            "/invoices?kind=sales_invoice",
            "/returns",
            f"/returns/{trade.case.id}",
            "/return-policies",
            "/operator/disputes",
            "/operator/reconciliation",
            "/operator/payout-accounts",
            "/operator/bank",
            "/operator/receivables",
            "/operator/credit",
            "/search/rules?words=bolt,nut&q=bolt",
            "/operator/duplicates",
            "/desk/feed-mappings",
            "/operator/vendors",
            "/operator/vendors?state=declined",
            "/operator/vendors/all",
            f"/operator/vendors/{shop.rows.bolts.id}",
            f"/operator/vendors/applications/{trade.application.id}",
        ],
    }


@pytest.mark.parametrize("login", [None, "rival", "requester", "vendor", "applicant", "newcomer", "operator"])
def test_every_page_fits_and_can_be_used(visit: Callable[..., Visitor], shop: Shop, login: str | None):
    visitor = visit(login)
    found = {}
    for path in pages_of(shop)[login]:
        visitor.go(path)
        for size in (WIDE, NARROW):
            visitor.page.set_viewport_size(size)
            faults = visitor.page.evaluate(FAULTS)
            if faults:
                found[path, size["width"]] = faults
    assert found == {}


def test_all_outcomes_of_a_return_are_in_sight_at_a_desk_and_scroll_on_a_telephone(visit, shop: Shop):
    olga = visit("operator")
    olga.go(f"/returns/{shop.rows.trade.case.id}")
    olga.press("Preview")
    around = olga.page.locator(".scroll")
    columns = [name.split() for name in around.locator("thead th").all_inner_texts()]
    assert columns[1:] == [
        ["As", "claimed"],
        ["Buyer's", "choice"],
        ["Vendor's", "fault"],
        ["Carrier's", "fault"],
        ["Marketplace's", "fault"],
        ["Shared", "70", ":", "30"],
        ["As", "typed"],
    ]
    assert around.evaluate("e => e.scrollWidth - e.clientWidth") == 0
    olga.page.set_viewport_size(NARROW)
    assert around.evaluate("e => e.scrollWidth - e.clientWidth") > 0
    around.evaluate("e => e.scrollTo(e.scrollWidth, 0)")
    assert around.locator("thead th").last.evaluate("e => e.getBoundingClientRect().right") <= NARROW["width"]


def test_a_file_is_looked_at_a_mapping_made_and_the_file_taken_in(visit: Callable[..., Visitor]):
    vera = visit("vendor")
    vera.go("/desk/feeds")
    table = f"Artikel;Bezeichnung;Preis;Breite {'x' * 60}\nQ-1;{HOSTILE};free;{UNBROKEN}\nQ-1;;2,50;8\n"
    vera.page.get_by_label("CSV, XLSX, BMEcat").set_input_files(
        {"name": f"{UNBROKEN}.csv", "mimeType": "text/csv", "buffer": table.encode()}
    )
    vera.page.get_by_label("Prices as").select_option(",")
    vera.press("Look first")
    assert "Row 1 lacks the columns sku" in vera.notes()
    assert faults_of(vera) == {}
    vera.page.get_by_role("link", name="Make a mapping for this file").click()
    for label, text in {"Name *": "Bezeichnung", "SKU *": "Artikel", "Price *": "Preis"}.items():
        vera.page.get_by_label(label, exact=True).fill(text)
    vera.page.get_by_label("These fields, one a line").fill(f"Breite {'x' * 60} = Width [mm]")
    vera.page.get_by_label("Name", exact=True).fill("Mine")
    vera.press("Look what becomes of the file")
    assert vera.page.get_by_text("'free' is not a price").is_visible()
    assert faults_of(vera) == {}
    vera.press("Keep the mapping")
    assert vera.notes() == "The mapping is kept."
    assert faults_of(vera) == {}
    vera.press("Take it in")
    assert vera.notes() == "The file is on its way in."


def faults_of(visitor: Visitor) -> dict[int, list[str]]:
    """What is wrong with the page that is shown, by width."""
    found = {}
    for size in (NARROW, WIDE):
        visitor.page.set_viewport_size(size)
        if faults := visitor.page.evaluate(FAULTS):
            found[size["width"]] = faults
    return found


def test_a_name_never_becomes_a_script(visit: Callable[..., Visitor], shop: Shop):
    remi = visit("rival")
    for path in ("/offers?limit=100", f"/orders/{shop.rows.trade.shipped.order.id}"):
        remi.go(path)
        assert "<script>alert(1)</script> {{7*7}}" in remi.page.get_by_role("main").inner_text()


def test_a_changed_price_is_named_before_it_is_ordered(visit: Callable[..., Visitor], shop: Shop):
    remi = visit("rival")
    remi.go("/cart")
    with shop.app.app_context(), transaction():
        for price in db.session.query(Price).filter_by(offer_id=shop.rows.offers["bolt_of_tools"].id):
            price.unit_price = Decimal("0.13")
    remi.press("Order and pay")
    assert "It costs something else than you saw" in remi.notes()
    assert "the unit price was 0.12 and is 0.13." in remi.notes()
    remi.press("Order and pay")
    assert "/pay" in remi.page.url
