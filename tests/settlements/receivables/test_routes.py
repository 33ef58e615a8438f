"""Open items and the bank over HTTP: who sees what, and what is refused with its place."""

import io

import pytest

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import transaction
from settlements.receivables import jobs, queries
from tests.builders.receivables import a_transfer, example_on_terms, invoiced
from tests.cast import NAMES

CAMT = b"""<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<Ntry><Amt Ccy="EUR">17.88</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2026-05-04</Dt></BookgDt>
<AcctSvcrRef>REF-1</AcctSvcrRef><NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>Buyer GmbH</Nm></Pty></Dbtr>
<DbtrAcct><Id><IBAN>DE02120300000000202051</IBAN></Id></DbtrAcct></RltdPties>
<RmtInf><Ustrd>%s</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">99.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><BookgDt><Dt>2026-05-04</Dt></BookgDt></Ntry>
</Stmt></BkToCstmrStmt></Document>"""


@pytest.fixture
def items(session, cast, gateway):
    with transaction():
        placed = example_on_terms(cast)
        invoiced(placed.order)
    return queries.of_order(placed.order.id)


def post(client, path, body, key="key"):
    return client.post(path, json=body, headers={"Idempotency-Key": key})


def test_who_reads_an_open_item(client_as, cast, items):
    seen = {name: client_as(getattr(cast, name)).get(f"/v1/receivables/{items[0].id}").status_code for name in NAMES}
    assert seen == {
        "buyer": 200, "colleague": 403, "rival_buyer": 404, "vendor": 403, "rival_vendor": 403, "operator": 200,
        "stranger": 401,
    }  # fmt: skip
    body = client_as(cast.buyer).get("/v1/receivables?open=true").json["items"]
    assert {row["number"] for row in body} == {item.number for item in items}
    assert client_as(cast.buyer).get("/v1/receivables?overdue=true").json["items"] == []
    assert client_as(cast.rival_buyer).get("/v1/receivables").json["items"] == []
    ageing = client_as(cast.operator).get("/v1/receivables/ageing").json["rows"]
    assert [(row["not_due_minor"], row["total_minor"]) for row in ageing] == [(43_674, 43_674)]


def test_the_bank_is_the_operators_alone(client_as, cast, items):
    with transaction():
        row = a_transfer(1_000)
    for path in (f"/v1/bank-transfers/{row.id}", "/v1/bank-transfers", "/v1/receivables/ageing", "/v1/write-offs"):
        assert client_as(cast.buyer).get(path).status_code == 403
        assert client_as(cast.vendor).get(path).status_code == 403
        assert client_as(cast.operator).get(path).status_code == 200
    refused = post(client_as(cast.buyer), f"/v1/bank-transfers/{row.id}/send-back", {"reference": "x"})
    assert refused.status_code == 403
    assert queries.transfer(SYSTEM, row.id).left_minor == 1_000


def test_from_the_banks_list_to_a_paid_invoice(client_as, cast, items):
    client = client_as(cast.operator)
    money = {"amount_minor": items[0].open_minor, "currency": "EUR"}
    row = {
        "bank_id": "B-1",
        "amount": money,
        "booked_on": "2026-05-04",
        "remitter_name": "Buyer",
        "reference": "thanks",
    }
    assert post(client, "/v1/bank-transfers", {"transfers": [row]}).json == {"new": 1, "known": 0}
    assert post(client, "/v1/bank-transfers", {"transfers": [row]}, "again").json == {"new": 0, "known": 1}
    (listed,) = client.get("/v1/bank-transfers?state=open").json["items"]
    shown = client.get(f"/v1/bank-transfers/{listed['id']}").json
    assert shown["suggestions"][0]["receivable"]["id"] == str(items[0].id)
    assert shown["suggestions"][0]["reasons"][0] == "exactly this is open"
    wanted = {"allocations": [{"receivable_id": str(items[0].id), "amount_minor": items[0].open_minor}]}
    first = post(client, f"/v1/bank-transfers/{listed['id']}/match", wanted, "match")
    replayed = post(client, f"/v1/bank-transfers/{listed['id']}/match", wanted, "match")
    assert first.json == replayed.json
    assert (first.json["state"], first.json["left_minor"], len(first.json["matches"])) == ("assigned", 0, 1)
    undone = post(client, f"/v1/bank-matches/{first.json['matches'][0]['id']}/undo", {"reason": "Wrong."}, "undo")
    assert (undone.json["left_minor"], [row["amount_minor"] for row in undone.json["matches"]]) == (
        items[0].amount_minor, [items[0].amount_minor, -items[0].amount_minor],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"amount": {"amount_minor": 0, "currency": "EUR"}}, "/transfers/0/amount/amount_minor"),
        ({"amount": {"amount_minor": 5, "currency": "eur"}}, "/transfers/0/amount/currency"),
        ({"amount": {"amount_minor": 5, "currency": "ZZZ"}}, "/transfers/0/amount/currency"),
        ({"bank_id": ""}, "/transfers/0/bank_id"),
        ({"booked_on": "yesterday"}, "/transfers/0/booked_on"),
        ({"booked_on": "2999-01-01"}, "/transfers/0/booked_on"),
    ],
)
def test_a_bad_row_is_refused_with_its_place(client_as, cast, session, change, pointer):
    money = {"amount_minor": 5, "currency": "EUR"}
    row = {"bank_id": "B-1", "amount": money, "booked_on": "2026-05-04", "remitter_name": "Buyer"} | change
    answer = post(client_as(cast.operator), "/v1/bank-transfers", {"transfers": [row]})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


