"""The books come to zero and to the formula whatever happens to orders: pure postings, and the whole on a database."""

import uuid
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.refusals import NothingIsOpen
from marketplace.pricing.facts import MARKETPLACE, Order, Returned, State
from marketplace.pricing.policy import B2B, CONSUMER, Fault
from marketplace.pricing.valuation import value
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.ledger.postings import orders as order_postings
from settlements.ledger.postings.orders import Buyer
from settlements.payments import jobs as payment_jobs
from settlements.payments.actions import reserve
from settlements.refunds import actions as refund_actions
from settlements.refunds import jobs as refund_jobs
from settlements.refunds import queries as refund_queries
from settlements.refunds.states import RefundState
from tests.builders.settlements import a_delivery, a_line, a_promotion, facts_of, place
from tests.cast import make_cast
from tests.conftest import close
from tests.settlements.memory_gateway import MemoryGateway

A = AccountKind
VENDORS = tuple(uuid.UUID(int=number) for number in (1, 2, 3))
CENTS = st.integers(1, 50_000).map(lambda cents: str(Decimal(cents) / 100))
SHARES = st.sampled_from(["0", "0.05", "0.12", "0.333333"])


@st.composite
def an_order(draw, vendors=VENDORS):
    """An order of one to five lines of some vendors, with or without a discount and deliveries."""
    sellers = draw(st.lists(st.sampled_from(vendors), min_size=1, max_size=5))
    names = [f"L{number}" for number in range(len(sellers))]
    delivered = draw(st.sampled_from(["none", "vendors", "marketplace"]))
    group = {"none": lambda v: None, "vendors": lambda v: f"g{v}", "marketplace": lambda v: "gM"}[delivered]
    lines = tuple(
        a_line(name, vendor, draw(st.integers(1, 9)), draw(CENTS), commission=draw(SHARES), delivery=group(vendor))
        for name, vendor in zip(names, sellers, strict=True)
    )
    groups = {"none": (), "vendors": tuple(dict.fromkeys(sellers)), "marketplace": (MARKETPLACE,)}[delivered]
    deliveries = tuple(
        a_delivery("gM" if seller == MARKETPLACE else f"g{seller}", seller, draw(st.integers(0, 3000)))
        for seller in groups
    )
    steps = st.builds(
        a_promotion, SHARES, vendor_share=st.sampled_from(["0", "0.4", "1"]), from_minor=st.sampled_from([0, 20_000])
    )
    promotions = tuple(draw(st.lists(steps, max_size=1)))
    return Order("EUR", draw(st.booleans()), lines, promotions, deliveries)


@st.composite
def a_path(draw, order):
    """States of the order, each holding all that came back before it."""
    back = Counter()
    states = []
    for _ in range(draw(st.integers(1, 4))):
        line = draw(st.sampled_from(order.lines))
        left = line.quantity - sum(count for (name, _), count in back.items() if name == line.id)
        if left:
            back[line.id, draw(st.sampled_from(list(Fault)))] += draw(st.integers(1, left))
            states.append(State(tuple(Returned(name, fault, count) for (name, fault), count in back.items())))
    return states


@settings(max_examples=150, deadline=None)
@given(data=st.data(), order=an_order(), policy=st.sampled_from([B2B, CONSUMER]))
def test_postings_follow_the_formula_through_every_state(data, order, policy):
    facts = facts_of(order)
    before = value(order, policy, State())
    paid = before.buyer_owes_minor
    lines = order_postings.order_paid(facts, None, before, Buyer(), paid - 1, 1)
    assert sum(line.amount_minor for line in lines) == 0
    for state in data.draw(a_path(order)):
        after = value(order, policy, state)
        refund = max(0, paid - after.buyer_owes_minor)
        deficit = max(0, after.buyer_owes_minor - paid) - max(0, before.buyer_owes_minor - paid)
        step = order_postings.step_taken(facts, before, after, Buyer(deficit, refund))
        assert sum(line.amount_minor for line in step) == 0
        lines += step
        paid, before = paid - refund, after
    sums = Counter()
    for line in lines:
        sums[line.account, line.party] -= line.amount_minor
    for vendor in facts.vendor_orders:
        assert sums[A.VENDOR_PENDING, vendor] == before.vendors_minor[str(vendor)]
    assert sums[A.COMMISSION_DEFERRED, None] == before.commission_minor
    assert -sums[A.PROMO_DEFERRED, None] == before.market_discount_minor
    assert -sums[A.OPERATOR_LOSS, None] == before.compensation_minor
    assert sums[A.SHIPPING_DEFERRED, None] + sums[A.TAX_DEFERRED, None] == before.operator_delivery_minor


