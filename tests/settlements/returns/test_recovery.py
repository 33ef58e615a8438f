"""What vendors owe after a return is got back from wherever their money is; the buyer has his refund before that.

Worked example 1 (three A1 back by choice, two B1 by the vendor's fault) in each row of worked example 8.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.returns import actions as returns
from marketplace.returns import queries as return_queries
from settlements.earnings import jobs as earning_jobs
from settlements.gateway.connect import PayoutRequest
from settlements.ledger import books
from settlements.ledger.chart import AccountKind as A
from settlements.refunds import jobs as refund_jobs
from settlements.refunds import queries as refund_queries
from settlements.transfers import actions, jobs
from settlements.transfers.models import TransferReversal
from settlements.transfers.queries import debts, transfers
from settlements.transfers.states import DebtState
from settlements.transfers.states import TransferState as S
from tests.builders.companies import a_company
from tests.builders.rules import default_rules
from tests.builders.settlements import USUAL_TERMS, a_line, deliver, example_one, place
from tests.builders.transfers import an_account, due, held_back, standing

DUE = {"A": 24515, "B": 14888, "C": 10800}
OWED = {"A": 3888, "B": 4253, "C": 2160}
REFUND_OF_A, REFUND_OF_ALL = 4095, 9214 + 2400
BACK = (("A1", 3, "change_of_mind"), ("B1", 2, "visible_defect"), ("C1", 1, "visible_defect"))


class Trade:
    """Example 1 with a third vendor's line beside it (5 x 20.00, no discount): paid, delivered and due."""

    def __init__(self, cast, gateway, pay):
        self.buyer, self.gateway = cast.buyer, gateway
        with transaction():
            default_rules()
            vendors = (cast.vendor_company, cast.rival_vendor_company, a_company("Third", "DE", may_sell=True))
            self.vendors = dict(zip("ABC", (vendor.id for vendor in vendors), strict=True))
            self.accounts = {name: an_account(gateway, one) for name, one in zip("ABC", vendors, strict=True)}
            self.placed = place(cast.buyer, _facts(vendors), vendors, terms=USUAL_TERMS | {"reserve_rate": "0"})
        assert pay(self.placed.order).status_code == 201
        with transaction():
            deliver(self.placed)
        with clock.moved(timedelta(days=4)):
            earning_jobs.fall_due()
        assert {name: self.standing(name) for name in "ABC"} == {name: {"payable": DUE[name]} for name in "ABC"}

    def standing(self, name):
        return standing(self.vendors[name])

    def order(self, name):
        """A transfer of all that is due to the vendor, not sent yet."""
        with transaction():
            (transfer,) = actions.request(self.vendors[name], "EUR", DUE[name], f"test:{name}", SYSTEM)
        return transfer

    def send(self, name):
        jobs.send(self.order(name).id)

    def pay_out(self, name):
        self.send(name)
        account = self.accounts[name]
        self.gateway.create_payout(
            PayoutRequest(key=f"out-{name}", account=account, amount_minor=DUE[name], currency="EUR")
        )

    def come_back(self, *lines):
        """A case over these lines, from request to settlement; the refund is at the buyer's bank at once."""
        with transaction():
            wanted = [
                {"line_id": self.placed.lines[name], "quantity": quantity, "reason": reason}
                for name, quantity, reason in lines
            ]
            case = returns.open_case(self.buyer, self.placed.order.id, wanted)
            for line in return_queries.lines_of(SYSTEM, case.id):
                returns.approve(SYSTEM, case.id, line.id)
                returns.receive(SYSTEM, case.id, line.id, line.quantity)
            verdicts = [{"line_id": line.id} for line in return_queries.lines_of(SYSTEM, case.id)]
            returns.settle_found(SYSTEM, returns.decide(SYSTEM, case.id, verdicts))
        (refund,) = refund_queries.refunds_of(SYSTEM, self.placed.order.id)
        refund_jobs.send(refund.id)
        assert refund.state.value == "confirmed"
        return refund.amount_minor

    def recover(self):
        """What runs every few minutes, until nothing more comes of it."""
        jobs.recover_waiting()
        jobs.take_back_waiting()
        jobs.recover_waiting()
        jobs.send_waiting()
        assert books.balance(A.PSP_CLEARING, None, "EUR") == self.gateway.balance_minor()
        assert [str(difference) for difference in books.check_books()] == []

    def reversed(self):
        """{"B": 4253}: what came back out of vendors' accounts at the provider."""
        names = {vendor_id: name for name, vendor_id in self.vendors.items()}
        return {names[row.vendor_id]: row.amount_minor for row in db.session.query(TransferReversal)}


