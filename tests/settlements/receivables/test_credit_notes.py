"""What comes back of an order on terms: the four rows of the tenth example, and single parts."""

import pytest

from marketplace.credit import queries as credit
from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions as orders
from marketplace.orders import formula
from marketplace.orders import queries as order_queries
from marketplace.orders.actions import Cause, Reason
from marketplace.pricing.facts import BUYER, MARKETPLACE, Charge, ChargeKind, Returned, State
from marketplace.pricing.policy import Fault
from settlements.ledger import books
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.receivables import actions as receivables
from settlements.receivables import queries
from settlements.refunds import actions as refunds
from settlements.refunds import queries as refund_queries
from settlements.refunds.states import RefundState
from tests.builders.companies import an_actor
from tests.builders.receivables import example_on_terms, invoiced, owed_of, paid

TOTAL, CREDIT_NOTE = 43_674, 9_214


@pytest.fixture
def placed(session, cast, gateway):
    with transaction():
        return example_on_terms(cast)


def returned(placed, **units):
    """3 x A1 by the buyer's fault, 2 x B1 by the vendor's, as one step."""
    wanted = units or {"A1": (3, Fault.BUYER), "B1": (2, Fault.VENDOR)}
    order = order_queries.order(SYSTEM, placed.order.id, locked=True)
    _, _, state = formula.facts_of(order)
    entries = list(state.returned)
    entries += [Returned(str(placed.lines[name]), fault, count) for name, (count, fault) in wanted.items()]
    after = type(state)(tuple(entries), state.charges)
    return orders.take_step(order, order_queries.parts_of(order.id, locked=True), after, Reason(SYSTEM, Cause.RETURNED))


def open_of(placed):
    db.session.expire_all()
    return sum(item.open_minor for item in queries.of_order(placed.order.id))


def in_the_books(placed, cast):
    return (
        books.balance(AccountKind.BUYER_RECEIVABLE, cast.buyer_company.id, "EUR"),
        -books.balance(AccountKind.REFUNDS_PAYABLE, placed.order.id, "EUR"),
    )


def another_operator(cast):
    return an_actor(cast.operator_company, Role.OPERATOR)


def right():
    return [str(difference) for difference in books.check_books()] == []


@pytest.mark.parametrize(
    ("before", "set_off", "refund", "to_pay"),
    [(0, 9_214, 0, 34_460), (20_000, 9_214, 0, 14_460), (38_000, 5_674, 3_540, 0), (43_674, 0, 9_214, 0)],
)
def test_example_10(placed, cast, before, set_off, refund, to_pay):
    with transaction():
        invoiced(placed.order)
    assert open_of(placed) == TOTAL
    if before:
        with transaction():
            paid(before, placed.order.number)
    assert open_of(placed) == TOTAL - before
    with transaction():
        step = returned(placed)
    assert step.before.buyer_owes_minor - step.after.buyer_owes_minor == CREDIT_NOTE
    assert TOTAL - before - open_of(placed) == set_off
    assert step.step.refund_minor == refund
    assert open_of(placed) == to_pay
    assert in_the_books(placed, cast) == (to_pay, refund)
    assert credit.account_of(cast.buyer_company.id, "EUR").used_minor == to_pay
    assert right()
    with transaction():
        paid(to_pay, placed.order.number) if to_pay else None
    assert (open_of(placed), order_queries.net_paid(placed.order.id)) == (0, TOTAL - CREDIT_NOTE)
    assert {item.state.value for item in queries.of_order(placed.order.id)} == {"settled"}
    assert right()


def test_bank_money_goes_back_by_bank_transfer(placed, cast):
    with transaction():
        invoiced(placed.order)
        paid(38_000, placed.order.number)
        returned(placed)
    (refund,) = refund_queries.refunds_of(SYSTEM, placed.order.id)
    assert (refund.payment_id, refund.amount_minor, refund.state) == (None, 3_540, RefundState.REQUESTED)
    assert refund.trouble == "it was paid by bank transfer, and goes back by one"
    with transaction():
        refunds.send_by_bank(cast.operator, refund.id, "Statement 47")
    assert refund_queries.refund(SYSTEM, refund.id).state is RefundState.OTHER_WAY
    assert books.balance(AccountKind.BANK, None, "EUR") == 38_000 - 3_540
    assert in_the_books(placed, cast) == (0, 0)
    assert right()


