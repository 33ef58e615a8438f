"""A chargeback takes, gives back or is lost: the books follow to the cent, and no refund pays the buyer twice."""

import io
import uuid
from datetime import timedelta

import pytest

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import QueryCounter, db, transaction
from marketplace.notifications.models import Letter
from marketplace.orders import actions as orders
from settlements.disputes import actions, answers, jobs, queries
from settlements.disputes.refusals import DisputeNotOurs, EvidenceMissing, EvidenceRefused, EvidenceTooLate
from settlements.gateway.connect import DisputeState
from settlements.gateway.port import PaymentRequest, Unknown
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.payments import queries as payment_queries
from settlements.refunds import jobs as refund_jobs
from settlements.refunds import queries as refund_queries
from settlements.refunds.states import RefundState
from tests.cast import NAMES
from tests.pages import see, send

A, D = AccountKind, DisputeState
PDF = b"%PDF-1.7 proof"
FEE = 2000


@pytest.fixture
def paid(placed, pay):
    """Example 1, paid by card: 436.74, of which 429.94 reached our balance."""
    assert pay(placed.order).status_code == 201
    return placed


def payment_of(paid):
    (payment,) = payment_queries.payments_of(SYSTEM, paid.order.id)
    return payment


def opened(paid, gateway, amount=None, **facts):
    """The payer's bank takes money back, and we are told."""
    dispute = gateway.open_dispute(payment_of(paid).provider_id, amount, **facts)
    return jobs.look_at(dispute.provider_id)


def decided(row, gateway, *, won):
    gateway.decide_dispute(row.provider_id, won=won)
    return jobs.look_at(row.provider_id)


def cancelled(paid, actor, **units):
    with transaction():
        orders.cancel(actor, paid.order.id, [orders.Units(paid.lines[name], n) for name, n in units.items()] or None)
    return refund_queries.refunds_of(SYSTEM, paid.order.id)[0]


def balances(paid, cast):
    own = [A.PSP_CLEARING, A.PSP_DISPUTE_FEES, A.CHARGEBACK_LOSS]
    found = {kind.value: books.balance(kind, None, "EUR") for kind in own}
    for kind in (A.DISPUTES_IN_PROCESS, A.REFUNDS_PAYABLE):
        found[kind.value] = books.balance(kind, paid.order.id, "EUR")
    vendors = (cast.vendor_company, cast.rival_vendor_company)
    return found | {"vendors": tuple(books.balance(A.VENDOR_PENDING, vendor.id, "EUR") for vendor in vendors)}


def right(gateway):
    assert books.check_books() == []
    assert books.balance(A.PSP_CLEARING, None, "EUR") == gateway.balance_minor()


def letters(kind):
    return [row.facts for row in db.session.query(Letter).filter_by(kind=kind).order_by(Letter.id)]


def test_opened_it_takes_amount_and_fee_once(paid, cast, gateway):
    row = opened(paid, gateway)
    jobs.look_at(row.provider_id)
    assert (row.state, row.amount_minor, row.order_id, row.trouble) == (D.NEEDS_RESPONSE, 43674, paid.order.id, None)
    assert balances(paid, cast) == {
        "psp_clearing": 42994 - 43674 - FEE,
        "psp_dispute_fees": FEE,
        "chargeback_loss": 0,
        "disputes_in_process": 43674,
        "refunds_payable": 0,
        "vendors": (-24515, -14888),
    }
    (movement,) = queries.movements_of(row.id)
    assert books.is_booked(f"psp:{movement.id}")
    assert payment_of(paid).disputed_minor == 43674
    assert [letter["what"] for letter in letters("dispute_told")] == ["opened"]
    right(gateway)


def test_opened_by_a_clock_ahead_of_ours_it_is_booked_all_the_same(paid, cast, gateway):
    began = clock.now()
    with clock.moved(timedelta(seconds=2)):
        dispute = gateway.open_dispute(payment_of(paid).provider_id)
    assert dispute.created > began
    with transaction():
        actions.record(dispute, began)
    assert balances(paid, cast)["disputes_in_process"] == 43674
    right(gateway)


def test_won_it_leaves_only_its_fee(paid, cast, gateway):
    row = decided(opened(paid, gateway), gateway, won=True)
    assert row.state is D.WON
    assert balances(paid, cast)["psp_clearing"] == 42994 - FEE
    assert balances(paid, cast)["disputes_in_process"] == 0
    assert payment_of(paid).disputed_minor == 0
    right(gateway)


