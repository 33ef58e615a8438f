"""BMEcat files as vendors really write them: valid against no schema, and imported all the same."""

import io
import subprocess

import pytest

from marketplace.catalogue import actions as catalogue
from marketplace.catalogue.models import Offer, Product
from marketplace.kernel import queue
from marketplace.kernel.db import db, transaction
from marketplace.kernel.history import lines_of
from tests.builders.catalogue import an_offer
from tests.cast import make_cast
from vendors.feeds import actions, bmecat, jobs, storage
from vendors.feeds import queries as feeds
from vendors.feeds.bmecat import Bmecat, BmecatBroken
from vendors.feeds.models import Feed

SMALL = """<?xml version="1.0"?>
<BMECAT version="1.2"><HEADER><CATALOG><CURRENCY>EUR</CURRENCY></CATALOG><SUPPLIER><SUPPLIER_NAME>Nordwerk</SUPPLIER_NAME></SUPPLIER></HEADER>
<T_NEW_CATALOG><ARTICLE><SUPPLIER_AID>A-1</SUPPLIER_AID>
<ARTICLE_DETAILS><DESCRIPTION_SHORT>Terminal block 2.5</DESCRIPTION_SHORT><EAN>4006381333931</EAN><MANUFACTURER_AID>TB-25</MANUFACTURER_AID></ARTICLE_DETAILS>
<ARTICLE_FEATURES><FEATURE><FNAME>Width</FNAME><FVALUE>5.1</FVALUE><FUNIT>mm</FUNIT></FEATURE></ARTICLE_FEATURES>
<ARTICLE_ORDER_DETAILS><ORDER_UNIT>C62</ORDER_UNIT><QUANTITY_MIN>10</QUANTITY_MIN></ARTICLE_ORDER_DETAILS>
<ARTICLE_PRICE_DETAILS><ARTICLE_PRICE price_type="net_list"><PRICE_AMOUNT>1.25</PRICE_AMOUNT><LOWER_BOUND>1</LOWER_BOUND></ARTICLE_PRICE>
<ARTICLE_PRICE price_type="net_list"><PRICE_AMOUNT>1.10</PRICE_AMOUNT><LOWER_BOUND>100</LOWER_BOUND></ARTICLE_PRICE></ARTICLE_PRICE_DETAILS>
<MIME_INFO/></ARTICLE></T_NEW_CATALOG></BMECAT>"""  # noqa: E501


def written(tmp_path, text):
    path = tmp_path / "file.xml"
    path.write_text(text)
    return path


def test_a_product_says_what_a_row_would_say(tmp_path):
    file = Bmecat(written(tmp_path, SMALL))
    ((number, item),) = list(file.items())
    assert number == 1
    assert dict(item) == {
        "sku": "A-1", "name": "Terminal block 2.5", "ean": "4006381333931", "manufacturer": "Nordwerk",
        "part_number": "TB-25", "unit": "piece", "min_quantity": "10", "price": "1.25", "currency": "EUR",
        "price_from_100": "1.10", "attr:Width [mm]": "5.1",
    }  # fmt: skip
    assert file.warnings == ["MIME_INFO was skipped (1 times)."]


@pytest.mark.parametrize(
    "text", ["<html/>", "<BMECAT><T_NEW_CATALOG><ARTICLE>", "<BMECAT/>", '<!DOCTYPE b [<!ENTITY a "a">]><c>&a;</c>']
)
def test_what_is_no_bmecat_is_refused(tmp_path, text):
    with pytest.raises(BmecatBroken):
        Bmecat(written(tmp_path, text)).count()


def test_one_odd_number_does_not_stop_the_file(tmp_path):
    text = SMALL.replace(">100<", ">many<").replace(">10<", ">inf<")
    file = Bmecat(written(tmp_path, text))
    ((_, item),) = list(file.items())
    assert dict(item)["price"] == "1.25"
    assert not {"min_quantity", "price_from_100"} & dict(item).keys()
    assert "a price whose lower bound is no number was skipped (1 times)." in file.warnings