def test_what_comes_back_of_one_invoice_pays_the_others_of_its_order(placed, cast):
    part_a, part_b = (placed.parts[row.id].id for row in (cast.vendor_company, cast.rival_vendor_company))
    with transaction():
        items = invoiced(placed.order, parts=[part_a])
        paid(25_757, items[part_a].number)
    with transaction():
        step = returned(placed, A1=(3, Fault.VENDOR))
    back = step.before.buyer_owes_minor - step.after.buyer_owes_minor
    assert step.step.refund_minor == 0  # more than what was paid is still to come
    assert open_of(placed) == -back
    assert in_the_books(placed, cast) == (-back, 0)
    assert right()
    with transaction():
        invoiced(placed.order, parts=[part_b, None])
    assert sorted(item.open_minor for item in queries.of_order(placed.order.id)) == [0, 1_788, 16_129 - back]
    assert right()


def test_what_is_cancelled_before_its_invoice_needs_no_credit_note(placed, cast):
    part_a = placed.parts[cast.vendor_company.id].id
    with transaction():
        invoiced(placed.order, parts=[part_a])
    booked = in_the_books(placed, cast)
    with transaction():
        orders.cancel(cast.buyer, placed.order.id, [orders.Units(placed.lines["B1"], 7)])
    assert in_the_books(placed, cast) == booked
    assert right()
    with transaction():
        invoiced(placed.order, parts=[None])
    assert open_of(placed) == order_queries.order(SYSTEM, placed.order.id).owed_minor
    assert right()


def test_what_comes_back_after_it_was_given_up_lowers_the_loss(placed, cast):
    part_a = placed.parts[cast.vendor_company.id].id
    with transaction():
        item = invoiced(placed.order, parts=[part_a])[part_a]
        paid(20_000, item.number)
        proposal = receivables.propose(cast.operator, item.id, "The company is insolvent.")
    with transaction():
        receivables.decide(another_operator(cast), proposal.id, approved=True)
    assert books.balance(AccountKind.BAD_DEBT_BUYERS, None, "EUR") == 5_757
    with transaction():
        step = returned(placed, A1=(3, Fault.BUYER))
    back = step.before.buyer_owes_minor - step.after.buyer_owes_minor
    assert books.balance(AccountKind.BAD_DEBT_BUYERS, None, "EUR") == 5_757 - back
    assert in_the_books(placed, cast) == (0, 0)
    assert right()


@pytest.mark.parametrize(("first", "fault"), [("A", Fault.CARRIER), ("A", Fault.OPERATOR), (None, Fault.CARRIER)])
def test_what_is_made_good_to_a_vendor_who_has_not_invoiced_is_of_no_other_invoice(placed, cast, first, fault):
    a, b = (placed.parts[company.id].id for company in (cast.vendor_company, cast.rival_vendor_company))
    with transaction():
        if first:
            assert invoiced(placed.order, parts=[a])[a].amount_minor == 25_757
        returned(placed, B1=(2, fault))  # in the operator's delivery: what its vendor had earned by it is made good
        assert open_of(placed) == (25_757 if first else 0)
        invoiced(placed.order, parts=[a, b, None])
    assert open_of(placed) == order_queries.order(SYSTEM, placed.order.id).owed_minor == TOTAL - 5_119
    assert right()


def test_what_the_marketplace_charges_is_borne_by_the_first_invoice_until_its_own_tells_it(placed, cast):
    a = placed.parts[cast.vendor_company.id].id
    order = order_queries.order(SYSTEM, placed.order.id, locked=True)
    goodwill = Charge(MARKETPLACE, BUYER, 500, ChargeKind.GOODWILL)
    with transaction():
        parts = order_queries.parts_of(order.id, locked=True)
        orders.take_step(order, parts, State((), (goodwill,)), Reason(SYSTEM, Cause.CHARGED))
        invoiced(placed.order, parts=[a])
        assert open_of(placed) == 25_757 - 500
        assert invoiced(placed.order)[None].amount_minor == 1_788 - 500
    assert open_of(placed) == TOTAL - 500
    assert right()


