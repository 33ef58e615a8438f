"""How many entries a second the books take from 4 callers at once, with every guarded balance kept.

Each caller is a process with a connection of its own, and posts one entry a transaction: an order of two vendors paid
by card, twelve postings over the marketplace's own accounts and the pending ones of two vendors of a hundred, so that
callers meet at their locks as sales do. Real commits, triggers and constraints as everywhere. Afterwards the books are
proven: every kept balance is the sum of its postings.

Run alone: python benchmarks/ledger.py [seconds]. The last line is one JSON object.
"""

import random
import sys
import time
import uuid
from collections.abc import Callable

import _common as bench
from _common import Stage

import wsgi
from marketplace.kernel.db import db, new_id, transaction
from marketplace.kernel.settings import from_environment
from settlements.ledger import books, proofs
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line

CALLERS, VENDORS, SECONDS = 4, 100, 10.0
A, K = AccountKind, PostingKind


def lines_of(order_id: uuid.UUID, vendors: list[uuid.UUID], dice: random.Random) -> list[Line]:
    """An order of two vendors, paid."""
    lines, owed = [], 0
    for vendor in vendors:
        goods = dice.randint(1_000, 90_000)
        tax, commission, part = goods * 19 // 100, goods // 10, new_id()
        owed += goods + tax
        lines += [
            Line(A.VENDOR_PENDING, vendor, K.GOODS, -goods, "EUR", order_id, part),
            Line(A.VENDOR_PENDING, vendor, K.TAX, -tax, "EUR", order_id, part),
            Line(A.VENDOR_PENDING, vendor, K.COMMISSION, commission, "EUR", order_id, part),
            Line(A.COMMISSION_DEFERRED, None, K.COMMISSION, -commission, "EUR", order_id, part),
        ]
    lines += [
        Line(A.SHIPPING_DEFERRED, None, K.DELIVERY, -1490, "EUR", order_id),
        Line(A.TAX_DEFERRED, None, K.TAX, -283, "EUR", order_id),
        Line(A.PSP_FEES, None, K.FEE, 680, "EUR", order_id),
        Line(A.PSP_CLEARING, None, K.PAYMENT, owed + 1773 - 680, "EUR", order_id),
    ]
    return lines


def post_for(number: int, environment: dict[str, str], vendors: list[uuid.UUID], seconds: float, begin: float) -> int:
    """How many entries one caller posted between `begin` and the end."""
    dice = random.Random(number)
    app = wsgi.create_app(from_environment(environment))
    with app.app_context():
        post = _poster(vendors, dice)
        post()
        time.sleep(max(0.0, begin - time.time()))
        count = 0
        while time.time() < begin + seconds:
            post()
            count += 1
        db.engine.dispose()
        return count


def _poster(vendors: list[uuid.UUID], dice: random.Random) -> Callable[[], None]:
    def post() -> None:
        order_id = new_id()
        lines = lines_of(order_id, dice.sample(vendors, 2), dice)
        with transaction():
            books.post(f"psp:{order_id}", "order_paid", lines, order_id=order_id)

    return post


def proven(on: Stage) -> int:
    """How many entries there are. Ends the program where the books show a difference."""
    with on.app.app_context():
        checks = (proofs.check_accounts, proofs.check_sums, proofs.check_kept_balances, proofs.check_positions)
        differences = [difference for check in checks for difference in check()]
        if differences:
            raise SystemExit(f"the books differ: {differences[0]}")
        count = db.session.scalar(db.text("SELECT count(*) FROM journal"))
        db.session.rollback()
        return int(count)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with bench.stage() as on:
        vendors = [new_id() for _ in range(VENDORS)]
        begin = time.time() + 8.0  # until all callers have started
        posted = bench.in_processes(CALLERS, post_for, on.environment, vendors, seconds, begin)
        entries = proven(on)
    print(f"{CALLERS} callers posted {posted}; {entries} entries stand, every kept balance is the sum of its postings")
    bench.finish({"entries_per_s": sum(posted) / seconds, "callers": CALLERS, "entries": entries})


if __name__ == "__main__":
    main()