def test_lost_it_is_borne_as_the_money_was_parted(paid, cast, gateway):
    row = decided(opened(paid, gateway), gateway, won=False)
    assert (row.state, row.covered_minor) == (D.LOST, 0)
    assert row.borne == {str(cast.vendor_company.id): 24515, str(cast.rival_vendor_company.id): 14888}
    found = balances(paid, cast)
    assert (found["vendors"], found["chargeback_loss"], found["disputes_in_process"]) == ((0, 0), 4271, 0)
    assert {letter["amount"] for letter in letters("chargeback_lost")} == {"148.88 EUR", "245.15 EUR"}
    right(gateway)
    jobs.look_at(row.provider_id)
    right(gateway)


def test_heard_of_only_when_it_is_lost(paid, cast, gateway):
    dispute = gateway.open_dispute(payment_of(paid).provider_id, 10_000)
    gateway.decide_dispute(dispute.provider_id, won=False)
    row = jobs.look_at(dispute.provider_id)
    assert row.state is D.LOST
    assert sum(row.borne.values()) == 10_000 - balances(paid, cast)["chargeback_loss"] == 9_022
    right(gateway)


def test_an_enquiry_moves_nothing_until_it_becomes_a_chargeback(paid, cast, gateway):
    row = opened(paid, gateway, state=D.WARNING_NEEDS_RESPONSE)
    assert (row.state, payment_of(paid).disputed_minor) == (D.WARNING_NEEDS_RESPONSE, 0)
    gateway._dispute_to(row.provider_id, D.NEEDS_RESPONSE, "charge.dispute.updated")
    gateway._dispute_moves(row.provider_id, -row.amount_minor, FEE, "charge.dispute.funds_withdrawn")
    assert jobs.look_at(row.provider_id).state is D.NEEDS_RESPONSE
    assert balances(paid, cast)["disputes_in_process"] == 43674
    right(gateway)


def test_what_is_disputed_is_not_refunded_as_well(paid, cast, gateway):
    opened(paid, gateway, 43_000)
    refund = cancelled(paid, cast.buyer, A1=3)
    parts = refund_queries.refunds_of(SYSTEM, paid.order.id)
    assert sorted((row.amount_minor, row.payment_id is None) for row in parts) == [(674, False), (3421, True)]
    for row in parts:
        refund_jobs.send(row.id)
    assert len(gateway.refunds) == 0  # the provider refuses what a chargeback holds
    assert refund.amount_minor in (674, 3421)
    right(gateway)


def test_won_the_refunds_that_waited_are_sent(paid, cast, gateway):
    row = opened(paid, gateway, 43_000)
    cancelled(paid, cast.buyer, A1=3)
    for refund in refund_queries.refunds_of(SYSTEM, paid.order.id):
        refund_jobs.send(refund.id)
    decided(row, gateway, won=True)
    for refund in refund_queries.refunds_of(SYSTEM, paid.order.id):
        refund_jobs.send(refund.id)
    assert {refund.state for refund in refund_queries.refunds_of(SYSTEM, paid.order.id)} == {RefundState.CONFIRMED}
    assert sum(made.amount_minor for made in gateway.refunds.values()) == 4095
    right(gateway)


def test_lost_it_pays_first_what_was_owed_anyway(paid, cast, gateway):
    row = opened(paid, gateway)
    refund = cancelled(paid, cast.buyer, A1=3)
    assert (refund.amount_minor, refund.payment_id) == (4095, None)
    row = decided(row, gateway, won=False)
    assert row.covered_minor == 4095
    assert refund_queries.refund(SYSTEM, refund.id).state is RefundState.OTHER_WAY
    found = balances(paid, cast)
    assert (found["refunds_payable"], found["disputes_in_process"]) == (0, 0)
    assert found["vendors"] == (0, 0)  # the rest of 395.79 is parted as the order now stands
    right(gateway)


def test_decided_after_it_was_lost_a_refund_lowers_the_loss(paid, cast, gateway):
    row = decided(opened(paid, gateway), gateway, won=False)
    refund = cancelled(paid, cast.buyer, A1=3)
    assert refund.state is RefundState.OTHER_WAY
    row = queries.dispute(SYSTEM, row.id)
    assert row.covered_minor == 4095
    assert books.balance(A.REFUNDS_PAYABLE, paid.order.id, "EUR") == 0
    assert sum(row.borne.values()) + balances(paid, cast)["chargeback_loss"] == 43674 - 4095
    assert balances(paid, cast)["vendors"] == (0, 0)  # the same as where the refund was decided first
    assert gateway.refunds == {}
    right(gateway)


