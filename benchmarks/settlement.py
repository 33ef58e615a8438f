"""How fast a settlement run goes from the books to closed statements: the real job in a worker process for long jobs.

A week of 3,000 vendors is written into the books as the marketplace books it (paid, earned, due with a tenth held back:
29 postings of a vendor order of four lines), by the server itself, since only the run is measured: journals and
postings in the order of time, vendors in turn, each posting with its position on the vendor's account. Then a run of
all vendors is opened as the operator opens it, and a worker collects and closes the statements: commission is invoiced
and its tax booked, every statement is proven against the books and numbered. Measured is the time from opening the run
until it is closed. `cents_off` adds up, over all vendors, by how much a statement differs from what was written, tax
rounded by this script's own arithmetic, and from the balances of the books.

Run alone: python benchmarks/settlement.py [lines ...]; default 10000 100000 1000000. The last line is one JSON object.
"""

import sys
import time
from dataclasses import dataclass

import _common as bench
import _market as market
import psycopg
from _common import Stage
from import_offers import family
from sqlalchemy import text

from marketplace.kernel import queue
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from settlements.ledger.chart import AccountKind, account_id
from settlements.runs import actions

SIZES = (10_000, 100_000, 1_000_000)
VENDORS, LINES_EACH = 3_000, 4
A = AccountKind

