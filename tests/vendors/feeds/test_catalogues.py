"""Some hundred rows of each real catalogue: how many are taken, which are refused and why, what is left out."""

import itertools
import shutil
import subprocess

import pytest

from marketplace.catalogue.models import Offer, Product
from marketplace.kernel.db import transaction
from tests import needs
from tests.builders import feeds
from vendors.feeds.bmecat import BmecatBroken
from vendors.feeds.models import FeedReportLine

LONG_PART = "a part_number of more than 120 characters"
ODD_ATTRIBUTE = "an attribute without value, too long, or like a formula"


def there(path):
    """The path; a test of what is not beside the repository is left out."""
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return path


@pytest.fixture
def catalogue(shared):
    """`catalogue(name, start, stop)`: lines of a packed file of ../shared/data."""
    if not shutil.which("zstdcat"):
        needs.missing("zstdcat", "zstdcat is not here")

    def lines(name, start, stop):
        path = there(shared / "data" / name)
        with subprocess.Popen(["zstdcat", "--long=27", str(path)], stdout=subprocess.PIPE) as unpacked:
            content = b"".join(itertools.islice(unpacked.stdout, start, stop))
            unpacked.kill()
        return content

    return lines


def taken(cast, content, mapping=None):
    with transaction():
        feed = feeds.a_feed(cast.vendor_company, content, actor=cast.vendor, mapping=mapping)
    return feeds.run(feed)


def refused(session, feed):
    lines = session.query(FeedReportLine).filter_by(feed_id=feed.id).order_by(FeedReportLine.row_number)
    return [(line.row_number, line.column, line.sku) for line in lines]


def test_icecat(cast, session, catalogue):
    with transaction():
        feeds.a_mapping(None, feeds.shipped("icecat"))
    feed = taken(cast, catalogue("chorus_icecat/products.jsonl.zst", 14_000, 14_400), "icecat")
    assert (feed.state, feed.rows_done, feed.rows_created) == ("finished", 400, 398)
    assert refused(session, feed) == [(22, "ean", "3417868"), (372, "part_number", "163896")]
    assert feed.skipped == {"the field 'date_released'": 400, LONG_PART: 1, ODD_ATTRIBUTE: 432}
    assert session.query(Product).count() == 394  # some meet by their EAN


def test_jlcparts(cast, session, catalogue):
    with transaction():
        feeds.a_mapping(None, feeds.shipped("jlcparts"))
    feed = taken(cast, catalogue("jlcparts/parts.jsonl.zst", 0, 300), "jlcparts")
    assert (feed.state, feed.rows_done, feed.rows_created, refused(session, feed)) == ("finished", 300, 300, [])
    assert feed.skipped == {"the field 'category'": 300, "the field 'joints'": 300, ODD_ATTRIBUTE: 68}
    assert session.query(Product).count() == 300


EAN = "an EAN whose length or check digit is wrong"
OLIVERE = {"MIME_INFO": 1, EAN: 1}
FILES = [  # of ../shared/data/bmecat: new, unchanged, refused, left out
    ("olivere_MIT/bmecat12/testdata/new_catalog.golden.xml", (1, 0, 0), OLIVERE | {"ARTICLE_REFERENCE": 1}),
    ("olivere_MIT/bmecat12/testdata/update_prices.golden.xml", (0, 0, 1), {}),
    ("olivere_MIT/bmecat12/testdata/update_products.golden.xml", (1, 0, 1), OLIVERE | {"ARTICLE_REFERENCE": 1}),
    (
        "olivere_MIT/bmecat2005/testdata/new_catalog.golden.xml",
        (1, 0, 0),
        OLIVERE | {"PRODUCT_REFERENCE": 1, "PRODUCT_LOGISTIC_DETAILS": 1},
    ),
    (
        "naugrimm_MIT/document_without_null_values.xml",
        (3, 0, 0),
        {"a price with tax (gros_list)": 6, "MIME_INFO": 3},
    ),
]


@pytest.mark.parametrize(("name", "counts", "left_out"), FILES)
def test_bmecat_as_it_is_published(cast, session, shared, name, counts, left_out):
    path = there(shared / "data" / "bmecat" / name)
    feed = taken(cast, path.read_bytes())
    assert (feed.rows_created, feed.rows_unchanged, feed.rows_bad) == counts
    assert feed.skipped == left_out


def test_bmecat_prices_alone_change_what_is_offered(cast, session, shared):
    folder = there(shared / "data" / "bmecat" / "olivere_MIT" / "bmecat12" / "testdata")
    taken(cast, (folder / "new_catalog.golden.xml").read_bytes())
    feed = taken(cast, (folder / "update_prices.golden.xml").read_bytes().replace(b">1300.9", b">1200.9"))
    assert (feed.rows_created, feed.rows_changed, feed.rows_bad) == (0, 1, 0)
    assert session.query(Offer).count() == 1


def test_bmecat_without_goods_is_refused(cast, session, shared):
    path = there(shared / "data" / "bmecat" / "naugrimm_MIT" / "2005.1" / "minimal_valid_document.xml")
    with pytest.raises(BmecatBroken, match="no product"), transaction():
        feeds.a_feed(cast.vendor_company, path.read_bytes(), actor=cast.vendor)
