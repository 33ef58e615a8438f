"""Random lives of orders with returns through the real actions; the invariants hold after each step."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.kernel.errors import Refusal
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.formula import facts_of
from marketplace.pricing.answers import valuation_from_json
from marketplace.pricing.policy import B2B, CONSUMER, DiscountPolicy, Fault, FreeDeliveryPolicy, TierPolicy
from marketplace.pricing.valuation import value
from marketplace.pricing.wire import state_from_json
from marketplace.returns import actions, queries
from marketplace.returns.states import LineState
from marketplace.shipments import actions as shipments
from settlements.earnings import actions as earnings
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.payments import jobs as payment_jobs
from settlements.payments.actions import reserve
from settlements.refunds import actions as refund_actions
from settlements.refunds import jobs as refund_jobs
from settlements.refunds import queries as refund_queries
from settlements.refunds.states import RefundState
from settlements.runs import actions as runs
from settlements.runs import jobs as run_jobs
from settlements.runs.models import Statement
from settlements.runs.refusals import NothingToSettle
from settlements.runs.states import StatementState
from settlements.transfers import jobs as transfer_jobs
from settlements.transfers.models import Transfer, TransferReversal
from settlements.transfers.states import UNDER_WAY, TransferState
from tests.builders.catalogue import terms_for
from tests.builders.rules import default_rules
from tests.builders.settlements import place
from tests.builders.transfers import an_account
from tests.cast import make_cast
from tests.conftest import close
from tests.properties.test_books import an_order
from tests.settlements.memory_gateway import MemoryGateway

A = AccountKind
REASONS = ["change_of_mind", "visible_defect", "carrier_damage", "listing_error", "not_received"]
FAULTS = ["buyer", "vendor", "carrier", "operator"]
ANY = st.integers(0, 997)
_BOOKED = text("""
    SELECT p.vendor_order_id, -sum(p.amount_minor) FROM posting p JOIN account a ON a.id = p.account_id
    WHERE p.order_id = :order_id AND a.kind LIKE 'vendor%' GROUP BY 1
