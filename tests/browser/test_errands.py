"""What people come for, done with mouse and keys."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser


def test_who_signs_in_lands_where_he_wanted_to_go(visit: Callable[..., Visitor]):
    bea = visit()
    bea.go("/orders")
    expect(bea.page).to_have_url(re.compile(r"/sign-in\?next="))

    bea.page.get_by_label("E-mail").fill("buyer@example.test")
    bea.page.get_by_label("Password").fill("wrong, wrong, wrong")
    bea.press("Sign in")
    assert bea.notes() == "The e-mail address or the password is wrong."
    expect(bea.page.get_by_label("E-mail")).to_have_value("buyer@example.test")
    expect(bea.page.get_by_label("Password")).to_have_value("")

    bea.page.get_by_label("Password").fill("open sesame, please")
    bea.press("Sign in")
    expect(bea.page).to_have_url(bea.url + "/orders")

    bea.press("Sign out")
    expect(bea.page.get_by_role("link", name="Sign in").first).to_be_visible()


def test_a_link_of_ours_leads_nobody_away(visit: Callable[..., Visitor]):
    bea = visit()
    bea.go("/sign-in?next=//evil.example/x")
    bea.page.get_by_label("E-mail").fill("buyer@example.test")
    bea.page.get_by_label("Password").fill("open sesame, please")
    bea.press("Sign in")
    expect(bea.page).to_have_url(bea.url + "/offers")


def test_who_belongs_to_two_companies_chooses(visit: Callable[..., Visitor]):
    boris = visit("both")
    expect(boris.page.get_by_role("heading", name="For which company?")).to_be_visible()
    boris.page.get_by_role("button", name=re.compile("Toolmark")).click()
    expect(boris.page).to_have_url(boris.url + "/desk/orders")


def test_an_order_is_bought_paid_confirmed_and_shipped(visit: Callable[..., Visitor]):
    bea = visit("buyer")
    order = _buy_bolts_and_a_press(bea)

    vera = visit("vendor")
    vera.page.get_by_role("row", name=re.compile(r"to confirm")).first.get_by_role("link").click()
    vera.press("Confirm the order")
    expect(vera.page.locator("h1")).to_contain_text("confirmed")
    vera.page.get_by_label("Units of Hexagon bolt M8 x 40, zinc plated in this parcel").fill("700")
    vera.page.get_by_label("Carrier").fill("Hanse Paket")
    vera.page.get_by_label("Tracking number").fill("HP 0012")
    vera.press("Ship")
    expect(vera.page.locator("h1")).to_contain_text("part shipped")
    vera.press("It has arrived")
    expect(vera.page.locator(".parcels")).to_contain_text("delivered")

    bea.page.goto(order)
    expect(bea.page.locator("h1")).to_contain_text("in fulfilment")
    expect(bea.page.locator(".parcels")).to_contain_text("HP 0012")
    bea.page.get_by_text("Cancel before it ships").click()
    bea.page.get_by_label("Cancel: units of Hexagon bolt M8 x 40, zinc plated").fill("500")
    bea.page.get_by_label("Reason").fill("Too many")
    bea.press("Cancel these units")
    expect(bea.page.locator("main")).to_contain_text("500 cancelled")
    expect(bea.page.get_by_role("heading", name="Payments").locator("..")).to_contain_text("Refund")


def test_a_company_applies_and_the_operator_lets_it_sell(visit: Callable[..., Visitor]):
    nora = visit("newcomer")
    nora.page.get_by_role("link", name="Sell here").click()
    nora.page.get_by_label("Registration number").fill("HRB 4711")
    nora.page.get_by_label("VAT id").fill("DE123456789")
    nora.page.get_by_label("E-mail for questions").fill("nora@example.test")
    nora.press("Apply")
    assert "VAT id" in nora.notes()
    expect(nora.page.get_by_label("Registration number")).to_have_value("HRB 4711")
    nora.page.get_by_label("VAT id").fill("DE136695976")
    nora.press("Apply")
    assert "with the operator" in nora.notes()

    olga = visit("operator")
    olga.page.get_by_role("link", name="Market").click()
    olga.page.get_by_role("link", name="Frische Farben GmbH").click()
    olga.press("Ask the company")
    assert "Say why" in olga.notes()
    olga.page.get_by_label("Note to the company").fill("Which paints?")
    olga.press("Ask the company")
    expect(olga.page.locator("h1")).to_contain_text("questions")

    nora.go("/vendor/apply")
    assert "Which paints?" in nora.notes()
    nora.page.get_by_label("What you want to sell").fill("Ship's paint")
    nora.press("Send the answers")
    olga.page.reload()
    expect(olga.page.get_by_text("Ship's paint")).to_be_visible()
    olga.page.get_by_label("Commission in percent").fill("8,5")
    olga.press("Approve")
    expect(olga.page.locator("h1")).to_contain_text("approved")

    olga.page.get_by_role("link", name="To the vendor").click()
    olga.page.get_by_label("Note to the company").fill("Papers are missing.")
    olga.press("Suspend")
    expect(olga.page.locator("h1")).to_contain_text("suspended")
    nora.go("/vendor/apply")
    assert "may not sell at the moment" in nora.notes()


def _buy_bolts_and_a_press(bea: Visitor) -> str:
    """Two vendors, one code, a declined card and one that pays; returns the order's address."""
    bea.page.get_by_label("Words, part number or size").fill("hb m840")
    bea.press("Find")
    expect(bea.page.locator("tbody tr")).to_have_count(1)
    bea.page.get_by_role("link", name="1 more offer").click()
    offer = bea.page.get_by_role("row", name=re.compile("Vereinigte"))
    offer.get_by_role("spinbutton").fill("1200")
    offer.get_by_role("button", name="Add to cart").click()
    assert bea.notes() == "It is in your cart."
    bea.go("/offers?category=machines")
    bea.page.get_by_role("row", name=re.compile("Hydraulic press")).get_by_role("button").click()

    bea.page.get_by_role("link", name="Cart").click()
    bea.page.get_by_label("Promotion code").fill("NOPE")
    bea.page.get_by_label("Your reference").fill("PO-4711")
    bea.press("Update")
    assert bea.notes() == "This code is not known."
    expect(bea.page.get_by_label("Your reference")).to_have_value("PO-4711")
    bea.page.get_by_label("Promotion code").fill("WELCOME10")
    bea.press("Update")
    expect(bea.page.locator(".total")).to_contain_text("211,280.08")
    bea.press("Order and pay")

    expect(bea.page.locator("h1")).to_contain_text("211,280.08")
    bea.page.get_by_text("insufficient funds").click()
    bea.page.get_by_role("button", name=re.compile("^Pay")).click()
    assert bea.notes() == "Your card has insufficient funds."
    bea.page.get_by_text("ending in 4444").click()
    bea.page.get_by_role("button", name=re.compile("^Pay")).click()
    assert "payment has arrived" in bea.notes()
    expect(bea.page.locator("h1")).to_contain_text("paid")
    return bea.page.url