# What one vendor order comes to, by its number: whole cents, unlike from one to the next.
_ORDERS = """
CREATE UNLOGGED TABLE bench_order AS
SELECT n, n %% %(vendors)s AS vendor, n / %(vendors)s AS nth, goods, vendor_discount, market_discount, tax, delivery,
    commission, goods + market_discount - vendor_discount + tax + delivery - commission AS share,
    (goods + market_discount - vendor_discount + tax + delivery - commission) / 10 AS reserve,
    extract(epoch FROM now())::bigint * 1000 - 14 * 86400000 + n * 7 * 86400000 / %(orders)s AS paid_ms
FROM (
    SELECT n, goods - goods * 6 / 100 AS goods, goods * 4 / 100 AS vendor_discount, goods * 6 / 100 AS market_discount,
        (goods - goods * 4 / 100) * 19 / 100 AS tax, 590 AS delivery, goods * (8 + n %% 5) / 100 AS commission
    FROM (SELECT n, 4000 + n * 37 %% 90001 AS goods FROM generate_series(0::bigint, %(orders)s - 1) n) g
) w
"""
_ID = """
CREATE FUNCTION bench_id(ms bigint, what int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT (lpad(to_hex(ms), 12, '0') || '7' || to_hex(what) || lpad(to_hex(n), 18, '0'))::uuid $$
"""
_JOURNALS = """
INSERT INTO journal (id, source, event, occurred_at, booked_at)
SELECT bench_id(ms, what, n), source, event, to_timestamp(ms / 1000.0), to_timestamp(ms / 1000.0) FROM (
    SELECT paid_ms AS ms, 1 AS what, n, 'psp:' || n AS source, 'order_paid' AS event FROM bench_order
    UNION ALL SELECT paid_ms + 86400000, 2, n, 'earned:' || n, 'earned' FROM bench_order
    UNION ALL SELECT paid_ms + 4 * 86400000, 3, n, 'due:' || n, 'due' FROM bench_order
) j ORDER BY ms
"""
# Each kind of posting of the vendor, with its sum; the same three times: on pending, on earned, on payable.
_KINDS = """(VALUES (1, 'goods', -goods), (2, 'market_discount', -market_discount),
    (3, 'vendor_discount', vendor_discount), (4, 'tax', -tax), (5, 'delivery', -delivery), (6, 'commission', commission)
) k(j, kind, amount)"""
_POSTINGS = f"""
INSERT INTO posting (journal_id, number, account_id, kind, amount_minor, currency, order_id, vendor_order_id, position)
SELECT bench_id(ms, what, n), number, account, kind, amount, 'EUR', NULL, bench_id(paid_ms, 4, n), position FROM (
    SELECT paid_ms AS ms, 1 AS what, n, paid_ms, j AS number, pending AS account, kind, amount, nth * 7 + j AS position
    FROM bench_order JOIN bench_vendor USING (vendor), LATERAL {_KINDS}
    UNION ALL SELECT paid_ms, 1, n, paid_ms, 6 + j, account, kind, amount, NULL
    FROM bench_order, LATERAL (VALUES
        (1, 'psp_clearing', 'payment', share + commission - market_discount - 30), (2, 'psp_fees', 'fee', 30),
        (3, 'promo_deferred', 'market_discount', market_discount), (4, 'commission_deferred', 'commission', -commission)
    ) o(j, name, kind, amount) JOIN bench_own USING (name)
    UNION ALL SELECT paid_ms + 86400000, 2, n, paid_ms, j, earned, kind, amount, nth * 7 + j
    FROM bench_order JOIN bench_vendor USING (vendor), LATERAL {_KINDS}
    UNION ALL SELECT paid_ms + 86400000, 2, n, paid_ms, 7, pending, 'earned', share, nth * 7 + 7
    FROM bench_order JOIN bench_vendor USING (vendor)
    UNION ALL SELECT paid_ms + 86400000, 2, n, paid_ms, 7 + j, account, kind, amount, NULL
    FROM bench_order, LATERAL (VALUES
        (1, 'commission_deferred', 'commission', commission), (2, 'commission_revenue', 'commission', -commission),
        (3, 'promo_deferred', 'market_discount', -market_discount),
        (4, 'promo_expense', 'market_discount', market_discount)
    ) o(j, name, kind, amount) JOIN bench_own USING (name)
    UNION ALL SELECT paid_ms + 4 * 86400000, 3, n, paid_ms, j, payable, kind, amount, nth * 7 + j
    FROM bench_order JOIN bench_vendor USING (vendor), LATERAL {_KINDS}
    UNION ALL SELECT paid_ms + 4 * 86400000, 3, n, paid_ms, 6 + j, account, kind, amount, position
    FROM bench_order JOIN bench_vendor USING (vendor), LATERAL (VALUES
        (1, earned, 'due', share, nth * 7 + 7), (2, payable, 'reserve_held', reserve, nth * 7 + 7),
        (3, reserved, 'reserve_held', -reserve, nth + 1)
    ) d(j, account, kind, amount, position)
) p ORDER BY ms
"""
_ACCOUNTS = """
INSERT INTO account (id, kind, party, currency, balance_minor, postings)
SELECT account_id, name, party, 'EUR', CASE WHEN party IS NOT NULL THEN sum(amount_minor) END,
    CASE WHEN party IS NOT NULL THEN count(*) END
FROM posting JOIN (
    SELECT pending, 'vendor_pending', company_id FROM bench_vendor
    UNION ALL SELECT earned, 'vendor_earned', company_id FROM bench_vendor
    UNION ALL SELECT payable, 'vendor_payable', company_id FROM bench_vendor
    UNION ALL SELECT reserved, 'vendor_reserve', company_id FROM bench_vendor
    UNION ALL SELECT account, name, NULL FROM bench_own
) a(id, name, party) ON a.id = account_id
GROUP BY account_id, name, party
"""
_TAX = "floor((commission * 19 + 50) / 100.0)"  # 19 percent of whole cents, half up
_CENTS_OFF = f"""
SELECT coalesce(sum(abs(coalesce(closing, 0) - (share - {_TAX})) + abs(coalesce(closing, 0) - coalesce(booked, 0))), 0)
FROM (
    SELECT company_id, sum(share) AS share, sum(commission) AS commission
    FROM bench_order JOIN bench_vendor USING (vendor) GROUP BY company_id
) written
LEFT JOIN (SELECT vendor_id, sum(closing_minor) AS closing FROM statement WHERE state = 'closed' GROUP BY vendor_id) s
    ON s.vendor_id = company_id
LEFT JOIN (
    SELECT party, -sum(balance_minor) AS booked FROM account
    WHERE kind IN ('vendor_payable', 'vendor_reserve', 'transfer_in_transit') GROUP BY party
) b ON b.party = company_id
"""


@dataclass
class Measured:
    """One run: `seconds` from opening to closed, `worker_mb` the largest resident set of the worker's processes."""

    lines: int
    seconds: float
    worker_mb: float
    cents_off: int
    statements: int

    @property
    def microseconds_a_line(self) -> float:
        return self.seconds / self.lines * 1e6


