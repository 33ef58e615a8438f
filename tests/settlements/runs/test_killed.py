"""A run that is killed at any moment, or worked on by several processes, comes to the same statements once."""

import os
import random
import signal
import subprocess
import sys
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
from tests.builders.companies import a_company
from tests.builders.rules import default_rules
from tests.conftest import ROOT

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


def start(app, run_id):
    """A process that works on the run, a few statements at a time."""
    settings = app.extensions["kontor_settings"]
    code = (
        "import sys, wsgi; from settlements.runs import jobs;"
        "jobs.COLLECTED_AT_ONCE = jobs.CLOSED_AT_ONCE = 3;"
        "app = wsgi.create_app(); context = app.app_context(); context.push(); print('on', flush=True);"
        f"jobs.perform('{run_id}')"
    )
    environment = os.environ | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": "only-for-tests",
        "LOG_LEVEL": "ERROR",
    }
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE)


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


def test_a_run_whose_worker_is_killed_again_and_again_is_closed_once(market):
    app, expected = market
    run_id = opened(app)
    watcher = create_engine(app.extensions["kontor_settings"].database_url, isolation_level="AUTOCOMMIT")
    kills = 0
    with watcher.connect() as seen:
        while seen.scalar(text("SELECT state FROM settlement_run")) != "closed":
            process = start(app, run_id)
            assert process.stdout.readline() == b"on\n"
            if kills < 4:
                wait_for_progress(seen, process)
                process.send_signal(signal.SIGKILL)
                kills += 1
            process.wait(300)
            process.stdout.close()
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


def test_three_workers_share_a_run(market):
    app, expected = market
    run_id = opened(app)
    processes = [start(app, run_id) for _ in range(3)]
    for process in processes:
        assert process.wait(300) == 0
        process.stdout.close()
    with app.app_context(), transaction():
        actions.advance(run_id)
    settled(app, expected)


def test_two_runs_opened_at_once_make_each_statement_once(market):
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
    settings = app.extensions["kontor_settings"]
    environment = os.environ | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": "only-for-tests",
        "LOG_LEVEL": "ERROR",
    }
    pair = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    said = sorted(process.communicate(timeout=300)[0] for process in pair)
    assert said == [b"nothing\n", b"opened\n"]
    settled(app, expected)


def test_what_is_booked_while_runs_cut_is_in_exactly_one_statement(market):
    """Somebody books all the time, with clocks that are behind: every cut leaves his entries to one statement."""
    app, expected = market
    vendor_id = next(iter(expected))
    settings = app.extensions["kontor_settings"]
    code = (
        "import wsgi, uuid, random; from datetime import timedelta; from marketplace.kernel import clock;"
        "from marketplace.kernel.db import transaction; from settlements.ledger import books;"
        "from settlements.ledger.chart import AccountKind as A, PostingKind as K;"
        "from settlements.ledger.postings.lines import Line\n"
        "app = wsgi.create_app()\n"
        f"vendor = uuid.UUID('{vendor_id}')\n"
        "print('on', flush=True)\n"
        "with app.app_context():\n"
        "    for n in range(60):\n"
        "        with clock.moved(timedelta(seconds=-random.random())), transaction():\n"
        "            lines = [Line(A.VENDOR_EARNED, vendor, K.DUE, 7, 'EUR'),\n"
        "                     Line(A.VENDOR_PAYABLE, vendor, K.GOODS, -7, 'EUR')]\n"
        "            books.post(f'due:{uuid.uuid4()}', 'due', lines)\n"
    )
    environment = os.environ | {"DATABASE_URL": settings.database_url, "SECRET_KEY": "x", "LOG_LEVEL": "ERROR"}
    pair = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in pair:
        assert process.stdout.readline() == b"on\n"
    while any(process.poll() is None for process in pair):
        settle_now(app)
    for process in pair:
        process.stdout.close()
        assert process.returncode == 0
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