@pytest.fixture(scope="module")
def market(make_database, make_app):
    """An app with a provider in memory on a database of this module: (app, cast)."""
    app = make_app(make_database(), MemoryGateway())
    with app.app_context(), transaction():
        cast = make_cast()
    yield app, cast
    close(app)


HAPPENINGS = st.lists(
    st.tuples(st.sampled_from(["cancel", "decline", "send", "lose", "wait", "bounce", "retry"]), st.integers(0, 99)),
    min_size=3,
    max_size=12,
)


class Life:
    """One order in the market, and what may happen to it and its refunds."""

    def __init__(self, cast, gateway, placed):
        self.cast, self.gateway, self.placed = cast, gateway, placed

    def refunds(self, *states):
        own = refund_queries.refunds_of(SYSTEM, self.placed.order.id)
        return [refund for refund in own if refund.state in states]

    def cancel(self, number):
        lines = [line for line in order_queries.lines_of(self.placed.order.id) if orders.open_units(line)]
        if lines:
            line = lines[number % len(lines)]
            with transaction():
                orders.cancel(
                    self.cast.buyer, self.placed.order.id, [orders.Units(line.id, 1 + number % orders.open_units(line))]
                )

    def decline(self, number):
        part = sorted(self.placed.parts.values(), key=lambda row: row.position)[number % len(self.placed.parts)]
        try:
            with transaction():
                orders.cancel_part(SYSTEM, part.id)
        except NothingIsOpen:
            pass

    def send(self, _):
        for refund in self.refunds(RefundState.REQUESTED, RefundState.SENT):
            refund_jobs.send(refund.id)

    def lose(self, _):
        self.gateway.faults.append(("refund", "unanswered"))

    def wait(self, _):
        self.gateway.faults.append(("refund", "later"))

    def bounce(self, number):
        arrived = self.refunds(RefundState.CONFIRMED)
        if arrived:
            refund = arrived[number % len(arrived)]
            attempt = refund_queries.attempts_of([refund.id])[refund.id][-1]
            self.gateway.bounce(attempt.provider_id)
            with transaction():
                refund_actions.record(attempt.id, self.gateway.refunds[attempt.provider_id])

    def retry(self, _):
        for refund in self.refunds(RefundState.BOUNCED):
            with transaction():
                refund_actions.retry(self.cast.operator, refund.id)

    def end(self):
        self.gateway.faults.clear()
        self.retry(0)
        self.send(0)


@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(data=st.data(), happenings=HAPPENINGS)
def test_whatever_happens_the_books_are_right_and_the_buyer_gets_his_money(market, data, happenings):
    app, cast = market
    app.extensions["kontor_gateway"] = gateway = MemoryGateway()
    with app.app_context():
        before = books.balance(A.PSP_CLEARING, None, "EUR")
        companies = [cast.vendor_company, cast.rival_vendor_company]
        wanted = data.draw(an_order(tuple(company.id for company in companies)))
        with transaction():
            placed = place(cast.buyer, wanted, companies)
            payment = reserve(cast.buyer, placed.order.id)
        payment_jobs.take(payment.id, "pm_card_visa")
        life = Life(cast, gateway, placed)
        for what, number in happenings:
            getattr(life, what)(number)
            assert [str(difference) for difference in books.check_books()] == []
        life.end()
        assert [str(difference) for difference in books.check_books()] == []
        assert books.balance(A.REFUNDS_PAYABLE, placed.order.id, "EUR") == 0
        assert {refund.state for refund in life.refunds(*RefundState)} <= {RefundState.CONFIRMED}
        assert books.balance(A.PSP_CLEARING, None, "EUR") - before == gateway.balance_minor()
        order = order_queries.order(SYSTEM, placed.order.id)
        assert order_queries.net_paid(order.id) <= order.owed_minor
        assert db.session.scalar(text("SELECT coalesce(sum(amount_minor), 0) FROM posting")) == 0
        db.session.rollback()
