"""Whatever differs at the sandbox becomes one row with its reason; resolved one by one, the day closes to the cent."""

from dataclasses import replace

import pytest

from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions as orders
from settlements.ledger import books
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line
from settlements.payments import queries as payment_queries
from settlements.reconciliation import actions, jobs, queries
from settlements.reconciliation.kinds import Action
from settlements.reconciliation.refusals import SecondPersonNeeded
from settlements.reconciliation.states import DifferenceState
from settlements.refunds import jobs as refund_jobs
from settlements.refunds import queries as refund_queries
from tests.builders.companies import an_actor
from tests.builders.transfers import an_account
from tests.settlements.gateway.servers import ask, order_payment

A, K = AccountKind, PostingKind
REFUND = 4095


def book(movement_id, net, fee=0, currency="EUR"):
    lines = [
        Line(A.PSP_CLEARING, None, K.ADJUSTMENT, net, currency),
        Line(A.OPERATOR_LOSS, None, K.ADJUSTMENT, -net - fee, currency),
    ]
    lines += [Line(A.PSP_FEES, None, K.FEE, fee, currency)] if fee else []
    with transaction():
        books.post(f"psp:{movement_id}", "test", lines)


def plant(sandbox, gateway, cast, paid):
    """One of each kind; what every kind is to be about: {kind: what psp_clearing lacks}."""

    def move(kind, amount, **facts):
        return sandbox.script(movement={"type": kind, "amount": amount} | facts)["movement"]

    (payment,) = payment_queries.payments_of(SYSTEM, paid.order.id)
    with transaction():
        vendor = an_account(gateway, cast.vendor_company, sandbox=sandbox)
        orders.cancel(cast.buyer, paid.order.id, [orders.Units(paid.lines["A1"], 3)])
    (refund,) = refund_queries.refunds_of(SYSTEM, paid.order.id)
    refund_jobs.send(refund.id)
    attempt = refund_queries.attempts_of([refund.id])[refund.id][0]

    gateway.take_payment(order_payment("somebody:1", payment_method="pm_card_bypassPending"))
    ask(sandbox.url, "POST", "/v1/refunds", {"charge": payment.charge_id, "amount": "500"})
    sandbox.script(fail_refund=attempt.provider_id)
    transfer = ask(sandbox.url, "POST", "/v1/transfers", {"amount": "7000", "currency": "eur", "destination": vendor})[
        1
    ]["id"]
    ask(sandbox.url, "POST", f"/v1/transfers/{transfer}/reversals", {"amount": "1000"})
    sandbox.script(payouts_wait=1)
    ask(sandbox.url, "POST", "/v1/payouts", {"amount": "300", "currency": "eur"})
    second = ask(sandbox.url, "POST", "/v1/payouts", {"amount": "200", "currency": "eur"})[1]["id"]
    sandbox.script(payout={"id": second, "to": "failed"}, topup={"amount": 9_000})
    sandbox.script(dispute={"charge": payment.charge_id, "amount": 10_000})
    move("stripe_fee", -650, description="Connect fee")
    move("reserve_hold", -400)
    move("adjustment", 30)
    move("contribution", -20)
    move("charge", 43_674, fee=680, source=payment.charge_id)
    book(move("adjustment", 1_000), 990)
    book(move("charge", 5_000, fee=100), 4_950, 50)
    book(move("adjustment", 700), 700, currency="USD")
    book("txn_gone", 250)
    return {
        "unknown_charge": 12_000 - 205,
        "unknown_refund": -500,
        "refund_returned": REFUND,
        "unknown_transfer": -7_000,
        "unknown_reversal": 1_000,
        "own_payout": -500,  # two of them
        "own_payout_returned": 200,
        "top_up": 9_000,
        "dispute_not_booked": -12_000,
        "provider_fee": -650,
        "reserve": -400,
        "adjustment": 30,
        "other": -20,
        "duplicate": 43_674 - 680,
        "amount_differs": 10,
        "fee_differs": -50,
        "currency_differs": 700,
        "missing_at_provider": -250,
    }


