"""A run that is killed at any moment, or worked on by several processes, comes to the same statements once."""

import itertools
import random
import time
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, new_id, transaction
from settlements.ledger import books
from settlements.ledger.books import Entry
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line
from settlements.runs import actions, jobs
from settlements.runs.models import Statement
from settlements.runs.refusals import NothingToSettle
from tests import forks
from tests.builders.companies import a_company
from tests.builders.rules import default_rules

pytestmark = pytest.mark.processes
A, K = AccountKind, PostingKind
VENDORS, ORDERS = 24, 4


@pytest.fixture
def market(own_app):
    """Vendors to whom something fell due; (app, what each statement is to come to)."""
    with own_app.app_context(), transaction():
        default_rules()
        a_company("Operator AG", "AT", is_operator=True)
        vendors = [a_company(f"Vendor {number}", "AT", may_sell=True) for number in range(VENDORS)]
        expected = {}
        for number, vendor in enumerate(vendors):
            goods, commission = 10_000 + number, 1_000 + number
            due(vendor, goods, commission)
            net = ORDERS * commission
            expected[vendor.id] = ORDERS * (goods - commission) - (net * 20 + 50) // 100
    return own_app, expected


def due(vendor, goods, commission):
    entries = []
    for _ in range(ORDERS):
        lines = [
            Line(A.VENDOR_EARNED, vendor.id, K.DUE, goods - commission, "EUR"),
            Line(A.VENDOR_PAYABLE, vendor.id, K.GOODS, -goods, "EUR"),
            Line(A.VENDOR_PAYABLE, vendor.id, K.COMMISSION, commission, "EUR"),
        ]
        entries.append(Entry(f"due:{new_id()}", "due", lines))
    books.post_all(entries)


@pytest.fixture
def start(market, tmp_path):
    """`start(code)`: a process that runs this code with the settings of the market; (process, its log)."""
    settings, number = market[0].extensions["kontor_settings"], itertools.count()

    def begin(code):
        environment = {
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "SECRET_KEY": "only-for-tests",
            "LOG_LEVEL": "ERROR",
        }
        log = tmp_path / f"{next(number)}.log"
        return forks.fork(code, log=log, **environment), log

    return begin


def working_on(run_id):
    """The code of a process that works on the run, a few statements at a time."""
    return (
        "import sys, wsgi; from settlements.runs import jobs;"
        "jobs.COLLECTED_AT_ONCE = jobs.CLOSED_AT_ONCE = 3;"
        "app = wsgi.create_app(); context = app.app_context(); context.push(); print('on', flush=True);"
        f"jobs.perform('{run_id}')"
    )


def opened(app):
    with app.app_context(), transaction():
        return actions.open_now(SYSTEM, clock.now()).id


def settled(app, expected):
    """The run is closed, each vendor has his one statement, and the books prove it."""
    with app.app_context():
        rows = db.session.query(Statement).all()
        assert {row.vendor_id: row.closing_minor for row in rows} == expected
        assert sorted(row.number for row in rows) == [f"S-{number:06}" for number in range(1, VENDORS + 1)]
        assert [d for d in books.check_books() if d.what not in {"vendor's share"}] == []
        assert db.session.scalar(text("SELECT state FROM settlement_run")) == "closed"
        taxes = db.session.scalar(text("SELECT count(*) FROM journal WHERE event = 'commission_invoiced'"))
        invoices = db.session.scalar(text("SELECT count(*) FROM invoice WHERE kind = 'commission_invoice'"))
        assert (taxes, invoices) == (VENDORS, VENDORS)
        db.session.rollback()


def test_a_run_whose_worker_is_killed_again_and_again_is_closed_once(market, start):
    app, expected = market
    run_id = opened(app)
    watcher = create_engine(app.extensions["kontor_settings"].database_url, isolation_level="AUTOCOMMIT")
    kills = 0
    with watcher.connect() as seen:
        while seen.scalar(text("SELECT state FROM settlement_run")) != "closed":
            process, log = start(working_on(run_id))
            assert forks.has_said(process, log, "on\n")
            if kills < 4:
                wait_for_progress(seen, process)
                forks.kill(process)
                kills += 1
            process.wait(300)
    watcher.dispose()
    assert kills >= 3
    settled(app, expected)


