"""Whatever comes back, in whatever steps: an invoice and its corrections are together what the order comes to now."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.pricing.facts import MARKETPLACE, Charge, State
from marketplace.pricing.valuation import value
from settlements.invoices import drafting
from settlements.invoices.position import FEE, GOODS, Case, position
from tests.properties.test_valuation import orders, packets_of, policies, state_of

QUICK = settings(max_examples=25, deadline=None)
OFFICIAL_TOLERANCE = 100  # BR-CO-17 and BR-S-09 let the tax of a category be 1.00 off


@st.composite
def histories(draw):
    """(case, issuer, [(state, valuation), ...]): an order that comes back step by step, and who tells of it."""
    order, policy = draw(orders()), draw(policies())
    packets = packets_of(draw, order)
    states = [State(), *(state_of(packets[:number]) for number in range(1, len(packets) + 1))]
    issuer = draw(st.sampled_from([*order.by_vendor, MARKETPLACE]))
    if draw(st.booleans()):
        states[-1] = replace(states[-1], charges=(Charge("buyer", issuer, draw(st.integers(1, 500))),))
    return Case(order, policy), issuer, [(state, value(order, policy, state)) for state in states]


def positions_of(history):
    case, issuer, steps = history
    return [position(case, issuer, state, worth) for state, worth in steps]


def told(history):
    """The documents that follow the history: an invoice as soon as something is sold, then what corrects it."""
    drafts, currency, last = [], history[0].order.currency, None
    for now in positions_of(history):
        draft = drafting.correction(last, now, currency) if drafts else drafting.invoice(now, currency)
        if draft is not None:
            drafts.append(draft)
            last = now
    return drafts


@QUICK
@given(histories())
def test_what_everybody_tells_is_what_the_buyer_owes(history):
    case, _, steps = history
    for state, worth in steps:
        bare = replace(state, charges=())
        issuers = [*case.order.by_vendor, MARKETPLACE]
        sold = [each for issuer in issuers for each in position(case, issuer, bare, worth).values()]
        charged = sum(charge.amount_minor for charge in state.charges)
        assert sum(each.buyer_minor for each in sold) + charged == worth.buyer_owes_minor


@QUICK
@given(histories())
def test_an_invoice_and_its_corrections_are_the_present_state(history):
    now = positions_of(history)[-1].values()
    drafts = told(history)
    if not drafts:
        assert sum(each.net_minor + each.tax_minor for each in now) <= 0
        return
    for name in ("net_minor", "tax_minor", "market_minor", "buyer_minor"):
        assert sum(draft.sign * getattr(draft, name) for draft in drafts) == sum(getattr(each, name) for each in now)


@QUICK
@given(histories())
def test_every_document_is_above_zero_or_moves_only_who_pays(history):
    for draft in told(history):
        gross = draft.net_minor + draft.tax_minor
        assert gross > 0 or (gross == 0 and (draft.buyer_minor > 0 or draft.net_minor or draft.market_minor == 0))
        assert draft.lines


@QUICK
@given(histories())
def test_a_line_is_its_quantity_times_its_price_less_its_discount(history):
    for draft in told(history):
        for line in draft.lines:
            listed = line.quantity * line.unit_price * 100 / line.per
            assert line.unit_price >= 0
            assert line.quantity != 0
            assert abs(listed - line.list_minor) <= Decimal("2.5")


@QUICK
@given(histories())
def test_tax_is_the_rate_of_its_base_within_a_cent_a_line(history):
    """Shares of sums are rounded line by line, so the sum of a category may be off by as many cents as it has lines."""
    case = history[0]
    rates = {line.id: line.tax_rate for line in case.order.lines} | {
        row.id: row.tax_rate for row in case.order.deliveries
    }
    for draft in told(history):
        taxed = [
            (line, "S", Decimal(0) if untaxed(case, line) else rates.get(line.key[1], Decimal(0)), "")
            for line in draft.lines
        ]
        for part in drafting.breakdown(taxed):
            lines = sum(1 for _, _, rate, _ in taxed if rate == part.rate)
            off = abs(part.tax_minor - part.net_minor * part.rate)
            assert off <= min(lines + 1, OFFICIAL_TOLERANCE)


def untaxed(case, line):
    return line.key[0] == FEE and not case.policy.restocking_taxed


@QUICK
@given(histories())
def test_who_asks_twice_is_told_nothing_more(history):
    for now in positions_of(history):
        assert drafting.correction(now, now, "EUR") is None
        assert all(sold.units >= 0 for key, sold in now.items() if key[0] == GOODS)