def charged(placed, *charges):
    order = order_queries.order(SYSTEM, placed.order.id, locked=True)
    _, _, state = formula.facts_of(order)
    parts = order_queries.parts_of(order.id, locked=True)
    orders.take_step(order, parts, State(state.returned, charges), Reason(SYSTEM, Cause.CHARGED))


def without_b(placed, cast):
    """Nothing of B is wanted any more, and B pays a label of 7.00: his part is 7.00 below nothing."""
    b = placed.parts[cast.rival_vendor_company.id]
    units = [orders.Units(line.id, line.quantity) for line in order_queries.lines_of(placed.order.id, b.id)]
    orders.cancel(cast.buyer, placed.order.id, units)
    charged(placed, Charge(str(b.vendor_id), BUYER, 700, ChargeKind.LABEL))
    return b.id


def test_a_part_below_nothing_is_given_back_of_what_the_others_were_paid(placed, cast):
    a = placed.parts[cast.vendor_company.id].id
    with transaction():
        items = invoiced(placed.order, parts=[a, None])
        paid(items[a].amount_minor, items[a].number)
        paid(items[None].amount_minor, items[None].number)
    with transaction():
        b = without_b(placed, cast)
    owed = order_queries.order(SYSTEM, placed.order.id).owed_minor
    assert in_the_books(placed, cast) == (0, items[a].amount_minor + items[None].amount_minor - owed)
    shares = books.shares_of([placed.order.id])[b]
    assert books.Share(AccountKind.VENDOR_EARNED, PostingKind.LABEL, 700) in shares  # falls due like any other
    assert right()


@pytest.mark.parametrize("first", [True, False])
def test_a_part_below_nothing_lowers_what_is_open_of_the_others(placed, cast, first):
    a = placed.parts[cast.vendor_company.id].id
    with transaction():
        if first:
            invoiced(placed.order, parts=[a])
        without_b(placed, cast)
        invoiced(placed.order, parts=[a])
    assert open_of(placed) == 25_757 - 700
    with transaction():
        invoiced(placed.order, parts=[None])
    assert open_of(placed) == order_queries.order(SYSTEM, placed.order.id).owed_minor
    assert right()


def test_a_part_that_was_below_nothing_and_is_invoiced_after_all_bears_its_own(placed, cast):
    a, b = (placed.parts[company.id].id for company in (cast.vendor_company, cast.rival_vendor_company))
    owed = owed_of(placed.order)
    label = Charge(str(cast.rival_vendor_company.id), BUYER, owed[b] + 700, ChargeKind.LABEL)
    with transaction():
        invoiced(placed.order, parts=[a])
        charged(placed, label)
        assert open_of(placed) == owed[a] - 700
        charged(placed)
        assert open_of(placed) == owed[a] + owed[b]
        items = invoiced(placed.order, parts=[b, None])
    assert items[b].open_minor == owed[b]
    assert {item.vendor_order_id: item.open_minor for item in queries.of_order(placed.order.id)} == owed
    assert invoiced(placed.order, parts=[b]) == {b: None}
    assert right()


def test_what_a_vendor_owes_the_marketplace_is_booked_where_the_buyer_owes_nothing_of_all_that_was_invoiced(
    placed, cast
):
    a = placed.parts[cast.vendor_company.id]
    given = Charge(str(a.vendor_id), BUYER, owed_of(placed.order)[a.id], ChargeKind.GOODWILL)
    with transaction():
        charged(placed, given)
        assert invoiced(placed.order, parts=[a.id]) == {a.id: None}
    with transaction():
        charged(placed, given, Charge(str(a.vendor_id), MARKETPLACE, 300, ChargeKind.LABEL))
    assert books.Share(AccountKind.VENDOR_PENDING, PostingKind.LABEL, 300) in books.shares_of([placed.order.id])[a.id]
    assert right()