@pytest.mark.parametrize("first", ["chargeback", "return"])
def test_a_part_that_was_lost_is_borne_alike_whichever_came_first(paid, cast, gateway, first):
    """200.00 taken, and 40.95 refunded from what is left of the payment: borne as the order stands after both."""
    if first == "return":
        refund_jobs.send(cancelled(paid, cast.buyer, A1=3).id)
    row = decided(opened(paid, gateway, 20_000), gateway, won=False)
    if first == "chargeback":
        assert cancelled(paid, cast.buyer, A1=3).payment_id is not None
    row = queries.dispute(SYSTEM, row.id)
    assert row.covered_minor == 0
    found = balances(paid, cast)
    entitled = {cast.vendor_company: 20627, cast.rival_vendor_company: 14888}
    assert row.borne == {str(vendor.id): round(20_000 * due / 39_579) for vendor, due in entitled.items()}
    assert found["vendors"] == tuple(row.borne[str(vendor.id)] - due for vendor, due in entitled.items())
    assert found["chargeback_loss"] == 20_000 - sum(row.borne.values())
    right(gateway)


def test_an_older_look_that_comes_late_is_ignored(paid, gateway):
    row = opened(paid, gateway)
    old, began = gateway.disputed[row.provider_id], clock.now()
    decided(row, gateway, won=False)
    with transaction():
        row = actions.record(old, began - timedelta(seconds=1))
    assert row.state is D.LOST
    right(gateway)


def test_another_verdict_after_the_first_is_for_a_person(paid, gateway):
    row = decided(opened(paid, gateway), gateway, won=False)
    gateway.decide_dispute(row.provider_id, won=True)
    row = jobs.look_at(row.provider_id)
    assert row.state is D.LOST
    assert row.trouble == "the provider says won, after lost"
    assert books.check_books() == []
    assert gateway.balance_minor() - books.balance(A.PSP_CLEARING, None, "EUR") == 43674  # left for reconciliation


def test_a_dispute_of_somebody_elses_payment_is_refused(paid, gateway):
    facts = {"amount_minor": 500, "currency": "EUR", "payment_method": "pm_card_visa", "order_number": "X"}
    foreign = gateway.take_payment(PaymentRequest(key="x", transfer_group="x", **facts))
    dispute = gateway.open_dispute(foreign.provider_id)
    with pytest.raises(DisputeNotOurs):
        jobs.look_at(dispute.provider_id)
    assert list(db.session.scalars(queries.disputes(SYSTEM))) == []


@pytest.mark.parametrize("change", [{"currency": "USD"}, {"amount_minor": 43675}])
def test_another_amount_or_currency_is_not_booked(paid, cast, gateway, change):
    dispute = gateway.open_dispute(payment_of(paid).provider_id)
    for name, value in change.items():
        object.__setattr__(dispute, name, value)
    row = jobs.look_at(dispute.provider_id)
    assert row.trouble.startswith("disputed ")
    assert balances(paid, cast)["disputes_in_process"] == 0

    for name in change:
        object.__setattr__(dispute, name, {"currency": "EUR", "amount_minor": 43674}[name])
    assert jobs.look_at(dispute.provider_id).trouble is None  # nor is it told of once it is no more so
    assert balances(paid, cast)["disputes_in_process"] == 43674


def test_evidence_is_handed_over_once(paid, cast, gateway):
    row = opened(paid, gateway)
    with pytest.raises(EvidenceMissing):
        jobs.submit(cast.operator, row.id)
    with transaction():
        answers.keep_text(cast.operator, row.id, "uncategorized_text", "It was delivered.")
        answers.keep_file(cast.operator, row.id, "shipping_documentation", "old.pdf", PDF)
        answers.keep_file(cast.operator, row.id, "shipping_documentation", "pod.pdf", PDF + b"2")
    row = jobs.submit(cast.operator, row.id)
    assert (row.state, row.submissions) == (D.UNDER_REVIEW, 1)
    assert list(gateway.files.values()) == [PDF + b"2"]
    with pytest.raises(EvidenceTooLate):
        jobs.submit(cast.operator, row.id)


def test_an_unknown_answer_is_looked_up(paid, cast, gateway):
    row = opened(paid, gateway)
    with transaction():
        answers.keep_text(cast.operator, row.id, "uncategorized_text", "It was delivered.")
    gateway.faults.append(("submit_evidence", "unanswered"))
    with pytest.raises(Unknown):
        jobs.submit(cast.operator, row.id)
    with clock.moved(jobs.LOOK_AGAIN_AFTER * 2):
        jobs.look_at_all()
    assert queries.dispute(SYSTEM, row.id).state is D.UNDER_REVIEW


