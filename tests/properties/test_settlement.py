"""Whatever happens to orders, time and payouts: statements follow each other, and the books prove every one of them."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions as orders
from marketplace.orders import formula
from marketplace.orders import queries as order_queries
from marketplace.orders.refusals import NothingIsOpen
from marketplace.orders.states import VendorOrderState
from marketplace.pricing.policy import Fault
from settlements.earnings import jobs as earning_jobs
from settlements.earnings.models import Earning
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.payments import jobs as payment_jobs
from settlements.payments.actions import reserve
from settlements.runs import actions, jobs
from settlements.runs.models import Statement
from settlements.runs.refusals import NothingToSettle
from settlements.runs.states import StatementState
from settlements.transfers import jobs as transfer_jobs
from settlements.transfers.queries import of_cause
from tests.builders.catalogue import terms_for
from tests.builders.rules import default_rules
from tests.builders.settlements import deliver, place_example_one
from tests.builders.transfers import an_account
from tests.cast import make_cast
from tests.conftest import close
from tests.settlements.memory_gateway import MemoryGateway

A = AccountKind
HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(
            ["buy", "deliver", "cancel", "give_back", "wait", "release", "settle", "pay", "send", "refuse"]
        ),
        st.integers(0, 99),
    ),
    min_size=5,
    max_size=14,
)


@pytest.fixture(scope="module")
def market(make_database, make_app):
    """An app on a database of this module, with two vendors who can be paid: (app, cast, gateway)."""
    gateway = MemoryGateway()
    app = make_app(make_database(), gateway)
    with app.app_context(), transaction():
        cast = make_cast()
        default_rules()
        for vendor in (cast.vendor_company, cast.rival_vendor_company):
            terms_for(vendor, minimum_payout={"EUR": 5000}, reserve_minimum={"EUR": 3000})
            an_account(gateway, vendor)
    yield app, cast, gateway
    close(app)


class Life:
    """Orders of two vendors, and what may happen to them, in whatever order; time only goes on."""

    days = 0  # of all lives: statements follow each other from one to the next

    def __init__(self, cast, gateway):
        self.cast, self.gateway, self.placed = cast, gateway, []

    def buy(self, _):
        with transaction():
            placed = place_example_one(self.cast.buyer, self.cast.vendor_company, self.cast.rival_vendor_company)
            payment = reserve(self.cast.buyer, placed.order.id)
        payment_jobs.take(payment.id, "pm_card_visa")
        self.placed.append(placed)

    def one(self, number):
        return self.placed[number % len(self.placed)] if self.placed else None

    def deliver(self, number):
        placed = self.one(number)
        for vendor in (self.cast.vendor_company, self.cast.rival_vendor_company):
            part = placed and order_queries.vendor_order(SYSTEM, placed.parts[vendor.id].id)
            if (
                part
                and part.state == VendorOrderState.TO_CONFIRM
                and (number % 3 or vendor is self.cast.vendor_company)
            ):
                with transaction():
                    deliver(placed, vendor)

    def cancel(self, number):
        placed = self.one(number)
        if placed:
            try:
                with transaction():
                    orders.cancel(self.cast.buyer, placed.order.id)
            except NothingIsOpen:
                pass

    def give_back(self, number):
        placed = self.one(number)
        if placed is None:
            return
        with transaction():
            order = order_queries.order(SYSTEM, placed.order.id, locked=True)
            parts = order_queries.parts_of(order.id, locked=True)
            _, _, state = formula.facts_of(order)
            back = Counter()
            for entry in state.returned:
                back[entry.line] += entry.quantity
            lines = [line for line in order_queries.lines_of(order.id) if line.shipped_quantity > back[str(line.id)]]
            if lines:
                fault = list(Fault)[number % 3]
                after = formula.with_units(state, {lines[number % len(lines)].id: 1}, fault)
                orders.take_step(order, parts, after, orders.Reason(self.cast.operator, orders.Cause.RETURNED))

    def wait(self, number):
        Life.days += 1 + number % 4
        with clock.moved(timedelta(days=self.days)):
            earning_jobs.fall_due()

    def release(self, _):
        Life.days += 31
        with clock.moved(timedelta(days=self.days)):
            earning_jobs.release_reserves()

    def settle(self, _):
        with clock.moved(timedelta(days=self.days)):
            try:
                with transaction():
                    run_id = actions.open_now(SYSTEM).id
            except NothingToSettle:
                return
            jobs.perform(str(run_id))

    def statements(self, *states):
        return db.session.query(Statement).filter(Statement.state.in_(states)).all()

    def pay(self, _):
        with clock.moved(timedelta(days=self.days)):
            jobs.pay([str(row.id) for row in self.statements(StatementState.CLOSED)])

    def send(self, _):
        with clock.moved(timedelta(days=self.days)):
            for row in self.statements(StatementState.TRANSFERRING):
                for transfer in of_cause(f"statement:{row.id}"):
                    transfer_jobs.send(transfer.id)

    def refuse(self, _):
        self.gateway.faults.append(("transfer", "later"))


@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(happenings=HAPPENINGS)
def test_whatever_happens_every_statement_is_what_the_books_say(market, happenings):
    app, cast, gateway = market
    with app.app_context():
        gateway.faults.clear()
        life = Life(cast, gateway)
        life.buy(0)
        for what, number in happenings:
            getattr(life, what)(number)
            db.session.rollback()
        life.settle(0)
        assert [str(difference) for difference in books.check_books()] == []
        for vendor in (cast.vendor_company, cast.rival_vendor_company):
            rows = db.session.query(Statement).filter_by(vendor_id=vendor.id).order_by(Statement.sequence).all()
            assert [row.opening_minor for row in rows] == [0, *(row.closing_minor for row in rows)][: len(rows)]
            covered = [A.VENDOR_PAYABLE, A.VENDOR_RESERVE, A.TRANSFER_IN_TRANSIT]
            if rows:
                assert rows[-1].closing_minor == -sum(books.balance(kind, vendor.id, "EUR") for kind in covered)
            assert all(row.state is not StatementState.DRAFT for row in rows)
        assert db.session.query(Earning).filter(Earning.reserve_left_minor < 0).count() == 0
        db.session.rollback()
