"""How long a return of a large order takes to preview and to settle, and how many returns a second go over HTTP.

In this process: an order of 200 lines over 20 vendors, of which 20 lines of all vendors come back in a case; the time
of a preview and of settling what is decided, each from its first statement to its commit. Over HTTP with 4 callers: a
return of one line from request to refund, in three requests: asked for by the buyer, accepted by its vendor without the
goods, decided and settled by him; the refund stands in the books when that is answered, and is sent beside.

Run alone: python benchmarks/returns.py [seconds]. The last line is one JSON object.
"""

import gc
import statistics
import sys
import time
import uuid
from collections import deque
from decimal import Decimal

import _common as bench
import _market as market
from _market import Member, Offered
from _talks import Ask, Talk, expect, hold
from _whole import Whole, whole_set
from sqlalchemy import text

from marketplace.carts import actions as carts
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import QueryCounter, db, new_id, transaction
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.returns import actions, queries
from marketplace.shipments import actions as shipments
from settlements.ledger import books
from settlements.payments import actions as payment_actions
from settlements.payments import jobs as payments

LINES, VENDORS, ROUNDS, CALLERS, SECONDS = 200, 20, 20, 4, 10.0
METHOD = "pm_card_visa"
SHIPPING = {"carrier": "DHL", "tracking_number": "", "announce_only": False, "lines": None}


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with whole_set() as whole:
        with whole.on.app.app_context():
            with transaction():
                buyers, offers = fill()
            large = delivered(buyers[0], offers[:LINES], 100)
            preview_ms, settle_ms, statements = measure(large)
            small = [delivered(buyer, offers[:2], 2000) for buyer in buyers for _ in range(2)]
        heard = over_http(whole, buyers, small, seconds)
        drained = whole.drain(within_s=180)
        with whole.on.app.app_context():
            differences = len(books.check_books())
            refunds = db.session.execute(text("SELECT count(*) FROM refund")).scalar_one()
    print(f"An order of {LINES} lines over {VENDORS} vendors; {ROUNDS} rounds, median: preview {preview_ms:.1f} ms,")
    print(f"settle {settle_ms:.1f} ms with {statements} statements. Over HTTP {len(heard.durations_ms)} returns.")
    for refusal, times in heard.refusals.most_common(5):
        print(f"  failed {times} times: {refusal}")
    print(f"{refunds} refunds, drained in {drained:.1f} s; the books find {differences} differences.")
    bench.finish(
        {
            "preview_ms": preview_ms,
            "settle_ms": settle_ms,
            "returns_per_s": heard.per_s,
            "failed": heard.failed,
            "unbalanced": differences,
        }
    )


def fill() -> tuple[list[Member], list[Offered]]:
    market.operator()
    vendors = market.vendors([f"Vendor {number}" for number in range(VENDORS)])
    goods = market.products([f"Part {number}" for number in range(LINES)], vendors[0])
    found = market.offers(
        Offered(new_id(), vendors[n % VENDORS], product, f"S{n:06}", Decimal(100 + 7 * n) / 100)
        for n, product in enumerate(goods)
    )
    by_vendor = {vendor.company_id: vendor for vendor in vendors}
    _vendors.update({str(company_id): vendor for company_id, vendor in by_vendor.items()})
    return market.buyers(CALLERS), found


_vendors: dict[str, Member] = {}


def delivered(buyer: Member, offers: list[Offered], units: int) -> uuid.UUID:
    """An order of so many units of each offer, paid and delivered."""
    with transaction():
        lines = [carts.WantedLine(offer.id, units) for offer in offers]
        cart = carts.create(buyer.actor, currency="EUR", lines=lines, delivery_address_id=buyer.address_id).cart
    with transaction():
        order = carts.checkout(buyer.actor, cart.id).order
    with transaction():
        payment = payment_actions.reserve(buyer.actor, order.id)
    payments.take(payment.id, METHOD)
    for part in order_queries.parts_of(order.id):
        with transaction():
            orders.confirm(SYSTEM, part.id)
            parcel = shipments.ship(SYSTEM, part.id, SHIPPING)
            shipments.deliver(SYSTEM, parcel.id)
    return order.id


def measure(order_id: uuid.UUID) -> tuple[float, float, int]:
    """(preview, settle) in milliseconds, the medians, and the statements of the last settling."""
    previews, settlings, statements = [], [], 0
    order = order_queries.order(SYSTEM, order_id)
    lines = order_queries.lines_of(order_id)
    for _ in range(ROUNDS):
        wanted = [
            {"line_id": line.id, "quantity": 2, "reason": ("change_of_mind", "visible_defect")[n % 2]}
            for n, line in enumerate(lines[:: LINES // 20])
        ]
        with transaction():
            case = actions.open_case(SYSTEM, order.id, wanted)
            for line in queries.lines_of(SYSTEM, case.id):
                actions.approve(SYSTEM, case.id, line.id, "scrapped")
        db.session.expunge_all()
        gc.collect()
        began = time.perf_counter()
        actions.preview(SYSTEM, case.id, [])
        previews.append((time.perf_counter() - began) * 1000)
        with transaction():  # one, since what is undisputed would be settled by the clock
            found = actions.decide(SYSTEM, case.id, [{"line_id": one.id} for one in queries.lines_of(SYSTEM, case.id)])
            gc.collect()
            with QueryCounter() as seen:
                began = time.perf_counter()
                actions.settle_found(SYSTEM, found)
        settlings.append((time.perf_counter() - began) * 1000)
        statements = seen.count
    return statistics.median(previews), statistics.median(settlings), statements


def over_http(whole: Whole, buyers: list[Member], order_ids: list[uuid.UUID], seconds: float):
    """Each caller returns one unit after the other of his own orders."""
    with whole.on.app.app_context():
        lines = {
            order_id: [(str(line.id), _vendors[str(line.vendor_id)]) for line in order_queries.lines_of(order_id)]
            for order_id in order_ids
        }
        db.session.rollback()
    waiting = {buyer.key: deque(order_ids[2 * n : 2 * n + 2]) for n, buyer in enumerate(buyers)}

    def following(buyer: Member) -> Talk:
        order_id = waiting[buyer.key][0]
        waiting[buyer.key].rotate(1)
        return one_return(buyer, order_id, *lines[order_id][len(waiting) % 2])

    assert whole.web is not None
    callers = [("", lambda buyer=buyer: following(buyer)) for buyer in buyers]
    return hold(whole.web.address, callers, seconds=seconds, warm_up=3.0)


def one_return(buyer: Member, order_id: uuid.UUID, line_id: str, vendor: Member) -> Talk:
    asked = {"lines": [{"line_id": line_id, "quantity": 1, "reason": "visible_defect"}]}
    case = expect((yield Ask("POST", f"/v1/orders/{order_id}/returns", asked, by(buyer))), 201)
    at, own = f"/v1/returns/{case['id']}", case["lines"][0]["id"]
    expect((yield Ask("POST", f"{at}/lines/{own}/approve", {"goods": "scrapped"}, by(vendor))), 200)
    verdict = {"lines": [{"line_id": own}], "settle": True}
    done = expect((yield Ask("POST", f"{at}/decide", verdict, by(vendor))), 200)
    if done["lines"][0]["state"] != "settled":
        raise SystemExit(f"a return ended as {done['lines'][0]['state']}")


def by(member: Member) -> dict[str, str]:
    return {"Authorization": f"Bearer {member.key}", "Idempotency-Key": uuid.uuid4().hex}


if __name__ == "__main__":
    main()
