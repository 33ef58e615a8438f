"""Worked example 11: a return takes back more discount than the goods were worth, and the policy says what of it."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock, outbox
from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import db, transaction
from marketplace.notifications import letters
from marketplace.notifications.models import Letter
from marketplace.rules import actions as rules
from marketplace.rules import queries as rule_queries
from settlements.ledger import books
from settlements.ledger.chart import AccountKind as A
from settlements.receivables import jobs as receivable_jobs
from settlements.receivables import queries
from tests.builders.companies import an_actor
from tests.cast import the_operator
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

CARRIER = {"id": "D", "seller": "marketplace", "price_minor": 29_00, "tax_rate": "0.0000"}
DELIVERED = EXAMPLE | {
    "order": EXAMPLE["order"]
    | {
        "lines": [row | {"delivery": "D"} for row in EXAMPLE["order"]["lines"]],
        "promotions": [],
        "deliveries": [CARRIER | {"free_from_minor": 100_00, "free_basis": "group"}],
    }
}


class ByRule(Play):
    """The example under one rule for deficits."""

    def __init__(self, rule, client_as, case=EXAMPLE, small_minor=None):
        self.rule, self.small = rule, {} if small_minor is None else {"EUR": small_minor}
        super().__init__(case, client_as)
        self.operator_company = the_operator()
        self.invoice()

    def _rules(self):
        super()._rules()
        with transaction():
            for profile in ("b2b", "consumer"):
                newest = rule_queries.newest_policy(profile)
                terms = newest.terms | {"deficit": self.rule, "waive_below_minor": self.small}
                rules.publish_policy(SYSTEM, profile, newest.content, terms)

    def clawback(self):
        return books.balance(A.BUYER_CLAWBACK, self.order_id, "EUR")

    def claimed(self):
        """What the documents of the order ask for on top, once they are issued: one item."""
        self.invoice()
        db.session.expire_all()
        (item,) = [row for row in self.ask(self.buyer, "GET", "/receivables")["items"] if row["kind"] == "deficit"]
        return item

    def document(self, item):
        db.session.expire_all()
        return self.ask(self.buyer, "GET", f"/invoices/{item['invoice_id']}")

    def bank_brings(self, minor, reference):
        arrived = {"bank_id": reference, "amount": {"amount_minor": minor, "currency": "EUR"}}
        arrived |= {"booked_on": clock.now().date().isoformat(), "remitter_name": "Buyer", "reference": reference}
        self.ask(self.operator, "POST", "/bank-transfers", {"transfers": [arrived]})
        receivable_jobs.match_waiting()

    def letters(self):
        handed_out = []
        outbox.dispatch(lambda handler, event_ids: handed_out.append((handler, event_ids)), limit=1000)
        for handler, event_ids in handed_out:
            if handler.endswith("write_letters"):
                outbox.deliver(handler, event_ids)
        db.session.expire_all()
        found = db.session.query(Letter).where(Letter.company_id == self.company.id, Letter.kind == "return_news")
        return [letter.facts for letter in found.order_by(Letter.id)]


def test_asked_for_it_is_an_open_item_by_the_document_that_tells_it_and_a_card_pays_it(client_as, gateway):
    play = ByRule("invoice", client_as)
    assert (play.enter(STATES[0], STATES[1]), play.clawback()) == (0, 950)
    asking = [facts for facts in play.letters() if facts["order_to_pay"]]
    assert [facts["order_to_pay"] for facts in asking] == [str(play.order_id)]
    assert "9.50 EUR are to be paid." in asking[0]["words"]
    item = play.claimed()
    assert (play.clawback(), *play.still_open()) == (0, 950, 950)
    told = play.document(item)
    # 0.50 of goods came back, and of the discount that the marketplace had paid 10.00
    sums = [told[name] for name in ("gross_minor", "market_minor", "payable_minor", "open_minor")]
    assert (told["kind"], sums, told["state"]) == ("credit_note", [50, 1000, -950, 950], "issued")
    assert told["issuer_name"] == item["issuer_name"] == "Vendor A"
    assert item["due_on"] == told["due_on"] == (queries.today() + timedelta(days=14)).isoformat()
    letter = db.session.query(Letter).filter_by(kind="deficit_claimed").one()
    subject, text = letters.render("deficit_claimed", letter.facts | {"company": "B", "base_url": "http://k"})
    assert subject.startswith("9.50 EUR are to be paid")
    assert f"name {item['number']}" in text
    assert f"http://k/orders/{play.order_id}/pay" in text
    assert play.claimed()["id"] == item["id"]  # asked for once, whoever follows the order how often
    paid = play.ask(play.buyer, "POST", f"/orders/{play.order_id}/payments", {"payment_method": "pm_card_visa"})
    assert (paid["amount"]["amount_minor"], play.clawback(), *play.still_open()) == (950, 0, 0, 0)
    assert (play.document(item)["state"], play.claimed()["state"]) == ("paid", "settled")
    assert play.enter(STATES[1], STATES[2]) == 995  # 0.45 in sum
    play.send_refunds()
    assert [str(difference) for difference in books.check_books()] == []
    assert books.balance(A.PSP_CLEARING, None, "EUR") == gateway.balance_minor()


def test_a_transfer_pays_a_part_reminders_claim_interest_and_the_next_return_lowers_the_item_first(client_as, gateway):
    play = ByRule("invoice", client_as)
    play.enter(STATES[0], STATES[1])
    item = play.claimed()
    play.bank_brings(400, f"thanks for {item['number']}")
    assert (play.whole().net_paid_minor, play.claimed()["open_minor"], play.document(item)["state"]) == (
        9_400,
        550,
        "part_paid",
    )
    assert [str(difference) for difference in books.check_books()] == []
    transfer = play.ask(play.operator, "GET", "/bank-transfers")["items"][0]
    undo = f"/bank-matches/{transfer['matches'][0]['id']}/undo"
    play.ask(play.operator, "POST", undo, {"reason": "It was meant for another."})
    assert (play.whole().net_paid_minor, *play.still_open()) == (9_000, 950, 950)
    again = {"allocations": [{"receivable_id": item["id"], "amount_minor": 400}]}
    play.ask(play.operator, "POST", f"/bank-transfers/{transfer['id']}/match", again)
    assert [str(difference) for difference in books.check_books()] == []
    with clock.moved(timedelta(days=14 + 10)):
        receivable_jobs.remind_overdue()
    assert play.claimed()["level"] == 2
    # 5.50 * 10.27 % * 10 / 365 = 0.02, and the flat sum
    assert -books.balance(A.LATE_FEE_REVENUE, None, "EUR") == 4_002
    assert play.enter(STATES[1], STATES[2]) == 445  # 94.00 were paid, 89.55 are owed
    assert (play.claimed()["state"], play.document(item)["state"], play.clawback()) == ("settled", "paid", 0)
    assert [str(difference) for difference in books.check_books()] == []


@pytest.mark.parametrize("by_card", [True, False])
def test_given_up_by_two_people_it_is_less_loss_after_all_when_paid_or_owed_no_more(client_as, gateway, by_card):
    play = ByRule("invoice", client_as)
    play.enter(STATES[0], STATES[1])
    item = play.claimed()
    path = f"/receivables/{item['id']}/write-offs"
    proposal = play.ask(play.operator, "POST", path, {"reason": "Cannot be found."})
    decide = f"/write-offs/{proposal['id']}/approve"
    play.ask(play.operator, "POST", decide, status=[409])
    play.ask(an_actor(play.operator_company, Role.OPERATOR), "POST", decide)
    assert (books.balance(A.BAD_DEBT_BUYERS, None, "EUR"), play.document(item)["state"]) == (950, "written_off")
    assert play.claimed()["id"] == item["id"]  # what was given up is not asked for again
    assert [str(difference) for difference in books.check_books()] == []
    if by_card:
        play.ask(play.buyer, "POST", f"/orders/{play.order_id}/payments", {"payment_method": "pm_card_visa"})
    else:
        assert play.enter(STATES[1], STATES[2]) == 45
    assert (books.balance(A.BAD_DEBT_BUYERS, None, "EUR"), play.still_open(), play.clawback()) == (0, (0, 0), 0)
    assert [str(difference) for difference in books.check_books()] == []


def test_each_issuer_asks_for_his_own_a_lost_free_delivery_by_the_operators_number(client_as, gateway):
    play = ByRule("invoice", client_as, DELIVERED)
    assert play.enter(STATES[0], STATES[1]) == 0
    item = play.claimed()
    told = play.document(item)
    sums = [told[name] for name in ("gross_minor", "paid_minor", "payable_minor")]
    # 0.50 of A2 came back, which pays that much of the delivery
    assert (told["kind"], told["issuer_id"], sums) == (
        "sales_invoice",
        str(play.operator_company.id),
        [29_00, 50, 28_50],
    )
    assert (item["open_minor"], item["issuer_name"], play.clawback()) == (28_50, play.operator_company.name, 0)
    assert [str(difference) for difference in books.check_books()] == []


def test_what_would_be_let_go_in_the_end_is_not_asked_for(client_as, gateway):
    play = ByRule("invoice", client_as, small_minor=950)
    play.enter(STATES[0], STATES[1])
    play.invoice()
    assert (play.ask(play.buyer, "GET", "/receivables")["items"], play.clawback()) == ([], 950)
    assert not any(facts["order_to_pay"] for facts in play.letters())


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