def test_goods_are_found_narrowed_sorted_and_compared(visit: Callable[..., Visitor]):
    bea = visit("buyer")
    words = bea.page.get_by_label("Words, part number or size")
    words.press_sequentially("hexag")
    expect(bea.page.locator("#completions option").first).to_have_attribute("value", re.compile("^Hexagon bolt M8"))

    words.fill("sockett")
    bea.press("Find")
    assert "These are hits for socket." in bea.notes()
    words.fill("socket screw")
    bea.press("Find")
    expect(bea.page.locator("mark").first).to_have_text("Socket")
    bea.page.get_by_label("Order").select_option("Highest price")
    bea.press("Find")
    rows = bea.page.locator("tbody tr")
    expect(rows.first).to_contain_text("Socket screw M24 x 120")
    bea.page.get_by_text("Narrow these 24").click()
    bea.page.locator(".facets").get_by_role("link", name="10 to 20 EUR").click()
    expect(rows).to_have_count(10)
    expect(rows.first).to_contain_text("Socket screw M19 x 95")
    bea.page.get_by_label("Order").select_option("Lowest price")
    bea.press("Find")
    expect(rows.first).to_contain_text("Socket screw M10 x 50")

    boxes = bea.page.get_by_role("checkbox", name=re.compile("^Compare "))
    for number in range(6):
        boxes.nth(number).check()
    expect(boxes.nth(6)).to_be_disabled()
    boxes.nth(5).uncheck()
    bea.press("Compare what is ticked (up to 6)")
    expect(bea.page.locator("thead th.name")).to_have_count(5)
    bea.page.go_back()
    bea.page.get_by_role("link", name="Without 10 to 20 EUR").click()
    expect(bea.page.get_by_text("24 products found")).to_be_visible()


def test_a_rule_of_search_is_tried_kept_and_taken_away(visit: Callable[..., Visitor]):
    olga = visit("operator")
    olga.go("/search/rules")
    olga.page.get_by_label("Words or phrases").fill("stamper, press")
    olga.page.get_by_label("Try it with").fill("stamper")
    olga.press("Look at it first")
    now, then = (olga.page.locator(".halves > div").nth(side) for side in range(2))
    expect(now).to_contain_text("0 found")
    expect(then).to_contain_text("Hydraulic press 200 t")
    olga.press("Keep the rule")
    assert olga.notes() == "The rule is in force."

    remi = visit("rival")
    remi.go("/offers?q=stamper")
    remi.page.get_by_role("link", name="Hydraulic press 200 t").click()
    remi.page.get_by_role("link", name="Related goods").click()
    expect(remi.page.get_by_role("heading", name="Hydraulic press 200 t")).to_be_visible()

    olga.page.reload()
    expect(olga.page.get_by_role("row", name="stamper 1 0 1 0")).to_be_visible()
    olga.page.get_by_role("row", name="stamper = press").get_by_role("button", name="Remove").click()
    assert olga.notes() == "The rule is gone."