@pytest.mark.parametrize(
    ("per", "factor", "price"),
    [("100", "1", "0.0125"), ("1.0", "0.9", "1.125"), ("3", "1", "0.416667"), ("0", "1", "1.25 x 1 for 0")],
)
def test_a_price_is_that_of_one(tmp_path, per, factor, price):
    text = SMALL.replace("</ORDER_UNIT>", f"</ORDER_UNIT><PRICE_QUANTITY>{per}</PRICE_QUANTITY>")
    text = text.replace("1.25</PRICE_AMOUNT>", f"1.25</PRICE_AMOUNT><PRICE_FACTOR>{factor}</PRICE_FACTOR>")
    ((_, item),) = list(Bmecat(written(tmp_path, text)).items())
    assert dict(item)["price"] == price


def test_a_price_with_tax_is_none_without(tmp_path):
    gross = '<ARTICLE_PRICE price_type="gros_list"><PRICE_AMOUNT>1.49</PRICE_AMOUNT></ARTICLE_PRICE>'
    file = Bmecat(written(tmp_path, SMALL.replace("<ARTICLE_PRICE_DETAILS>", f"<ARTICLE_PRICE_DETAILS>{gross}")))
    ((_, item),) = list(file.items())
    assert dict(item)["price"] == "1.25"
    assert "a price with tax (gros_list) was skipped (1 times)." in file.warnings


def test_no_more_is_held_of_a_file_than_one_product(tmp_path, monkeypatch):
    other = "<GROUP><NAME/></GROUP>" * 20_000
    text = SMALL.replace("<ARTICLE>", f"{other}<ARTICLE>").replace("</ARTICLE>", f"</ARTICLE>{other}")
    held = []
    one = Bmecat._one

    def looked_at(file, product, facts):
        held.append(len(product.getparent()))
        return one(file, product, facts)

    monkeypatch.setattr(Bmecat, "_one", looked_at)
    assert Bmecat(written(tmp_path, text.replace("</T_NEW", "<ARTICLE/></T_NEW"))).count() == 2
    assert max(held) < 4_000  # of 40,000: the parser reads a little ahead

    monkeypatch.setattr(bmecat, "MOST_ELEMENTS", 5)
    with pytest.raises(BmecatBroken, match="Product 1 has more than 5 elements"):
        Bmecat(written(tmp_path, SMALL)).count()


def test_what_is_left_out_is_named_by_a_short_name(tmp_path):
    file = Bmecat(written(tmp_path, SMALL.replace("MIME_INFO", "M" * 5_000)))
    assert file.count() == 1
    assert file.warnings == ["M" * 200 + " was skipped (1 times)."]