def write_books(on: Stage, lines: int) -> None:
    """Paid, earned and due, as `lines` order lines of all vendors in turn."""
    with on.app.app_context(), transaction():
        market.operator()
        sellers = market.vendors([f"Vendor {number}" for number in range(VENDORS)])
    kinds = (A.VENDOR_PENDING, A.VENDOR_EARNED, A.VENDOR_PAYABLE, A.VENDOR_RESERVE)
    own = (A.PSP_CLEARING, A.PSP_FEES, A.PROMO_DEFERRED, A.COMMISSION_DEFERRED, A.COMMISSION_REVENUE, A.PROMO_EXPENSE)
    with psycopg.connect(on.conninfo) as connection:
        # The triggers prove what the marketplace books; this is proven by its own sums, below.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET work_mem = '256MB'")
        connection.execute(
            "CREATE UNLOGGED TABLE bench_vendor (vendor int, company_id uuid, pending uuid, earned uuid, payable uuid,"
            " reserved uuid); CREATE UNLOGGED TABLE bench_own (name text, account uuid)"
        )
        with connection.cursor().copy("COPY bench_vendor FROM STDIN") as copy:
            for number, one in enumerate(sellers):
                ids = [account_id(kind, one.company_id, "EUR") for kind in kinds]
                copy.write_row((number, one.company_id, *ids))
        with connection.cursor().copy("COPY bench_own FROM STDIN") as copy:
            for kind in own:
                copy.write_row((kind.value, account_id(kind, None, "EUR")))
        connection.execute(_ORDERS, {"vendors": VENDORS, "orders": lines // LINES_EACH})
        for statement in (_ID, _JOURNALS, _POSTINGS, _ACCOUNTS):
            connection.execute(statement)
        ((wrong,),) = connection.execute("SELECT sum(amount_minor) FROM posting").fetchall()
        if wrong:
            raise SystemExit(f"the books written here do not balance: {wrong}")
    with psycopg.connect(on.conninfo, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def settle(on: Stage, lines: int) -> Measured:
    """A run of all vendors through a worker."""
    with bench.flask_process(on, "worker", "--queue", "long") as worker, on.app.app_context():
        time.sleep(3.0)  # until the worker waits
        began = time.perf_counter()
        with transaction():
            run = actions.open_now(SYSTEM)
        queue.enqueue("runs.perform", run_id=str(run.id))
        state, worker_mb = "", 0.0
        while state != "closed":
            time.sleep(0.1)
            state = db.session.execute(text("SELECT state FROM settlement_run WHERE id = :id"), {"id": run.id}).scalar()
            db.session.rollback()
            worker_mb = max([worker_mb, *(bench.resident_mb(pid) for pid in family(worker.pid))])
        seconds = time.perf_counter() - began
    with psycopg.connect(on.conninfo) as connection:
        ((off,),) = connection.execute(_CENTS_OFF).fetchall()
        ((statements,),) = connection.execute("SELECT count(*) FROM statement").fetchall()
    return Measured(lines, seconds, worker_mb, int(off), statements)


def measured(lines: int) -> Measured:
    with bench.stage() as on:
        began = time.perf_counter()
        write_books(on, lines)
        print(f"{lines} lines written in {time.perf_counter() - began:.1f} s", flush=True)
        found = settle(on, lines)
    print(
        f"{found.lines} lines: {found.statements} statements in {found.seconds:.2f} s,"
        f" {found.microseconds_a_line:.1f} µs a line, worker {found.worker_mb:.0f} MB, {found.cents_off} cents off",
        flush=True,
    )
    return found


def main() -> None:
    runs = [measured(lines) for lines in ([int(size) for size in sys.argv[1:]] or SIZES)]
    first, last = runs[0], runs[-1]
    bench.finish(
        {
            "lines": last.lines,
            "seconds": last.seconds,
            "worker_mb": max(run.worker_mb for run in runs),
            "cents_off": sum(run.cents_off for run in runs),
            "growth": last.microseconds_a_line / first.microseconds_a_line,
        }
    )


if __name__ == "__main__":
    main()
