"""Worked example 11: a return takes back more discount than the goods were worth, and the policy says what of it."""

import pytest

from marketplace.kernel import outbox
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.notifications.models import Letter
from marketplace.rules import actions as rules
from marketplace.rules import queries as rule_queries
from settlements.ledger import books
from settlements.ledger.chart import AccountKind as A
from tests.settlements.returns.worked import Play

LINE = {"vendor": "A", "tax_rate": "0.0000", "commission_rate": "0.1000", "delivery": None, "restocking_rate": "0"}
POLICY = {
    "discount": "requalify",
    "tier": "rerate",
    "free_delivery": "clawback",
    "protected_faults": ["carrier", "operator", "vendor"],
    "delivery_refund": {
        "buyer": "none",
        "vendor": "proportional",
        "carrier": "proportional",
        "operator": "proportional",
        "cancelled": "full_on_full",
    },
    "loss_borne_by": {
        "buyer": "vendor",
        "vendor": "vendor",
        "carrier": "deliverer",
        "operator": "marketplace",
        "cancelled": "vendor",
    },
    "tax_base": "vendor_consideration",
    "commission": "reverse",
    "commission_fee_rate": "0.2000",
    "commission_fee_cap_minor": 500,
    "restocking_taxed": True,
    "restocking_cap_minor": None,
}


def back(*lines):
    return {
        "returned": [{"line": line, "fault": "buyer", "quantity": quantity} for line, quantity in lines],
        "charges": [],
    }


STATES = [back(), back(("A2", 1)), back(("A2", 1), ("A1", 1))]
EXAMPLE = {
    "order": {
        "currency": "EUR",
        "prices_include_tax": False,
        "lines": [
            LINE | {"id": "A1", "quantity": 10, "prices": [{"from_quantity": 1, "unit_price": "9.95"}]},
            LINE | {"id": "A2", "quantity": 1, "prices": [{"from_quantity": 1, "unit_price": "0.50"}]},
        ],
        "promotions": [
            {"id": "P", "steps": [{"from_minor": 10000, "rate": "0.1000"}], "vendor_share": "0.0000", "lines": None}
        ],
        "deliveries": [],
    },
    "policy": POLICY,
    "paid_minor": None,
    "states": STATES,
}


class ByRule(Play):
    """The example under one rule for deficits."""

    def __init__(self, rule, client_as):
        self.rule = rule
        super().__init__(EXAMPLE, client_as)

    def _rules(self):
        super()._rules()
        with transaction():
            for profile in ("b2b", "consumer"):
                newest = rule_queries.newest_policy(profile)
                terms = newest.terms | {"deficit": self.rule, "waive_below_minor": {}}
                rules.publish_policy(SYSTEM, profile, newest.content, terms)

    def clawback(self):
        return books.balance(A.BUYER_CLAWBACK, self.order_id, "EUR")

    def letters(self):
        handed_out = []
        outbox.dispatch(lambda handler, event_ids: handed_out.append((handler, event_ids)), limit=1000)
        for handler, event_ids in handed_out:
            if handler.endswith("write_letters"):
                outbox.deliver(handler, event_ids)
        db.session.expire_all()
        found = db.session.query(Letter).where(Letter.company_id == self.company.id, Letter.kind == "return_news")
        return [letter.facts for letter in found.order_by(Letter.id)]


def test_invoice_it_is_asked_for_paid_and_the_next_return_is_refunded_whole(client_as, gateway):
    play = ByRule("invoice", client_as)
    assert (play.enter(STATES[0], STATES[1]), play.clawback()) == (0, 950)
    assert play.ask(play.buyer, "GET", f"/orders/{play.order_id}")["to_pay_minor"] == 950
    asking = [facts for facts in play.letters() if facts["order_to_pay"]]
    assert [facts["order_to_pay"] for facts in asking] == [str(play.order_id)]
    assert "9.50 EUR are to be paid now" in asking[0]["words"]
    paid = play.ask(play.buyer, "POST", f"/orders/{play.order_id}/payments", {"payment_method": "pm_card_visa"})
    assert (paid["amount"]["amount_minor"], play.clawback()) == (950, 0)
    assert play.enter(STATES[1], STATES[2]) == 995  # 0.45 in sum
    play.send_refunds()
    assert [str(difference) for difference in books.check_books()] == []
    assert books.balance(A.PSP_CLEARING, None, "EUR") == gateway.balance_minor()


@pytest.mark.parametrize(
    ("rule", "carried", "refund", "words"),
    [("carry", 950, 45, "9.50 EUR are taken off your next refund"), ("waive", 0, 995, "is on its way")],
)
def test_carried_or_waived_nothing_is_asked_for(client_as, gateway, rule, carried, refund, words):
    play = ByRule(rule, client_as)
    assert (play.enter(STATES[0], STATES[1]), play.clawback()) == (0, carried)
    told = play.letters()
    assert not any(facts["order_to_pay"] for facts in told)
    assert any(words in facts["words"] for facts in told)
    assert play.enter(STATES[1], STATES[2]) == refund
    assert [str(difference) for difference in books.check_books()] == []
