"""Buying on account in the books: the rows of the design's table, to the cent."""

import uuid

from marketplace.pricing.facts import State
from marketplace.pricing.policy import B2B
from marketplace.pricing.valuation import value
from settlements.ledger.postings import terms
from settlements.ledger.postings.orders import NOTHING_DELIVERED
from settlements.ledger.postings.terms import OPERATOR, Claim
from tests.builders.settlements import example_one, facts_of, returned, sums_by_account

A, B, K = uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3)
NAMES = {A: "A", B: "B", K: "K"}


def example():
    order = example_one(A, B)
    facts = facts_of(order)
    before = value(order, B2B, State())
    after = value(order, B2B, returned(("A1", "buyer", 3), ("B1", "vendor", 2)))
    stages = terms.on_terms(NOTHING_DELIVERED, facts.vendor_orders.values(), [row.id for row in order.deliveries])
    return facts, before, after, stages


def summed(lines, order_id):
    names = NAMES | {order_id: "O1n"}
    return {name: minor for name, minor in sums_by_account(lines, names).items() if minor}


def test_row_8_invoices_bring_their_parts_in_one_by_one():
    facts, before, _, stages = example()
    known = terms.NOTHING_BESIDE
    owed = terms.owed_by_part(before, (), False)
    assert owed == {str(A): 25_757, str(B): 16_129, "marketplace": 1_788}
    lines = []
    for index, part in enumerate([facts.vendor_orders[A], facts.vendor_orders[B], OPERATOR]):
        of_part, of_none = terms.part_invoiced(facts, before, stages, part, known)
        assert of_none == []
        owes = -sum(line.amount_minor for line in of_part)
        assert owes == [25_757, 16_129, 1_788][index]
        lines += [*of_part, terms.receivable(Claim(K, "EUR", facts.order_id, part), owes)]
    assert summed(lines, facts.order_id) == {
        "buyer_receivable:K": 43_674, "promo_expense": 2_236, "commission_revenue": -4_719, "shipping_revenue": -1_490,
        "tax_payable": -298, "vendor_pending:A": -24_515, "vendor_pending:B": -14_888,
    }  # fmt: skip


def test_row_8a_a_bank_transfer_pays_once_it_is_matched():
    claim = Claim(K, "EUR", uuid.uuid4())
    lines = [*terms.transfer_arrived(38_000, "EUR"), *terms.transfer_matched(claim, 38_000)]
    assert summed(lines, None) == {"bank": 38_000, "buyer_receivable:K": -38_000}


def test_row_8b_the_credit_note_reduces_what_is_open_first():
    facts, before, after, stages = example()
    booked = frozenset([*facts.vendor_orders.values(), OPERATOR])
    lines = terms.parts_changed(facts, (before, after), stages, booked)
    assert sum(line.amount_minor for line in lines) == 9_214
    claim = Claim(K, "EUR", facts.order_id)
    lines += [terms.receivable(claim, -5_674), terms.refund_owed(facts.order_id, 3_540, "EUR")]
    assert summed(lines, facts.order_id) == {
        "commission_revenue": 1_040, "shipping_revenue": 426, "tax_payable": 85, "vendor_pending:A": 3_888,
        "vendor_pending:B": 4_253, "buyer_receivable:K": -5_674, "promo_expense": -478, "refunds_payable:O1n": -3_540,
    }  # fmt: skip


def test_rows_8e_and_8f_late_and_given_up():
    claim = Claim(K, "EUR")
    assert summed(terms.paid_late(claim, 4_123), None) == {"buyer_receivable:K": 4_123, "late_fee_revenue": -4_123}
    assert summed(terms.written_off(claim, 4_123), None) == {"bad_debt_buyers": 4_123, "buyer_receivable:K": -4_123}


def test_what_is_not_invoiced_yet_is_not_booked():
    facts, before, after, stages = example()
    lines = terms.parts_changed(facts, (before, after), stages, frozenset({facts.vendor_orders[B]}))
    assert {line.party for line in lines} <= {None, B}
    owed = terms.owed_by_part(before, (), False)[str(B)] - terms.owed_by_part(after, (), False)[str(B)]
    assert sum(line.amount_minor for line in lines) == owed


def test_overpaid_set_off_paid_back_and_sent_back_leave_nothing_waiting():
    claim = Claim(K, "EUR", uuid.uuid4())
    lines = [
        *terms.transfer_arrived(10_000, "EUR"), *terms.kept_as_credit(K, 7_000, "EUR"), *terms.sent_back(3_000, "EUR"),
        *terms.credit_set_off(claim, 4_000), *terms.credit_paid_back(K, 3_000, "EUR"),
    ]  # fmt: skip
    assert summed(lines, None) == {"bank": 4_000, "buyer_receivable:K": -4_000}