""")


@pytest.fixture(scope="module")
def market(make_database, make_app):
    gateway = MemoryGateway()
    app = make_app(make_database(), gateway)
    with app.app_context():
        with transaction():
            cast = make_cast()
            default_rules()
            for vendor in (cast.vendor_company, cast.rival_vendor_company):
                terms_for(vendor, reserve_rate="0.10", reserve_days=30)
                an_account(gateway, vendor)
        yield app, cast
        db.session.remove()
    close(app)


class Life(RuleBasedStateMachine):
    """One paid order after another; `app` and `cast` are set by the test."""

    app = cast = None

    @initialize(
        data=st.data(),
        policy=st.sampled_from([B2B, CONSUMER]),
        discount=st.sampled_from([DiscountPolicy.REQUALIFY, DiscountPolicy.PROPORTIONAL, DiscountPolicy.REPRICE_KEPT]),
    )
    def an_order_is_paid(self, data, policy, discount):
        self.gateway = self.app.extensions["kontor_gateway"]
        companies = [self.cast.vendor_company, self.cast.rival_vendor_company]
        self.policy = replace(policy, discount=discount)
        wanted = data.draw(an_order(tuple(company.id for company in companies)))
        with transaction():
            placed = place(self.cast.buyer, wanted, companies, policy=self.policy)
            self.order_id = placed.order.id
            owed = placed.order.owed_minor
            payment = reserve(self.cast.buyer, self.order_id) if owed else None
        if payment:
            payment_jobs.take(payment.id, "pm_card_visa")
        self.paid = owed

    # What happens to the order

    def whole(self):
        db.session.expire_all()
        return order_queries.whole(SYSTEM, self.order_id)

    def tried(self, action, *arguments, **more):
        """Do it; what is refused changes nothing."""
        try:
            with transaction():
                return action(*arguments, **more)
        except Refusal:
            return None

    @rule(number=ANY)
    def a_part_is_shipped(self, number):
        parts = self.whole().parts
        part = parts[number % len(parts)]
        if part.state.value == "to_confirm":
            self.tried(orders.confirm, SYSTEM, part.id)
        facts = {"carrier": "DHL", "tracking_number": "", "announce_only": False, "lines": None}
        parcel = self.tried(shipments.ship, SYSTEM, part.id, facts)
        if parcel is not None:
            self.tried(shipments.deliver, SYSTEM, parcel.id)

    @rule(number=ANY)
    def units_are_cancelled(self, number):
        lines = [line for line in self.whole().lines if orders.open_units(line)]
        if lines and number % 3 == 0:
            line = lines[number % len(lines)]
            units = [orders.Units(line.id, 1 + number % orders.open_units(line))]
            self.tried(orders.cancel, self.cast.buyer, self.order_id, units)

    @rule(first=ANY, second=ANY)
    def a_return_is_asked_for(self, first, second):
        lines = [line for line in self.whole().lines if orders.returnable_units(line)]
        wanted = [
            {
                "line_id": line.id,
                "quantity": 1 + number % orders.returnable_units(line),
                "reason": REASONS[number % len(REASONS)],
                "wish": "replacement" if number % 11 == 0 else "refund",
            }
            for line, number in zip(lines, (first, second), strict=False)
        ]
        if wanted:
            self.tried(actions.open_case, self.cast.buyer, self.order_id, wanted)

    def lines(self, *states):
        cases = db.session.scalars(queries.cases(SYSTEM, order_id=self.order_id)).all()
        found = [line for case in cases for line in queries.lines_of(SYSTEM, case.id)]
        return [line for line in found if line.state in states]

    def one(self, number, *states):
        found = self.lines(*states)
        return found[number % len(found)] if found else None

    @rule(number=ANY)
    def it_is_answered(self, number):
        line = self.one(number, LineState.REQUESTED)
        if line is None:
            return
        if number % 7 == 0:
            self.tried(actions.decline, SYSTEM, line.case_id, line.id, "No.")
        elif number % 5 == 0:
            self.tried(actions.withdraw, self.cast.buyer, line.case_id, line.id)
        else:
            goods = ("back", "back", "kept", "scrapped")[number % 4]
            self.tried(actions.approve, SYSTEM, line.case_id, line.id, goods)

    @rule(number=ANY)
    def goods_arrive(self, number):
        line = self.one(number, LineState.APPROVED, LineState.RECEIVED)
        if line is not None and line.goods == "back":
            left = line.quantity - line.received_quantity
            self.tried(actions.receive, SYSTEM, line.case_id, line.id, 1 + number % left if left else 1)

    @rule(number=ANY, fault=st.sampled_from(FAULTS))
    def it_is_decided_and_settled(self, number, fault):
        states = (LineState.APPROVED, LineState.RECEIVED, LineState.DECIDED, LineState.SETTLED, LineState.APPEALED)
        line = self.one(number, *states)
        if line is None:
            return
        verdict = {"line_id": line.id}
        if number % 4 == 1:
            verdict["units"] = [{"fault": fault, "quantity": line.received_quantity or line.quantity}]
        elif number % 4 == 2:
            verdict["shares"] = [{"fault": fault, "percent": 70}, {"fault": FAULTS[fault == "buyer"], "percent": 30}]
            verdict["by"] = "units" if number % 8 == 2 else "charge"
        with_goodwill = {"payer": "marketplace", "payee": "buyer", "amount_minor": 1 + number % 50, "kind": "goodwill"}

        def both():
            found = actions.decide(SYSTEM, line.case_id, [verdict])
            actions.settle_found(SYSTEM, found, [line.id], [with_goodwill] if number % 9 == 0 else ())

        self.tried(both)

    @rule(number=ANY)
    def somebody_appeals(self, number):
        line = self.one(number, LineState.DECLINED, LineState.SETTLED)
        if line is not None and number % 2:
            self.tried(actions.appeal, self.cast.buyer, line.case_id, line.id, "No.")

    # What happens to the money

    def refunds(self, *states):
        return [one for one in refund_queries.refunds_of(SYSTEM, self.order_id) if one.state in states]

    @rule()
    def what_was_delivered_falls_due(self):
        with transaction():
            earnings.fall_due(clock.now() + timedelta(days=30), 1000)

    @rule(fault=st.sampled_from(["unanswered", "later", ""]))
    def refunds_are_sent(self, fault):
        if fault:
            self.gateway.faults.append(("refund", fault))
        for refund in self.refunds(RefundState.REQUESTED, RefundState.SENT):
            refund_jobs.send(refund.id)

    @rule(number=ANY)
    def a_refund_bounces_and_is_sent_again(self, number):
        arrived = self.refunds(RefundState.CONFIRMED)
        if arrived and number % 3 == 0:
            attempt = refund_queries.attempts_of([arrived[0].id])[arrived[0].id][-1]
            self.gateway.bounce(attempt.provider_id)
            with transaction():
                refund_actions.record(attempt.id, self.gateway.refunds[attempt.provider_id])
        for refund in self.refunds(RefundState.BOUNCED):
            self.tried(refund_actions.retry, SYSTEM, refund.id)

    @rule(fault=st.sampled_from(["unanswered", "later", "lost", ""]))
    def vendors_are_settled_and_paid(self, fault):
        try:
            with transaction():
                run_id = runs.open_now(SYSTEM).id
        except NothingToSettle:
            return
        run_jobs.perform(str(run_id))
        run_jobs.pay([str(row.id) for row in self.statements(StatementState.CLOSED)])
        if fault:
            self.gateway.faults.append(("transfer", fault))
        self.send_transfers()

    @rule()
    def what_vendors_owe_is_taken_back(self):
        for vendor in (self.cast.vendor_company, self.cast.rival_vendor_company):
            transfer_jobs.recover(vendor.id, "EUR")
        for reversal in db.session.query(TransferReversal).all():
            transfer_jobs.take_back(reversal.id)

    def statements(self, *states):
        return db.session.query(Statement).filter(Statement.state.in_(states)).all()

    def transfers(self, *states):
        return db.session.query(Transfer).filter(Transfer.state.in_(states)).all()

    def send_transfers(self):
        for transfer in self.transfers(*UNDER_WAY):
            transfer_jobs.send(transfer.id)

    def teardown(self):
        """What this life left open comes to its end, so that the next begins with nothing unknown."""
        if getattr(self, "order_id", None) is not None:
            self.gateway.faults.clear()
            for refund in self.refunds(RefundState.REQUESTED, RefundState.SENT):
                refund_jobs.send(refund.id)
            self.send_transfers()
            self.what_vendors_owe_is_taken_back()
        db.session.rollback()

    # What holds after each step

    @invariant()
    def it_all_adds_up(self):
        if getattr(self, "order_id", None) is None:
            return
        found = self.whole()
        order = found.order
        facts, policy, state = facts_of(order)
        steps = order_queries.steps_of(order.id)
        now = valuation_from_json(steps[-1].valuation)
        assert [str(difference) for difference in books.check_books()] == []  # 1
        assert now.buyer_owes_minor + now.market_discount_minor + now.compensation_minor == (  # 2
            sum(now.vendors_minor.values()) + now.commission_minor + now.operator_delivery_minor
        )
        for line in now.lines:  # 3, 5
            assert line.vendor_discount_minor + line.market_discount_minor <= line.gross_minor
            assert line.buyer_owes_minor >= 0
        refunded = sum(one.amount_minor for one in refund_queries.refunds_of(SYSTEM, order.id))
        assert 0 <= refunded <= self.paid  # 5, 12
        assert found.net_paid_minor == self.paid - refunded <= order.owed_minor or not self.paid  # 6
        assert now == value(facts, policy, state)  # 7: the path does not matter
        self._everything_back(facts, policy)
        for before, after in pairwise(steps):
            self._only_whose_goods_moved(before, after)
        unknown = self.refunds(RefundState.SENT) or self.transfers(TransferState.SENT, TransferState.UNKNOWN)
        if not unknown:  # what became of those nobody knows yet
            assert books.balance(A.PSP_CLEARING, None, "EUR") == self.gateway.balance_minor()  # 11
        self._vendors_are_paid_what_is_due()
        self._units_are_counted_once(found, state)

    def _vendors_are_paid_what_is_due(self):
        """13, 14: no more comes back than was sent, statements follow each other, what is in transit is on its way."""
        for transfer in self.transfers(*TransferState):
            assert 0 <= transfer.reversed_minor <= transfer.amount_minor
        for vendor in (self.cast.vendor_company, self.cast.rival_vendor_company):
            rows = db.session.query(Statement).filter_by(vendor_id=vendor.id).order_by(Statement.sequence).all()
            assert [row.opening_minor for row in rows] == [0, *(row.closing_minor for row in rows)][: len(rows)]
            assert -books.balance(A.TRANSFER_IN_TRANSIT, vendor.id, "EUR") == sum(
                row.amount_minor for row in self.transfers(*UNDER_WAY) if row.vendor_id == vendor.id
            )

    def _everything_back(self, facts, policy):
        """8: by a protected fault nothing is left of an order."""
        back = {"returned": [{"line": line.id, "fault": "vendor", "quantity": line.quantity} for line in facts.lines]}
        end = value(facts, policy, state_from_json(back | {"charges": []}))
        assert (end.buyer_owes_minor, end.market_discount_minor, end.compensation_minor) == (0, 0, 0)
        assert (end.commission_minor, set(end.vendors_minor.values())) == (0, {0})

    def _only_whose_goods_moved(self, before, after):
        """9, 10: others move only with a step or a free delivery; proportional terms never ask for more."""
        first, last = valuation_from_json(before.valuation), valuation_from_json(after.valuation)
        kept = {line.id: line for line in first.lines}
        moved = {line.vendor for line in last.lines if kept[line.id].kept != line.kept}
        rejudged = after.cause != "returned" or before.formula_state["charges"] != after.formula_state["charges"]
        free = [row.free for row in first.deliveries] != [row.free for row in last.deliveries]
        if rejudged or self.policy.discount is DiscountPolicy.REPRICE_KEPT:
            return
        if first.promotion_steps == last.promotion_steps and not free:
            for vendor, due in last.vendors_minor.items():
                assert vendor in moved or due == first.vendors_minor[vendor]
        kept_terms = (self.policy.tier, self.policy.free_delivery) == (TierPolicy.KEEP, FreeDeliveryPolicy.KEEP)
        if kept_terms and self.policy.discount is DiscountPolicy.PROPORTIONAL:
            assert last.buyer_owes_minor <= first.buyer_owes_minor

    def _units_are_counted_once(self, found, state):
        """What the cases claim is what the order's lines say, and what is settled is what the formula's state holds."""
        claimed, settled = {}, {}
        for line in self.lines(*LineState):
            claimed[line.order_line_id] = claimed.get(line.order_line_id, 0) + line.claimed_quantity
            for entry in (line.settled or {}).get("units", ()):
                key = (str(line.order_line_id), entry["fault"])
                settled[key] = settled.get(key, 0) + entry["quantity"]
        assert {line.id: line.returned_quantity for line in found.lines if line.returned_quantity} == {
            line: quantity for line, quantity in claimed.items() if quantity
        }
        back = [one for one in state.returned if one.fault is not Fault.CANCELLED]
        counted = {(one.line, one.fault.value): one.quantity for one in back}
        assert counted == settled
        booked = dict(db.session.execute(_BOOKED, {"order_id": found.order.id}).all())
        assert {part.id: booked.get(part.id, 0) for part in found.parts if self.paid} == {
            part.id: part.payable_minor for part in found.parts if self.paid
        }


def test_random_lives_of_orders_with_returns(market):
    app, cast = market
    Life.app, Life.cast = app, cast
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