def wait_for_progress(seen, process):
    """Until a little more is done, and then a moment that nobody can foresee."""
    progress = text("SELECT count(collected_at) + count(closed_at) FROM statement")
    before = seen.scalar(progress)
    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until and seen.scalar(progress) < before + 4:
        time.sleep(0.005)
    time.sleep(random.random() * 0.05)


def test_three_workers_share_a_run(market, start):
    app, expected = market
    run_id = opened(app)
    processes = [start(working_on(run_id)) for _ in range(3)]
    for process, _ in processes:
        assert process.wait(300) == 0
    with app.app_context(), transaction():
        actions.advance(run_id)
    settled(app, expected)


def test_two_runs_opened_at_once_make_each_statement_once(market, start):
    app, expected = market
    code = (
        "import wsgi; from marketplace.kernel.access import SYSTEM; from marketplace.kernel.db import transaction;"
        "from settlements.runs import actions, jobs; from settlements.runs.refusals import NothingToSettle\n"
        "app = wsgi.create_app()\n"
        "with app.app_context():\n"
        "    try:\n"
        "        with transaction(): run = actions.open_now(SYSTEM).id\n"
        "    except NothingToSettle: print('nothing')\n"
        "    else: print('opened'); jobs.perform(str(run))\n"
    )
    pair = [start(code) for _ in range(2)]
    assert [process.wait(300) for process, _ in pair] == [0, 0]
    assert sorted(log.read_text() for _, log in pair) == ["nothing\n", "opened\n"]
    settled(app, expected)


def test_what_is_booked_while_runs_cut_is_in_exactly_one_statement(market, start):
    """Somebody books all the time, with clocks that are behind: every cut leaves his entries to one statement."""
    app, expected = market
    vendor_id = next(iter(expected))
    code = (
        "import wsgi, uuid, random; from datetime import timedelta; from marketplace.kernel import clock;"
        "from marketplace.kernel.db import transaction; from settlements.ledger import books;"
        "from settlements.ledger.chart import AccountKind as A, PostingKind as K;"
        "from settlements.ledger.postings.lines import Line\n"
        "app = wsgi.create_app(); random.seed()\n"
        f"vendor = uuid.UUID('{vendor_id}')\n"
        "print('on', flush=True)\n"
        "with app.app_context():\n"
        "    for n in range(60):\n"
        "        with clock.moved(timedelta(seconds=-random.random())), transaction():\n"
        "            lines = [Line(A.VENDOR_EARNED, vendor, K.DUE, 7, 'EUR'),\n"
        "                     Line(A.VENDOR_PAYABLE, vendor, K.GOODS, -7, 'EUR')]\n"
        "            books.post(f'due:{uuid.uuid4()}', 'due', lines)\n"
    )
    pair = [start(code) for _ in range(2)]
    for process, log in pair:
        assert forks.has_said(process, log, "on\n")
    while any(process.poll() is None for process, _ in pair):
        settle_now(app)
    assert [process.returncode for process, _ in pair] == [0, 0]
    with clock.moved(timedelta(seconds=5)):
        settle_now(app)
    with app.app_context():
        rows = db.session.query(Statement).filter_by(vendor_id=vendor_id).order_by(Statement.sequence).all()
        assert rows[-1].closing_minor == expected[vendor_id] + 2 * 60 * 7
        assert sum(row.lines_minor for row in rows) == rows[-1].closing_minor
        assert [d for d in books.check_books() if d.what not in {"vendor's share"}] == []
        db.session.rollback()


def settle_now(app):
    with app.app_context():
        try:
            with transaction():
                run_id = actions.open_now(SYSTEM).id
        except NothingToSettle:
            return
        jobs.perform(str(run_id))
