"""Products that may be one are proposed once, decided by the operator, and lead to one another afterwards."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from sqlalchemy import update

from marketplace.catalogue import merging
from marketplace.catalogue.models import Document, Offer, Product, ProductMerge, ProductText
from marketplace.kernel.db import QueryCounter, db, transaction
from marketplace.kernel.history import lines_of
from search import indexing, proposals, proposing
from search.models import ProductNaming, ProductProposal
from tests.builders.catalogue import a_category, a_product, an_offer
from tests.cast import make_cast
from tests.pages import HTML, Reader, read, send
from tests.search.servers import index_products
from vendors.feeds import queries as feeds

EAN = "4006381333931"


def a_nameless(name, company, **facts):
    """A product without maker and part number, as a vendor brings who does not know them."""
    product = a_product(name, created_by=company, manufacturer="", **facts)
    product.part_number = product.part_number_key = ""
    db.session.flush()
    return product


@pytest.fixture
def pair(cast):
    """The same machine, named by its number and named in words, each offered by a vendor."""
    machines = a_category("Machines")
    power = [{"name": "Power", "value": "500 W"}]
    known = a_product(
        "Drill press TB-2840X",
        created_by=cast.vendor_company,
        part_number="TB 2840 X",
        category=machines,
        attributes=power,
    )
    worded = a_nameless("Bench drill press tb2840x 500W", cast.rival_vendor_company, ean=EAN, category=machines)
    worded.attributes = [{"name": "power", "value": "0.5 kW"}, {"name": "Colour", "value": "green"}]
    an_offer(cast.vendor_company, known, price="410")
    an_offer(cast.rival_vendor_company, worded, price="399")
    index_products([known.id, worded.id])
    return known, worded


def proposed():
    proposing.note_all()
    made = proposing.propose()
    db.session.expire_all()
    return made, db.session.query(ProductProposal).all()


def test_a_pair_is_proposed_once_and_never_again_after_its_rejection(client_as, cast, pair):
    made, (row,) = proposed()
    assert (made, row.one_id, row.other_id, row.state) == (1, *sorted(p.id for p in pair), "open")
    assert row.reasons[:2] == ["Same number: tb2840x.", "Both say: tb2840x, drill, press."]
    assert proposed()[0] == 0
    operator = client_as(cast.operator)
    (listed,) = operator.get("/v1/product-proposals").json["items"]
    assert (listed["id"], listed["score"], listed["version"]) == (str(row.id), row.score, 1)
    assert [len(side["offers"]) for side in listed["products"]] == [1, 1]
    url = f"/v1/product-proposals/{row.id}"
    assert operator.post(f"{url}/reject", json={}).status_code == 428
    assert operator.post(f"{url}/reject", json={}, headers={"If-Match": '"9"'}).status_code == 412
    tag = {"If-Match": operator.get(url).headers["ETag"]}
    assert operator.post(f"{url}/reject", json={"reason": "Another motor"}, headers=tag).json["state"] == "rejected"
    assert operator.post(f"{url}/accept", json={}, headers={"If-Match": "*"}).status_code == 409
    made, (row,) = proposed()
    assert (made, row.state, [line.note for line in lines_of("product_proposal", row.id)]) == (
        0, "rejected", ["Another motor"],
    )  # fmt: skip
    assert operator.get("/v1/product-proposals").json["items"] == []


def test_what_changes_while_it_is_compared_is_compared_once_more(cast, pair, monkeypatch):
    rounds, compared = [], proposing._compared

    def merged_meanwhile(changed, category):
        if not rounds:
            proposing.again([pair[0].id])
        rounds.append(list(changed))
        return compared(changed, category)

    proposing.note_all()
    monkeypatch.setattr(proposing, "_compared", merged_meanwhile)
    proposing.propose()
    assert [set(changed) for changed in rounds] == [{p.id for p in pair}, {pair[0].id}]


def test_a_run_ends_after_its_time_and_the_next_one_goes_on(cast, pair):
    a_nameless("Garden hose", cast.vendor_company)  # in no category: a round of its own
    proposing.note_all()
    waiting = db.session.query(ProductNaming).filter(ProductNaming.since.is_not(None))
    assert (proposing.propose(seconds=0), waiting.count()) == (1, 1)
    assert (proposing.propose(), waiting.count()) == (0, 0)


def test_what_does_not_hold_any_more_is_withdrawn_and_price_changes_compare_nothing(cast, pair):
    assert proposed()[0] == 1
    proposing.note([pair[0].id])
    assert db.session.query(ProductNaming).filter(ProductNaming.since.is_not(None)).count() == 0
    pair[1].name = "Garden hose"
    db.session.flush()
    proposing.note([pair[1].id])
    assert proposing.propose() == 0
    db.session.expire_all()
    assert db.session.query(ProductProposal).count() == 0
    with QueryCounter() as idle:
        proposing.propose()
    assert idle.count == 1


@pytest.mark.parametrize("same_vendor", [True, False])
def test_a_vendor_lists_nothing_twice_and_numbers_that_contradict_are_not_proposed(cast, pair, same_vendor):
    if same_vendor:
        an_offer(cast.rival_vendor_company, pair[0])
    else:
        pair[0].ean = "4012345678901"
    db.session.flush()
    assert proposed() == (0, [])


def test_what_is_one_leads_to_the_survivor(client_as, cast, pair):
    known, worded = pair
    an_offer(cast.vendor_company, worded, price="405")
    db.session.add(ProductText(product_id=worded.id, language="fr", name="Perceuse"))
    manual = {"kind": "manual", "title": "Manual", "url": "https://a.example/m"}
    db.session.add(Document(product_id=worded.id, vendor_id=cast.vendor_company.id, **manual))
    db.session.flush()
    operator, buyer = client_as(cast.operator), client_as(cast.buyer)
    url = f"/v1/products/{worded.id}/merge"
    assert operator.post(url, json={"into": str(worded.id)}, headers={"If-Match": "*"}).status_code == 409
    assert operator.post(url, json={"into": str(known.id)}).status_code == 428
    kept = operator.post(url, json={"into": str(known.id)}, headers={"If-Match": "*"})
    assert (kept.status_code, kept.json["id"], kept.json["ean"]) == (200, str(known.id), EAN)
    assert [a["name"] for a in kept.json["attributes"]] == ["Power", "Colour"]

    found = buyer.get(f"/v1/products/{worded.id}").json
    assert (found["product"]["id"], len(found["offers"]), len(found["documents"])) == (str(known.id), 3, 1)
    assert buyer.get(f"/products/{worded.id}", headers={"Accept": "text/html"}).location == f"/products/{known.id}"
    assert [p["id"] for p in buyer.get(f"/v1/products?ean={EAN}").json["items"]] == [str(known.id)]
    assert [t["name"] for t in buyer.get(f"/v1/products/{worded.id}/texts").json["items"]] == ["Perceuse"]
    assert {o.product_id for o in db.session.query(Offer).populate_existing()} == {known.id}
    indexing.follow([known.id, worded.id])
    assert [hit["product"]["id"] for hit in buyer.get("/v1/search?q=drill").json["items"]] == [str(known.id)]
    assert [p["id"] for p in buyer.get("/v1/search/completions?q=bench").json["products"]] == []
    assert buyer.get(f"/v1/products/{worded.id}/related").status_code == 200
    db.session.expire_all()
    (record,) = db.session.query(ProductMerge).all()
    assert (record.merged_id, record.survivor_id, record.person_id, len(record.facts["offers"])) == (
        worded.id, known.id, cast.operator.person_id, 2,
    )  # fmt: skip
    assert record.facts["taken"] == ["attributes", "ean"]


@pytest.mark.parametrize("way", ["merge", "accept"])
def test_what_is_edited_before_the_locks_of_a_merge_is_not_merged(client_as, cast, pair, monkeypatch, way):
    known, worded = pair
    operator, waited = client_as(cast.operator), merging.advisory_lock
    _, (row,) = proposed()

    def edited_meanwhile(name):
        edit = update(Product).values(name="Garden hose", version=Product.version + 1)
        db.session.execute(edit.where(Product.id == worded.id).execution_options(synchronize_session=False))
        waited(name)

    url = {"merge": f"/v1/products/{worded.id}/merge", "accept": f"/v1/product-proposals/{row.id}/accept"}[way]
    tag = operator.get(url.removesuffix(f"/{way}")).headers["ETag"]
    seen = {str(product.id): product.version for product in pair}
    body = {"merge": "into", "accept": "survivor_id"}[way]
    monkeypatch.setattr(merging, "advisory_lock", edited_meanwhile)
    wanted = {body: str(known.id), "product_versions": seen}
    assert operator.post(url, json=wanted, headers={"If-Match": tag}).status_code == 412
    assert db.session.query(ProductMerge).count() == 0


def test_who_compared_what_was_edited_since_is_told_and_merges_nothing(client_as, cast, pair):
    known, worded = pair
    operator = client_as(cast.operator)
    _, (row,) = proposed()
    url = f"/v1/product-proposals/{row.id}"
    looked = operator.get(url)
    seen = {side["product"]["id"]: side["version"] for side in looked.json["products"]}
    tag, page = {"If-Match": looked.headers["ETag"]}, read(operator.get("/operator/duplicates", headers=HTML))
    known.name = "Drill press TB-2840Y"  # and nobody compared it with the other yet
    db.session.commit()

    for body in ({}, {"product_versions": {str(known.id): known.version}}):
        assert operator.post(f"{url}/accept", json=body, headers=tag).status_code == 428
    refused = operator.post(f"{url}/accept", json={"product_versions": seen}, headers=tag)
    assert (refused.status_code, refused.json["type"]) == (412, "/problems/product-edited")
    assert [(error["pointer"], error["version"]) for error in refused.json["errors"]] == [
        (f"/product_versions/{known.id}", known.version)
    ]

    (form,) = [f for f in page.forms if f.fields.get("survivor") == str(worded.id)]
    shown = operator.post(form.action, data=form.fields, headers=HTML)
    again = read(shown)
    assert (shown.status_code, again.text.count("You chose to keep this one.")) == (412, 1)
    assert "Drill press TB-2840Y was changed since you compared it." in again.text
    (form,) = [f for f in again.forms if f.fields.get("survivor") == str(worded.id)]
    assert db.session.query(ProductMerge).count() == 0
    assert operator.post(form.action, data=form.fields, headers=HTML).status_code == 303
    assert db.session.query(ProductMerge).one().survivor_id == worded.id


def test_an_unproposed_merge_names_the_versions_of_both_products(client_as, cast, pair):
    known, worded = pair
    operator, at = client_as(cast.operator), f"/v1/products/{worded.id}"
    read_of = {product.id: operator.get(f"/v1/products/{product.id}").headers["ETag"] for product in pair}
    seen = {str(one): int(tag.strip('"')) for one, tag in read_of.items()}
    tag = {"If-Match": read_of[worded.id]}
    known.name = "Drill press TB-2840Y"  # the one that stays
    db.session.commit()

    for versions in ({}, {"product_versions": {str(worded.id): worded.version}}):
        missing = operator.post(f"{at}/merge", json={"into": str(known.id), **versions}, headers=tag)
        assert (missing.status_code, missing.json["type"]) == (428, "/problems/versions-missing")
    refused = operator.post(f"{at}/merge", json={"into": str(known.id), "product_versions": seen}, headers=tag)
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (412, f"/product_versions/{known.id}")
    assert db.session.query(ProductMerge).count() == 0
    seen[str(known.id)] = refused.json["errors"][0]["version"]
    merged = operator.post(f"{at}/merge", json={"into": str(known.id), "product_versions": seen}, headers=tag)
    assert (merged.status_code, merged.json["id"]) == (200, str(known.id))


def test_numbers_of_merged_products_lead_feeds_to_whoever_survives(client_as, cast, pair):
    known, worded = pair
    twin = a_product(
        "Bohrmaschine", created_by=cast.rival_vendor_company, manufacturer="Nordwerk Ltd", part_number="TB2840X"
    )
    other = a_product("Hammer", created_by=cast.vendor_company)
    operator, anything = client_as(cast.operator), {"If-Match": "*"}
    assert (
        operator.post(f"/v1/products/{twin.id}/merge", json={"into": str(known.id)}, headers=anything).status_code
        == 200
    )
    refused = operator.post(f"/v1/products/{other.id}/merge", json={"into": str(known.id)}, headers=anything)
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/numbers-contradict")
    assert proposed()[0] == 1
    row = db.session.query(ProductProposal).one()
    page = operator.get("/operator/duplicates", headers=HTML).text
    assert all(name in page for name in (known.name, worded.name, "TB 2840 X", EAN, "one product"))
    (form,) = [f for f in Reader(page).forms if f.fields.get("survivor") == str(worded.id)]
    assert form.action == f"/operator/duplicates/{row.id}/accept"
    assert operator.post(form.action, data=form.fields, headers=HTML).location == "/operator/duplicates"
    parts = [("tb2840x", "nordwerk"), ("tb2840x", "nordwerkltd")]
    assert feeds.products_by_part(parts) == dict.fromkeys(parts, worded.id)
    assert feeds.products_by_ean([EAN]) == {EAN: worded.id}
    taken = client_as(cast.vendor).post(
        "/v1/products", json={"name": "Drill", "manufacturer": "Nordwerk Ltd.", "part_number": "TB-2840-X"}
    )
    assert (taken.status_code, taken.json["product_id"]) == (409, str(worded.id))
    offer = client_as(cast.vendor).post("/v1/vendor/offers", json={"product_id": str(twin.id), "sku": "T-1"})
    assert offer.json["product_id"] == str(worded.id)


def test_what_is_open_about_a_product_goes_with_it_also_where_another_one_led_to_it(client_as, cast):
    first, second, third, other = (a_nameless(f"Lathe {n}", cast.vendor_company) for n in range(4))
    db.session.add(ProductProposal(one_id=second.id, other_id=other.id, score=0.5, reasons=["Alike."]))
    db.session.flush()
    operator = client_as(cast.operator)
    for one, into in ((first, second), (first, third)):
        answer = operator.post(f"/v1/products/{one.id}/merge", json={"into": str(into.id)}, headers={"If-Match": "*"})
        assert answer.json["id"] == str(into.id)
    assert db.session.get(Product, second.id, populate_existing=True).merged_into == third.id
    assert operator.get("/v1/product-proposals").json["items"] == []


def test_the_list_below_a_refused_decision_leads_on_to_its_own_next_page(client_as, cast):
    first, second, third = (a_nameless(f"Lathe {n}", cast.vendor_company) for n in range(3))
    rows = [ProductProposal(one_id=first.id, other_id=o.id, score=0.5, reasons=["Alike."]) for o in (second, third)]
    db.session.add_all(rows)
    db.session.flush()
    operator, at = client_as(cast.operator), f"/operator/duplicates/{rows[0].id}/accept"
    refused = send(operator, "/operator/duplicates", "/accept", to=f"{at}?limit=1", version="9")
    (onward,) = [part.replace("&amp;", "&") for part in refused.text.split('"') if "cursor=" in part]
    assert (refused.status_code, onward.partition("?")[0]) == (412, "/operator/duplicates")
    assert operator.get(onward, headers=HTML).status_code == 200


def test_two_decisions_about_one_product_at_the_same_moment_wait_for_each_other(own_app):
    with own_app.app_context():
        with transaction():
            people = make_cast()
            one, shared, other = (a_nameless(f"Lathe {n}", people.vendor_company) for n in range(3))
            pairs = [
                ProductProposal(one_id=a.id, other_id=b.id, score=0.5, reasons=["Alike."])
                for a, b in ((one, shared), (shared, other))
            ]
            db.session.add_all(pairs)
        wanted = [(pairs[0].id, one.id), (pairs[1].id, other.id)]
        db.session.remove()
    both_looked = Barrier(2)

    def decide(proposal_id, kept):
        with own_app.app_context():
            try:
                with transaction():
                    proposals.proposal(people.operator, proposal_id, lock=True)
                    with suppress(BrokenBarrierError):
                        both_looked.wait(0.5)
                    proposals.accept(people.operator, proposal_id, kept)
            except proposals.ProposalUnknown:
                return "gone"
            finally:
                db.session.remove()
            return "one"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(decide, *zip(*wanted, strict=True))) == ["gone", "one"]