def _facts(vendors):
    first, second, third = (vendor.id for vendor in vendors)
    facts = example_one(first, second)
    discount = replace(facts.promotions[0], lines=("A1", "A2", "B1"))
    return replace(facts, lines=(*facts.lines, a_line("C1", third, 5, "20.00")), promotions=(discount,))


@pytest.fixture
def trade(session, cast, gateway, pay):
    return Trade(cast, gateway, pay)


def test_not_transferred_yet_less_is_sent(trade):
    ordered = trade.order("A")
    assert trade.come_back(BACK[0]) == REFUND_OF_A
    trade.recover()
    (_, lower) = transfers.of_cause("test:A")
    assert (ordered.state, lower.state, lower.amount_minor) == (S.WITHDRAWN, S.MADE, 20627)
    assert (trade.standing("A"), trade.reversed()) == ({}, {})


def test_after_the_transfer_it_is_reversed(trade):
    trade.send("A")
    assert trade.come_back(BACK[0]) == REFUND_OF_A
    assert trade.standing("A") == {"payable": -OWED["A"]}
    trade.recover()
    assert (trade.standing("A"), trade.reversed()) == ({}, {"A": OWED["A"]})
    assert transfers.of_cause("test:A")[0].reversed_minor == OWED["A"]


def test_paid_out_15_arrived_since_and_10_in_reserve(trade):
    trade.pay_out("A")
    trade.gateway._move(trade.accounts["A"], "topup", 1500, "EUR", "tu_1")
    with transaction():
        due(trade.vendors["A"], 1000, gateway=trade.gateway)
        held_back(trade.vendors["A"], 1000)
    assert trade.come_back(BACK[0]) == REFUND_OF_A
    trade.recover()
    assert (trade.standing("A"), trade.reversed()) == ({"payable": -1388}, {"A": 1500})


def test_paid_out_and_empty_it_is_carried_until_something_falls_due(trade):
    trade.pay_out("A")
    assert trade.come_back(BACK[0]) == REFUND_OF_A
    trade.recover()
    assert (trade.standing("A"), trade.reversed()) == ({"payable": -OWED["A"]}, {})
    debt = debts.open_debt(trade.vendors["A"], "EUR")
    assert debts.owed_by([debt]) == {debt.id: OWED["A"]}
    with transaction():
        due(trade.vendors["A"], 5000, gateway=trade.gateway)
    trade.recover()
    assert (trade.standing("A"), debt.state) == ({"payable": 5000 - OWED["A"]}, DebtState.SETTLED)


def test_one_case_over_vendors_whose_money_is_in_three_places(trade):
    trade.order("A")  # not transferred
    trade.send("B")  # transferred
    trade.pay_out("C")  # paid out
    assert trade.come_back(*BACK) == REFUND_OF_ALL  # 92.14 and a C1 of 24.00, at once
    assert trade.standing("B") == {"payable": -OWED["B"]}
    assert trade.standing("C") == {"payable": -OWED["C"]}
    trade.recover()
    assert [row.amount_minor for row in transfers.of_cause("test:A")] == [DUE["A"], DUE["A"] - OWED["A"]]
    assert trade.reversed() == {"B": OWED["B"]}
    assert {name: trade.standing(name) for name in "ABC"} == {"A": {}, "B": {}, "C": {"payable": -OWED["C"]}}
