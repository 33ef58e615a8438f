"""A vendor's own offers as a page: found, taken in and out of sale, counted; a refusal loses nothing."""

import pytest
from sqlalchemy import select, text

from marketplace.catalogue import actions, queries
from marketplace.catalogue.models import OfferStock, Product
from marketplace.catalogue.states import OfferState
from marketplace.kernel.db import QueryCounter, db, transaction
from tests.builders.catalogue import a_product, an_offer
from tests.cast import NAMES
from tests.pages import HTML, read, see, send

PATH = "/desk/offers"


@pytest.fixture
def offer(cast):
    product = a_product("Hex bolt", created_by=cast.vendor_company)
    made = an_offer(
        cast.vendor_company, product, sku="B-1", stock=1200, reserved=200, unit="pair", pack_size=10, min_quantity=20
    )
    db.session.commit()
    return made


def verbs(client, offer, path=PATH):
    """What the page offers to do with an offer."""
    actions_shown = [form.action.partition("?")[0] for form in see(client, path).forms]
    return [one.rsplit("/", 1)[1] for one in actions_shown if f"/{offer.id}/" in one]


def test_who_sells_or_operates_sees_offers_each_vendor_his_own(client_as, cast, offer):
    shown = {}
    for name in NAMES:
        answer = client_as(getattr(cast, name)).get(PATH, headers=HTML)
        shown[name] = (answer.status_code, "B-1" in answer.text)
    nobody = dict.fromkeys(("buyer", "colleague", "rival_buyer"), (403, False))
    seen = {"vendor": (200, True), "rival_vendor": (200, False), "operator": (200, True), "stranger": (303, False)}
    assert shown == nobody | seen


@pytest.mark.parametrize("action", ["pause", "stock"])
def test_only_its_vendor_and_the_operator_change_an_offer(client_as, cast, offer, app, monkeypatch, action):
    monkeypatch.setitem(app.config, "WTF_CSRF_METHODS", set())
    form = {"idempotency_key": "k", "on_hand": "1"}
    answers = {
        name: client_as(getattr(cast, name)).post(f"{PATH}/{offer.id}/{action}", data=form, headers=HTML).status_code
        for name in NAMES
        if name not in {"vendor", "operator", "stranger"}
    }
    rival = 404 if action == "pause" else 403
    assert answers == dict.fromkeys(("buyer", "colleague", "rival_buyer"), 403) | {"rival_vendor": rival}
    db.session.expire_all()
    assert (offer.state, db.session.get(OfferStock, offer.id).on_hand) == (OfferState.LIVE, 1200)
    for name in ("vendor", "operator"):
        assert send(client_as(getattr(cast, name)), PATH, "/stock", on_hand="1").status_code == 303


def test_a_row_says_what_is_there_and_how_it_is_sold(client_as, cast, offer):
    page = see(client_as(cast.vendor), PATH)
    (row,) = [text for text in [" ".join(page.text.split())] if "Hex bolt" in text]
    assert "Hex bolt SKU B-1 live Set 200 1,000 20 pairs 10 2 days Pause End" in row
    assert next(form for form in page.forms if form.action.endswith("/stock")).fields["on_hand"] == "1200"
    assert f'href="/products/{offer.product_id}"' in client_as(cast.vendor).get(PATH, headers=HTML).text


def test_offers_are_found_by_state_and_by_how_sku_or_name_begins(client_as, cast, offer):
    nut = a_product("Wing nut_x", created_by=cast.vendor_company)
    an_offer(cast.vendor_company, nut, sku="N-2", state=OfferState.PAUSED)
    db.session.commit()
    client = client_as(cast.vendor)
    asked = ("", "state=paused", "begins=hex", "begins=n-", "begins=bolt", "begins=wing+nut_", "begins=_", "begins=%25",
             "begins=b&state=paused")  # fmt: skip
    pages = {query: see(client, f"{PATH}?{query}").text for query in asked}
    found = {query: [sku for sku in ("B-1", "N-2") if f"SKU {sku}" in text] for query, text in pages.items()}
    assert found == {query: [] for query in asked} | {
        "": ["B-1", "N-2"],
        "state=paused": ["N-2"],
        "begins=hex": ["B-1"],
        "begins=n-": ["N-2"],
        "begins=wing+nut_": ["N-2"],
    }
    assert "No offer is like this." in pages["begins=bolt"]


