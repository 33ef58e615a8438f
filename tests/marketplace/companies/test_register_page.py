"""Who has no account registers his company on a page, and goes on to where he wanted to go."""

import re

from marketplace.companies import queries
from marketplace.companies.models import Company
from marketplace.kernel.access import Role
from marketplace.kernel.db import db
from tests.marketplace.companies.conftest import PASSWORD

STRANGER = {"company": "Acme GmbH", "country": "DE", "name": "Ada", "email": "ada@example.test", "password": PASSWORD}


def send(browser, **typed):
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/register").text).group(1)
    return browser.post("/register", data={"csrf_token": token, **typed})


def test_a_stranger_who_wants_to_sell_registers_and_may_apply(browser):
    asked = browser.get("/vendor/apply", headers={"Accept": "text/html"})
    assert 'href="/register?next=/vendor/apply"' in browser.get(asked.headers["Location"]).text

    answer = send(browser, **STRANGER, vat_id="DE136695976", next="/vendor/apply")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/vendor/apply")
    (member,) = queries.members(browser.get("/v1/session").json["company_id"])
    assert (member.email, member.roles) == ("ada@example.test", (Role.ADMINISTRATOR,))
    assert "Acme GmbH" in browser.get("/vendor/apply").text


def test_what_is_refused_stands_on_the_form_and_nothing_is_written(browser, ada):
    before = db.session.query(Company).count()
    for wrong, said in (
        ({"password": "short"}, "12 to 200 characters"),
        ({"vat_id": "DE136695977"}, "VAT id"),
        ({"country": "XX"}, "country"),
        ({"email": ada.email}, "registered"),
        ({"name": ""}, "name"),
    ):
        refused = send(browser, **(STRANGER | wrong))
        assert refused.status_code in {409, 422}
        note = re.search(r'<div class="note bad".*?</div>', refused.text, re.DOTALL).group()
        assert said.lower() in note.lower()
        assert 'value="Acme GmbH"' in refused.text
        assert PASSWORD not in refused.text
    assert db.session.query(Company).count() == before


def test_who_is_signed_in_registers_another_company_and_acts_for_it(sign_in, acme, ada):
    browser = sign_in(ada)
    assert 'type="password"' not in browser.get("/register").text
    assert send(browser, company="Other GmbH", country="AT").status_code == 303
    found = browser.get("/v1/session").json
    assert (found["person"]["name"], len(found["companies"])) == ("Ada", 2)
    assert found["company_id"] != str(acme.id)


def test_a_link_of_ours_leads_nobody_away(browser):
    assert send(browser, **STRANGER, next="//evil.example/x").headers["Location"] == "/"
