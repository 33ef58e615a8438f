"""How many entries a second the books take from 4 callers at once, with every guarded balance kept.

Each caller is a process with a connection of its own, and posts one entry a transaction, as the life of an order of two
vendors goes: paid by card (12 postings), then each vendor's part earned (6) and due with a tenth held back (6). The two
are any of a hundred vendors, so that callers meet at their locks as sales do. Real commits, triggers and constraints as
everywhere. Afterwards the books are proven: every kept balance is the sum of its postings.

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
from settlements.ledger.books import Entry
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line

CALLERS, VENDORS, SECONDS = 4, 100, 10.0
A, K = AccountKind, PostingKind


def order_life(vendors: list[uuid.UUID], dice: random.Random) -> list[Entry]:
    """The entries of one order, in their order."""
    order_id, owed, paid, later = new_id(), 0, [], []
    for vendor in vendors:
        goods, part = dice.randint(1_000, 90_000), new_id()
        tax, commission = goods * 19 // 100, goods // 10
        share, reserve = goods + tax - commission, (goods + tax - commission) // 10
        owed += goods + tax
        kinds = ((K.GOODS, -goods), (K.TAX, -tax), (K.COMMISSION, commission))

        def line(account: A, kind: K, amount: int, of: uuid.UUID | None = vendor, own: uuid.UUID = part) -> Line:
            return Line(account, of, kind, amount, "EUR", order_id, own)

        paid += [line(A.VENDOR_PENDING, kind, amount) for kind, amount in kinds]
        paid.append(line(A.COMMISSION_DEFERRED, K.COMMISSION, -commission, None))
        earned = [line(A.VENDOR_PENDING, K.EARNED, share), *(line(A.VENDOR_EARNED, *kind) for kind in kinds)]
        earned += [
            line(A.COMMISSION_DEFERRED, K.COMMISSION, commission, None),
            line(A.COMMISSION_REVENUE, K.COMMISSION, -commission, None),
        ]
        due = [line(A.VENDOR_EARNED, K.DUE, share), *(line(A.VENDOR_PAYABLE, *kind) for kind in kinds)]
        due += [
            line(A.VENDOR_PAYABLE, K.RESERVE_HELD, reserve),
            line(A.VENDOR_RESERVE, K.RESERVE_HELD, -reserve),
        ]
        later += [Entry(f"earned:{part}", "earned", earned, order_id), Entry(f"due:{part}", "due", due, order_id)]
    paid += [
        Line(A.SHIPPING_DEFERRED, None, K.DELIVERY, -1490, "EUR", order_id),
        Line(A.TAX_DEFERRED, None, K.TAX, -283, "EUR", order_id),
        Line(A.PSP_FEES, None, K.FEE, 680, "EUR", order_id),
        Line(A.PSP_CLEARING, None, K.PAYMENT, owed + 1773 - 680, "EUR", order_id),
    ]
    return [Entry(f"psp:{order_id}", "order_paid", paid, order_id), *later]


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
    waiting: list[Entry] = []

    def post() -> None:
        if not waiting:
            waiting.extend(order_life(dice.sample(vendors, 2), dice))
        with transaction():
            books.post_all([waiting.pop(0)])

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