def test_a_statement_by_iso_20022_is_read_and_matched(client_as, cast, items):
    number = items[2].number if items[2].amount_minor == 1_788 else next(
        item.number for item in items if item.amount_minor == 1_788
    )  # fmt: skip
    client = client_as(cast.operator)
    for expected in ({"new": 1, "known": 0}, {"new": 0, "known": 1}):
        file = (io.BytesIO(CAMT % number.encode()), "statement.xml")
        answer = client.post("/v1/bank-transfers/files", data={"file": file}, content_type="multipart/form-data")
        assert (answer.status_code, answer.json) == (200, expected)
    jobs.match_waiting()
    (row,) = client.get("/v1/bank-transfers?state=assigned").json["items"]
    assert (row["bank_id"], row["remitter_iban"], row["amount"]["amount_minor"]) == (
        "REF-1", "DE02120300000000202051", 1_788,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "new"),
    [
        (b"<Sts>BOOK</Sts>", 1),
        (b"<Sts><Cd>BOOK</Cd></Sts>", 1),
        (b"<Sts>PDNG</Sts>", 0),
        (b"<Sts><Cd>INFO</Cd></Sts>", 0),
    ],
)
def test_only_what_the_bank_has_booked_is_money(client_as, cast, session, status, new):
    content = (CAMT % b"K-1").replace(b"<BookgDt>", status + b"<BookgDt>")
    file = (io.BytesIO(content), "statement.xml")
    answer = client_as(cast.operator).post(
        "/v1/bank-transfers/files", data={"file": file}, content_type="multipart/form-data"
    )
    assert (answer.status_code, answer.json) == (200, {"new": new, "known": 0})


@pytest.mark.parametrize(
    "content",
    [
        b"", b"<a/>", b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><Document>&x;</Document>", b"a,b\n1,2\n",
        b"\xff\xfe", b"bank_id,booked_on,amount,currency,remitter_name\n,,,,\n",
        b"bank_id,booked_on,amount,currency,remitter_name\nB-1,2999-01-01,5.00,EUR,Buyer\n",
        b"bank_id,booked_on,amount,currency,remitter_name\nB-1,2026-05-04,5.00,ZZZ,Buyer\n",
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused(client_as, cast, session, content):
    file = (io.BytesIO(content), "statement.xml")
    client = client_as(cast.operator)
    answer = client.post("/v1/bank-transfers/files", data={"file": file}, content_type="multipart/form-data")
    assert answer.status_code in {200, 422}
    assert answer.status_code == 422 or answer.json == {"new": 0, "known": 0}
    assert "root" not in answer.text


def test_rates_are_read_and_added(client_as, cast):
    client = client_as(cast.operator)
    assert client_as(cast.buyer).get("/v1/late-interest-rates").json["items"][-1] == {
        "valid_from": "2025-07-01", "rate": "0.1027",
    }  # fmt: skip
    rate = {"valid_from": "2035-01-01", "rate": "0.12"}
    assert client.post("/v1/late-interest-rates", json=rate).status_code == 201
    assert client.post("/v1/late-interest-rates", json=rate).status_code == 409
    assert client.post("/v1/late-interest-rates", json=rate | {"rate": "1.2"}).status_code == 422
    assert client.post("/v1/late-interest-rates", json=rate | {"valid_from": "2020-01-01"}).status_code == 422
