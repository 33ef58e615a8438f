"""Whatever happens to an order on account, the books, the open items and the credit in use stay right."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from marketplace.credit import actions as credit_actions
from marketplace.credit import queries as credit
from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import db, transaction
from marketplace.kernel.errors import Refusal
from marketplace.orders import actions as orders
from marketplace.orders import formula
from marketplace.orders import queries as order_queries
from marketplace.orders.actions import Cause, Reason
from marketplace.pricing.facts import BUYER, MARKETPLACE, Charge, ChargeKind, Returned
from marketplace.pricing.policy import Fault
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.receivables import actions, queries
from tests.builders.companies import an_actor
from tests.builders.credit import on_account
from tests.builders.receivables import a_transfer, invoiced, order_on_terms, owed_of
from tests.cast import make_cast
from tests.conftest import close
from tests.properties.test_books import an_order
from tests.settlements.memory_gateway import MemoryGateway

FAULTS = [Fault.BUYER, Fault.VENDOR, Fault.CARRIER, Fault.OPERATOR]
WHAT = ["invoice", "pay", "pay", "overpay", "cancel", "come_back", "charge", "undo", "give_up", "set_off", "remind"]


@pytest.fixture(scope="module")
def market(make_database, make_app):
    """An app on a database of this module: (app, cast, a second operator)."""
    app = make_app(make_database(), MemoryGateway())
    with app.app_context(), transaction():
        cast = make_cast()
        on_account(cast.buyer_company, limit_minor=10**12)
        second = an_actor(cast.operator_company, Role.OPERATOR)
    yield app, cast, second
    close(app)


class Life:
    """One order on account, and what may happen to it; what is refused changes nothing."""

    def __init__(self, cast, second, placed):
        self.cast, self.second, self.placed, self.transfers = cast, second, placed, []

    @property
    def order(self):
        return order_queries.order(SYSTEM, self.placed.order.id)

    def items(self):
        return queries.of_order(self.placed.order.id)

    def invoice(self, number):
        known = {item.vendor_order_id for item in self.items()}
        parts = [part for part, minor in owed_of(self.order).items() if part not in known and minor >= 0]
        if parts:
            invoiced(self.order, parts=[parts[number % len(parts)]])

    def pay(self, number):
        still_open = sum(max(0, item.open_minor) for item in self.items())
        if still_open:
            self._arrives(1 + number * still_open // 100)

    def overpay(self, number):
        if any(item.open_minor > 0 for item in self.items()):
            self._arrives(sum(max(0, item.open_minor) for item in self.items()) + 1 + number)

    def _arrives(self, amount):
        row = a_transfer(amount, self.order.number)
        actions.match_by_reference(row.id)
        self.transfers.append(row.id)

    def cancel(self, number):
        lines = [line for line in order_queries.lines_of(self.order.id) if orders.open_units(line)]
        booked = {item.vendor_order_id for item in self.items()}
        lines = [line for line in lines if line.vendor_order_id not in booked]  # what is invoiced has shipped
        if lines:
            line = lines[number % len(lines)]
            units = [orders.Units(line.id, 1 + number % orders.open_units(line))]
            orders.cancel(self.cast.buyer, self.order.id, units)

    def come_back(self, number):
        order = order_queries.order(SYSTEM, self.placed.order.id, locked=True)
        _, _, state = formula.facts_of(order)
        lines = order_queries.lines_of(order.id)
        for line in lines[number % len(lines) :]:  # of parts that are invoiced and of others
            gone = sum(row.quantity for row in state.returned if row.line == str(line.id))
            if gone < line.quantity:
                more = Returned(str(line.id), FAULTS[number % len(FAULTS)], 1 + number % (line.quantity - gone))
                same = [row for row in state.returned if (row.line, row.fault) == (more.line, more.fault)]
                rest = tuple(row for row in state.returned if row not in same)
                merged = Returned(more.line, more.fault, more.quantity + sum(row.quantity for row in same))
                self._enter(order, type(state)((*rest, merged), state.charges))
                return

    def charge(self, number):
        order = order_queries.order(SYSTEM, self.placed.order.id, locked=True)
        facts, _, state = formula.facts_of(order)
        booked = {str(item.vendor_order_id) for item in self.items()}
        waiting = {vendor for vendor, part in self.placed.parts.items() if str(part.id) not in booked}
        pairs = list(permutations((BUYER, MARKETPLACE, *facts.by_vendor), 2))
        # He owes vendors something for goods that he had, and so of parts that were invoiced.
        pairs = [pair for pair in pairs if pair[0] != BUYER or pair[1] not in map(str, waiting)]
        charge = Charge(*pairs[number % len(pairs)], 1 + number, list(ChargeKind)[number % len(ChargeKind)])
        self._enter(order, type(state)(state.returned, (*state.charges, charge)))

    def _enter(self, order, state):
        parts = order_queries.parts_of(order.id, locked=True)
        orders.take_step(order, parts, state, Reason(SYSTEM, Cause.RETURNED))

    def undo(self, number):
        found = [row for row in queries.matches_of(self.transfers) if row.amount_minor > 0]
        if found:
            actions.undo(self.cast.operator, found[number % len(found)].id, "It was another's.")

    def give_up(self, number):
        owing = [item for item in self.items() if item.open_minor > 0]
        if owing:
            row = actions.propose(self.cast.operator, owing[number % len(owing)].id, "Insolvent.")
            actions.decide(self.second, row.id, approved=bool(number % 3))

    def set_off(self, number):
        owing = [item for item in self.items() if item.open_minor > 0]
        if owing:
            actions.set_off(self.cast.operator, owing[number % len(owing)].id)

    def remind(self, number):
        for item in self.items():
            actions.remind(item.id, item.due_on + timedelta(days=number))


def waiting_of(order, items):
    """What the buyer owes of the parts that are in no invoice and not in the books yet."""
    deliveries = owed_of(order, charges=())
    owed = {**owed_of(order), None: deliveries.get(None, 0)}  # what the marketplace charges is with the first item
    booked = books.booked(f"invoiced:{part}" for part in owed)
    itemed = {item.vendor_order_id for item in items}
    return sum(minor for part, minor in owed.items() if part not in itemed and f"invoiced:{part}" not in booked)


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    data=st.data(),
    happenings=st.lists(st.tuples(st.sampled_from(WHAT), st.integers(0, 99)), min_size=4, max_size=14),
)
def test_whatever_happens_on_account(market, data, happenings):
    app, cast, second = market
    with app.app_context():
        vendors = (cast.vendor_company.id, cast.rival_vendor_company.id)
        with transaction():
            account = credit.account_of(cast.buyer_company.id, "EUR", locked=True)
            if account.frozen_at is not None:
                credit_actions.release(SYSTEM, account, "Another order.")
            placed = order_on_terms(cast, data.draw(an_order(vendors)))
        life = Life(cast, second, placed)
        for what, number in [("invoice", 0), *happenings]:
            try:
                with transaction():
                    getattr(life, what)(number)
            except Refusal:
                db.session.expire_all()
            assert [str(difference) for difference in books.check_books()] == []
        order = life.order
        net, owed = order_queries.net_paid(order.id), order.owed_minor
        assert 0 <= net <= owed
        items = life.items()
        if items:
            given_up = sum(-queries.entered(item.id, "written_off", "recovered") for item in items)
            open_minor = sum(item.open_minor for item in items)
            assert open_minor + waiting_of(order, items) == owed - net - given_up
        assert books.balance(AccountKind.REFUNDS_PAYABLE, order.id, "EUR") <= 0
        db.session.rollback()