def everything():
    return list(db.session.scalars(queries.differences(SYSTEM).execution_options(populate_existing=True)))


def rows():
    found = {}
    for row in everything():
        found.setdefault(row.kind, []).append(row)
    return found


@pytest.fixture
def planted(sandbox, gateway, cast, paid, reconcile):
    """(what was planted, the books before anybody looked); nothing of it is booked by looking."""
    wanted = plant(sandbox, gateway, cast, paid)
    before = books.trial_balance()
    reconcile()
    assert books.trial_balance() == before
    return wanted


def test_nothing_differs_where_nothing_was_planted(paid, gateway, reconcile):
    day = reconcile()["EUR"]
    assert (day.provider_minor, day.booked_minor, day.open_rows, day.movements) == (42994, 42994, 0, 1)
    assert day.closed_at is not None
    assert rows() == {}


def test_every_planted_difference_becomes_a_row(planted, gateway, reconcile):
    found = {kind: sum(row.difference_minor for row in listed) for kind, listed in rows().items()}
    assert found == planted
    assert len(found) == 18
    assert all(row.reason and row.suggestion and row.state is DifferenceState.OPEN for row in everything())
    day = queries.latest_days(SYSTEM, 5)
    euro = next(row for row in day if row.currency == "EUR")
    assert euro.closed_at is None
    assert euro.provider_minor - euro.booked_minor == sum(planted.values())
    before = {row.id: row.reason for row in everything()}
    reconcile()
    assert {row.id: row.reason for row in everything()} == before  # a second look finds the same


def test_resolved_one_by_one_the_day_closes(planted, gateway, cast, reconcile):
    other = replace(an_actor(cast.operator_company, Role.OPERATOR), roles=cast.operator.roles)
    for row in everything():
        resolve(row, cast.operator, other)
    days = reconcile()
    assert [(row.kind, row.reason) for row in everything() if row.state is not DifferenceState.RESOLVED] == []
    assert {currency: (day.provider_minor - day.booked_minor, day.open_rows) for currency, day in days.items()} == {
        "EUR": (0, 0),
        "USD": (0, 0),
    }
    assert all(day.closed_at for day in days.values())
    assert books.balance(A.PSP_CLEARING, None, "EUR") == gateway.balance().total_minor("EUR")
    assert books.balance(A.BANK, None, "EUR") == 500 - 200 - 9_000
    assert books.balance(A.DISPUTES_IN_PROCESS, queries_order(cast), "EUR") == 10_000
    assert books.balance(A.VENDOR_PAYABLE, cast.vendor_company.id, "EUR") == 6_000
    listed = everything()
    assert all(row.state is DifferenceState.RESOLVED and row.resolved_by and row.note for row in listed)
    assert [str(found) for found in books.check_books() if found.what in {"journal balances", "kept balance"}] == []


def queries_order(cast):
    (order,) = {row.order_id for row in db.session.scalars(payment_queries.payments(SYSTEM))}
    return order


def resolve(row, first, second):
    """As a person would: the suggestion, or where it cannot be followed the posting that two people make."""
    suggestion = Action(row.suggestion)
    if suggestion is Action.LOOK_AGAIN:
        try:
            jobs.look_again(first, row.id)
            return
        except Exception as refusal:
            assert "still differs" in str(refusal)  # noqa: PT017  what is none of ours is booked by two
    with transaction():
        if suggestion in actions.BY_ONE:
            actions.resolve(first, row.id, suggestion, "seen on the provider's statement")
            return
    vendor_id = jobs.vendor_of(row.id) if suggestion is Action.BOOK_VENDOR else None
    account = None if vendor_id else A.OPERATOR_LOSS
    action = Action.BOOK_VENDOR if vendor_id else Action.BOOK_OWN
    with transaction():
        actions.propose(first, row.id, action, "agreed with the accountant", account=account, vendor_id=vendor_id)
    with transaction(), pytest.raises(SecondPersonNeeded):
        actions.approve(first, row.id)
    with transaction():
        actions.approve(second, row.id)
