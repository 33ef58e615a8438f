"""All worked cases through the whole path over the API; refunds and all shares are read back from the books."""

import json

import pytest

from marketplace.orders import queries as order_queries
from marketplace.pricing.facts import MARKETPLACE
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from tests.conftest import SHARED
from tests.settlements.returns.worked import Play

FILE = SHARED / "cases/split-returns/worked.json"
CASES = json.loads(FILE.read_text())["cases"] if FILE.is_file() else []
SUMS = ("market_discount_minor", "compensation_minor", "commission_minor", "operator_delivery_minor")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_worked_case(case, client_as, gateway):
    play = Play(case, client_as)
    states, expected = case["states"], case["expected"]
    assert (states[0]["returned"], states[0]["charges"]) == ([], [])
    check(play, expected[0])
    for index in range(1, len(states)):
        refund = play.enter(states[index - 1], states[index])
        assert refund == expected[index]["refund_minor"], f"refund of state {index}"
        check(play, expected[index])
    play.send_refunds()
    assert books.balance(AccountKind.REFUNDS_PAYABLE, play.order_id, case["order"]["currency"]) == 0
    assert books.balance(AccountKind.PSP_CLEARING, None, case["order"]["currency"]) == gateway.balance_minor()
    paid_back = sum(state["refund_minor"] for state in expected)
    assert play.at_the_bank() == (case["paid_minor"] - paid_back if play.on_terms else 0)
    assert [str(difference) for difference in books.check_books()] == []


def check(play, expected):
    """The order, its last step and the books say what the case expects."""
    whole = play.whole()
    assert whole.order.owed_minor == expected["buyer_owes_minor"]
    assert max(0, whole.order.owed_minor - whole.net_paid_minor) == expected["deficit_minor"]
    frozen = order_queries.last_step(whole.order.id).valuation
    party = {name: str(actor.company_id) for name, actor in play.vendors.items()}
    assert frozen["vendors_minor"] == {party[name]: due for name, due in expected["vendors_minor"].items()}
    assert frozen["promotion_steps"] == expected["promotion_steps"]
    for name in SUMS:
        assert frozen[name] == expected[name], name
    by_line = {line["id"]: line for line in frozen["lines"]}
    for line in expected["lines"]:
        found = by_line[str(play.lines[line["id"]])]
        assert {name: found[name] for name in line if name != "id"} == {
            name: value for name, value in line.items() if name != "id"
        }
    found = {(row["seller"], row["amount_minor"], row["tax_minor"], row["free"]) for row in frozen["deliveries"]}
    sellers = {row["id"]: row["seller"] for row in play.facts["deliveries"]}
    assert found == {
        (party.get(sellers[row["id"]], MARKETPLACE), row["amount_minor"], row["tax_minor"], row["free"])
        for row in expected["deliveries"]
    }
    assert play.vendors_in_the_books() == expected["vendors_minor"]
    assert play.shares_in_the_books() == {name: expected[name] for name in SUMS}
    deficit = books.balance(AccountKind.BUYER_CLAWBACK, whole.order.id, whole.order.currency)
    if not play.on_terms:
        assert deficit == expected["deficit_minor"]
    else:  # an order on terms: what is left to pay are its open items
        assert deficit == 0
        assert play.invoiced_minor() == expected["buyer_owes_minor"]
        assert play.still_open() == (expected["deficit_minor"], expected["deficit_minor"])


def test_all_cases_are_here(shared):
    assert len(CASES) == 45