def test_entities_are_not_resolved(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("root:x:0")
    text = f'<!DOCTYPE b [<!ENTITY x SYSTEM "file://{secret}">]>' + SMALL.partition("?>")[2].replace("Terminal", "&x;")
    assert all("root:x" not in str(item) for _, item in Bmecat(written(tmp_path, text)).items())


def taken(app, cast, content):
    with storage.kept(io.BytesIO(content)) as stored, transaction():
        options = {"encoding": "utf-8", "decimal_mark": ".", "currency": None}
        feed = actions.receive(cast.vendor, stored, "catalogue.xml", options)
    jobs.run(str(feed.id))
    return db.session.get(Feed, feed.id, populate_existing=True)


def test_it_becomes_offers_with_prices(own_app):
    with own_app.app_context():
        with transaction():
            cast = make_cast()
        feed = taken(own_app, cast, SMALL.encode())
        assert (feed.state, feed.format, feed.rows_created, feed.rows_bad) == ("finished", "bmecat", 1, 0)
        assert feed.all_warnings == ["MIME_INFO was skipped (1 times)."]
        product = db.session.query(Product).one()
        assert product.attributes == [{"name": "Width", "value": "5.1", "unit": "mm"}]
        queue.drain()
        own_app.extensions["kontor_actor_loader"] = lambda: cast.buyer
        with own_app.app_context():
            hit = own_app.test_client().get("/v1/search?q=TB25").json["items"][0]
        assert [tier["unit_price"] for tier in hit["offers"][0]["price"]["tiers"]] == ["1.25", "1.10"]


def update_of(*articles):
    found = "".join(f'<ARTICLE mode="{mode}"><SUPPLIER_AID>{sku}</SUPPLIER_AID></ARTICLE>' for mode, sku in articles)
    head = SMALL.partition("<T_NEW_CATALOG>")[0]
    return f'{head}<T_UPDATE_PRODUCTS prev_version="1">{found}</T_UPDATE_PRODUCTS></BMECAT>'.encode()


def test_what_is_no_longer_sold_is_ended_and_what_is_not_there_is_named(own_app):
    with own_app.app_context():
        with transaction():
            cast = make_cast()
        others = SMALL.replace("A-1<", "B-1<").replace("Terminal block", "Clamp").replace("4006381333931", "")
        for whole in (SMALL, others.replace("TB-25", "C-25")):
            taken(own_app, cast, whole.encode())
        with transaction():
            (paused,) = db.session.query(Offer).filter_by(sku="B-1")
            catalogue.pause(cast.vendor, paused.id)
            theirs = an_offer(cast.rival_vendor_company, sku="R-1")
        file = update_of(("delete", "A-1"), ("DELETE", "B-1"), ("delete", "R-1"), ("delete", ""), ("delete", "A-1"))
        feed = taken(own_app, cast, file)
        assert (feed.state, feed.rows_ended, feed.rows_changed, feed.rows_bad) == ("finished", 2, 0, 3)
        assert [(line.row_number, line.sku, line.message) for line in feeds.report_lines(cast.vendor, feed.id)] == [
            (3, "R-1", "the file says that this is no longer sold, and nothing has this SKU"),
            (4, "", "the file says that this is no longer sold, but has no SKU"),
            (5, "A-1", "this SKU is in row 1 already"),
        ]
        offers = db.session.query(Offer).populate_existing().order_by(Offer.sku).all()
        assert [(offer.sku, offer.state.value) for offer in offers] == [
            ("A-1", "ended"), ("B-1", "ended"), ("R-1", theirs.state.value),
        ]  # fmt: skip
        (*_, line) = lines_of("offer", offers[0].id)
        assert (line.verb, line.person_id, line.company_id) == ("end", cast.vendor.person_id, cast.vendor.company_id)
        queue.drain()
        own_app.extensions["kontor_actor_loader"] = lambda: cast.buyer
        with own_app.app_context():
            assert own_app.test_client().get("/v1/search?q=TB25").json["items"] == []
        again = taken(own_app, cast, update_of(("delete", "A-1")))
        assert (again.state, again.rows_ended, again.rows_unchanged, again.rows_bad) == ("finished", 0, 1, 0)
        back = taken(own_app, cast, SMALL.encode())
        assert (back.state, back.rows_created, back.rows_changed, back.rows_bad) == ("finished", 0, 1, 0)
        assert db.session.get(Offer, offers[0].id, populate_existing=True).state == "live"


def test_looking_at_a_file_says_which_offers_it_would_end(client_as, cast):
    an_offer(cast.vendor_company, sku="A-1")
    db.session.commit()
    file = {"file": (io.BytesIO(update_of(("delete", "A-1"), ("delete", "X-9"))), "gone.xml")}
    tried = client_as(cast.vendor).post("/v1/feeds/preview", data=file).json["rows"]
    assert [(row["sku"], row["ends"], [problem["message"] for problem in row["problems"]]) for row in tried] == [
        ("A-1", True, []),
        ("X-9", True, ["the file says that this is no longer sold, and nothing has this SKU"]),
    ]


def test_real_files_of_a_manufacturer(own_app, shared, tmp_path):
    packed = shared / "data" / "bmecat" / "weidmueller_bmecat2005_eclass9.tar.zst"
    subprocess.run(["tar", "--zstd", "-xf", str(packed), "-C", str(tmp_path)], check=True)
    files = sorted(tmp_path.rglob("*.xml"))
    assert len(files) == 14
    with own_app.app_context():
        with transaction():
            cast = make_cast()
        for file in files:
            feed = taken(own_app, cast, file.read_bytes())
            assert (feed.state, feed.rows_created, feed.rows_bad) == ("finished", 1, 0), (file, feed.error)
            assert any("feature" in line for line in feed.all_warnings)
        products = db.session.query(Product).all()
        assert len(products) == 14
        assert all(len(product.attributes) >= 20 and product.ean for product in products)