def test_too_late_is_too_late(paid, cast, gateway):
    row = opened(paid, gateway)
    with clock.moved(timedelta(days=10)), transaction(), pytest.raises(EvidenceTooLate):
        answers.keep_text(cast.operator, row.id, "uncategorized_text", "It was delivered.")
    gateway.decide_dispute(row.provider_id, won=False)
    with pytest.raises(EvidenceRefused):
        jobs.accept(cast.operator, row.id)


def test_given_up_it_is_lost_at_once(paid, cast, gateway):
    row = jobs.accept(cast.operator, opened(paid, gateway).id)
    assert row.state is D.LOST
    right(gateway)


def test_every_night_what_nobody_told_of_is_found(paid, gateway):
    dispute = gateway.open_dispute(payment_of(paid).provider_id)
    jobs.look_at_all()
    assert queries.by_provider_id(dispute.provider_id).state is D.NEEDS_RESPONSE
    with clock.moved(timedelta(days=7)):
        jobs.look_at_all()
        jobs.look_at_all()
    assert [letter["what"] for letter in letters("dispute_told")] == ["opened", "due soon"]
    right(gateway)


CASES = [
    ("GET", "/v1/disputes", 200, {}),
    ("GET", "{dispute}", 200, {}),
    ("POST", "{dispute}/evidence", 200, {"json": {"field": "uncategorized_text", "text": "Delivered."}}),
    ("POST", "{dispute}/evidence-files?field=receipt", 201, {"file": PDF}),
    ("POST", "{dispute}/submit", 409, {}),
    ("POST", "{dispute}/accept", 200, {}),
    ("POST", "{dispute}/look-up", 200, {}),
]


def test_a_list_costs_the_same_few_statements(paid, gateway, client_as, cast):
    client = client_as(cast.operator)

    def listed():
        with QueryCounter() as seen:
            items = client.get("/v1/disputes").json["items"]
        return seen.count, [[moved["amount_minor"] for moved in item["movements"]] for item in items]

    opened(paid, gateway, 10_000)
    opened(paid, gateway, 20_000)
    two, items = listed()
    assert items == [[-20_000], [-10_000]]
    opened(paid, gateway, 5_000)
    assert listed()[0] == two


@pytest.mark.parametrize("case", CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_only_the_operator_has_to_do_with_disputes(paid, gateway, client_as, cast, case):
    method, path, status, sent = case
    row = opened(paid, gateway)

    def ask(actor, dispute_id):
        extra = {"data": {"file": (io.BytesIO(sent["file"]), "a.pdf")}} if "file" in sent else sent
        return client_as(actor).open(path.format(dispute=f"/v1/disputes/{dispute_id}"), method=method, **extra)

    for name in NAMES:
        answer = ask(cast.everyone[name], row.id)
        assert answer.status_code == {"operator": status, "stranger": 401}.get(name, 403), (name, answer.json)
    assert ask(cast.operator, uuid.uuid4()).status_code == (404 if "{" in path else 200)


@pytest.mark.parametrize("content", [b"<svg/>", b"GIF89a", b"", b"%PDF-" + b"x" * 100])
def test_files_that_no_bank_reads_are_refused(paid, gateway, client_as, cast, monkeypatch, content):
    monkeypatch.setattr(answers, "LARGEST_FILE", 100)
    row = opened(paid, gateway)
    answer = client_as(cast.operator).post(
        f"/v1/disputes/{row.id}/evidence-files?field=receipt", data={"file": (io.BytesIO(content), "proof.pdf")}
    )
    assert answer.status_code == 422, answer.json
    assert queries.files_of(row.id) == []


def test_answered_on_the_page(paid, gateway, client_as, cast):
    row = opened(paid, gateway)
    client, path = client_as(cast.operator), f"/operator/disputes/{row.id}"
    assert paid.order.number in see(client, "/operator/disputes").text
    assert "The bank hears evidence until" in see(client, path).text
    assert send(client, path, f"{path}/submit").status_code == 409
    assert send(client, path, f"{path}/text", field="uncategorized_text", text="It was delivered.").status_code == 303
    assert "It was delivered." in see(client, path).text
    assert send(client, path, f"{path}/submit").status_code == 303
    assert "under review" in see(client, path).text
    decided(row, gateway, won=False)
    page = see(client, path).text
    assert "Who bears it" in page
    assert cast.vendor_company.name in page
    assert "No dispute waits" in see(client, "/operator/disputes").text
    see(client_as(cast.vendor), path, 403)