def test_a_beginning_of_names_is_found_by_an_index(session):
    session.execute(text("SET LOCAL enable_seqscan = off"))
    asked = select(Product.id).where(queries._begins(Product.name, "Hex"))
    asked = asked.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    plan = session.execute(text(f"EXPLAIN {asked}")).scalars().all()
    assert any("Index Cond: ((lower" in line for line in plan)


def test_an_offer_goes_through_its_states_and_one_stays_in_place(client_as, cast, offer):
    client, place = client_as(cast.vendor), f"{PATH}?begins=b-1&limit=5"
    for verb, said, possible in [
        ("pause", "B-1 is paused.", ["stock", "publish", "end"]),
        ("publish", "B-1 is live.", ["stock", "pause", "end"]),
        ("end", "B-1 has ended.", ["relist"]),
        ("relist", "B-1 is a draft again; publish it to sell it.", ["stock", "publish", "end"]),
    ]:
        answer = send(client, place, f"/{verb}?begins=b-1&limit=5")
        assert (answer.status_code, answer.headers["Location"]) == (303, place)
        assert said in see(client, place).text
        assert verbs(client, offer, place) == possible


def test_a_form_sent_twice_acts_once(client_as, cast, offer):
    client = client_as(cast.vendor)
    actions_by_end = {form.action.rsplit("/", 1)[1]: form for form in see(client, PATH).forms if form.action != PATH}
    form = actions_by_end["end"]
    assert [client.post(form.action, data=form.fields).status_code for _ in range(2)] == [303, 303]
    stale = actions_by_end["pause"]
    refused = client.post(stale.action, data=stale.fields, headers=HTML)
    assert refused.status_code == 409
    assert "'pause' is not possible while 'ended'." in read(refused).text


def test_stock_is_set_and_what_is_refused_stays_typed(client_as, cast, offer):
    other = an_offer(cast.vendor_company, sku="C-1", stock=7)
    db.session.commit()
    client, place = client_as(cast.vendor), f"{PATH}?begins=b"
    refused = send(client, place, "/stock?begins=b", on_hand="-3")
    assert refused.status_code == 422
    page = read(refused)
    assert "On hand: Must be greater than or equal to 0" in page.text
    typed = [form.fields["on_hand"] for form in page.forms if "on_hand" in form.fields]
    assert typed == ["-3"]
    assert next(form for form in page.forms if "on_hand" in form.fields).action.endswith("/stock?begins=b")
    assert send(client, place, "/stock?begins=b", on_hand="40").headers["Location"] == place
    assert "B-1: 40 pairs on hand." in see(client, PATH).text
    stocks = {
        one: (row.on_hand, row.reserved) for one in (offer, other) for row in [db.session.get(OfferStock, one.id)]
    }
    assert stocks == {offer: (40, 200), other: (7, 0)}


def test_a_suspended_vendor_reads_why_he_publishes_nothing(client_as, cast, offer):
    client = client_as(cast.vendor)
    send(client, PATH, "/pause")
    with transaction():
        cast.vendor_company.may_sell = False
    refused = send(client, PATH, "/publish")
    assert refused.status_code == 403
    assert "This company may not sell at present, so its offers cannot be published." in read(refused).text
    assert "SKU B-1" in read(refused).text


def test_what_the_operator_ended_is_not_offered_again(client_as, cast, offer):
    with transaction():
        actions.end(cast.operator, offer.id)
    assert verbs(client_as(cast.vendor), offer) == []
    assert "ended by the operator" in see(client_as(cast.vendor), PATH).text
    assert verbs(client_as(cast.operator), offer) == []


def test_the_number_of_queries_does_not_depend_on_the_number_of_offers(client_as, cast, offer):
    counts, clients = [], [client_as(cast.vendor), client_as(cast.operator)]
    for more in (2, 20):
        with transaction():
            for _ in range(more):
                an_offer(cast.vendor_company, state=OfferState.ENDED)
        db.session.expire_all()
        for client in clients:
            with QueryCounter() as seen:
                see(client, PATH)
            counts.append(len(seen.statements))
    assert counts[:2] == counts[2:]
    assert max(counts) <= 6


def test_of_two_ended_offers_with_one_sku_that_comes_back_which_was_pressed(client_as, cast, offer):
    with transaction():
        actions.end(cast.vendor, offer.id)
        newer = an_offer(
            cast.vendor_company, db.session.get(Product, offer.product_id), sku="B-1", state=OfferState.ENDED
        )
    assert send(client_as(cast.vendor), PATH, f"/{offer.id}/relist").status_code == 303
    db.session.expire_all()
    assert (offer.state, newer.state) == (OfferState.DRAFT, OfferState.ENDED)
