"""What transfers and the books must agree on, shown with every proof of the books."""

from typing import Any

from sqlalchemy import TextClause, text

from marketplace.kernel.db import db
from settlements.ledger import books
from settlements.ledger.books import Difference

_IN_TRANSIT = text("""
WITH ordered AS (
    SELECT vendor_id, currency, sum(amount_minor) AS minor FROM transfer
    WHERE state IN ('requested', 'sent', 'unknown') GROUP BY vendor_id, currency
), booked AS (
    SELECT party AS vendor_id, currency, -balance_minor AS minor FROM account WHERE kind = 'transfer_in_transit'
)
SELECT vendor_id AS subject, currency, coalesce(ordered.minor, 0) AS expected, coalesce(booked.minor, 0) AS found
FROM ordered FULL JOIN booked USING (vendor_id, currency)
WHERE coalesce(ordered.minor, 0) <> coalesce(booked.minor, 0)
""")
# What left and came back by our rows, against what the books say of each balance transaction: one journal for each.
_MOVED = text("""
WITH moved AS (
    SELECT balance_transaction_id AS txn, -amount_minor AS minor, currency
    FROM transfer_attempt JOIN transfer ON transfer.id = transfer_id WHERE balance_transaction_id IS NOT NULL
    UNION ALL
    SELECT balance_transaction_id, amount_minor, currency
    FROM transfer_reversal_attempt JOIN transfer_reversal ON transfer_reversal.id = reversal_id
    WHERE balance_transaction_id IS NOT NULL
), booked AS (
    SELECT substr(source, 5) AS txn, posting.currency, sum(amount_minor) AS minor
    FROM journal JOIN posting ON posting.journal_id = journal.id JOIN account ON account.id = posting.account_id
    WHERE event IN ('transfer_made', 'transfer_reversed') AND account.kind = 'psp_clearing'
    GROUP BY source, posting.currency
)
SELECT txn AS subject, currency, coalesce(moved.minor, 0) AS expected, coalesce(booked.minor, 0) AS found
FROM moved FULL JOIN booked USING (txn, currency) WHERE coalesce(moved.minor, 0) <> coalesce(booked.minor, 0)
""")
_ARRIVED = text("""
SELECT transfer.id AS subject, currency, amount_minor AS expected,
    amount_minor * count(transfer_attempt.balance_transaction_id) AS found
FROM transfer LEFT JOIN transfer_attempt ON transfer_id = transfer.id
WHERE state IN ('made', 'part_reversed', 'reversed')
GROUP BY transfer.id HAVING count(transfer_attempt.balance_transaction_id) <> 1
""")
_LINKED = text("""
WITH named AS (
    SELECT payment_id, sum(amount_minor) AS minor FROM transfer
    WHERE payment_id IS NOT NULL AND state NOT IN ('refused', 'withdrawn') GROUP BY payment_id
)
SELECT charge_link.charge_id AS subject, charge_link.currency, linked_minor AS expected,
    coalesce(named.minor, 0) AS found
FROM charge_link JOIN payment ON payment.id = charge_link.payment_id LEFT JOIN named ON named.payment_id = payment.id
WHERE linked_minor <> coalesce(named.minor, 0) OR linked_minor > captured_minor OR charge_minor <> captured_minor
""")
_GIVEN_BACK = text("""
SELECT payment.charge_id AS subject, payment.currency, captured_minor AS expected, sum(refund.amount_minor) AS found
FROM payment JOIN refund ON refund.payment_id = payment.id
GROUP BY payment.id HAVING sum(refund.amount_minor) > captured_minor
""")
_REVERSED = text("""
SELECT transfer.id AS subject, transfer.currency, reversed_minor AS expected,
    coalesce(sum(transfer_reversal.amount_minor), 0) AS found
FROM transfer LEFT JOIN transfer_reversal ON transfer_id = transfer.id AND transfer_reversal.state = 'made'
GROUP BY transfer.id
HAVING reversed_minor <> coalesce(sum(transfer_reversal.amount_minor), 0) OR reversed_minor > transfer.amount_minor
""")
_BELOW_ZERO = text("""
SELECT transfer.id AS subject, transfer.currency, payable_minor AS expected, posting.amount_minor AS found
FROM transfer JOIN journal ON journal.source = 'transfer:' || transfer.id
JOIN posting ON posting.journal_id = journal.id JOIN account ON account.id = posting.account_id
WHERE account.kind = 'vendor_payable' AND posting.amount_minor > payable_minor
""")


def _differences(what: str, statement: TextClause) -> list[Difference]:
    rows: Any = db.session.execute(statement)
    return [Difference(what, str(row.subject), row.currency, int(row.expected), int(row.found)) for row in rows]


@books.proof
def check_in_transit() -> list[Difference]:
    """What the books have under way to vendors is what their open transfers come to."""
    return _differences("transfers in transit", _IN_TRANSIT)


@books.proof
def check_moved() -> list[Difference]:
    """Every balance transaction of a transfer or a reversal has its one journal, and every transfer arrived once."""
    return [*_differences("transfer is booked", _MOVED), *_differences("transfer arrived once", _ARRIVED)]


@books.proof
def check_charges() -> list[Difference]:
    """For a charge: captured >= what goes back to the buyer, and >= what transfers name it for."""
    return [*_differences("charge carries transfers", _LINKED), *_differences("charge gives back", _GIVEN_BACK)]


@books.proof
def check_reversed() -> list[Difference]:
    """Of a transfer comes back what its reversals say, and no more than it was."""
    return _differences("transfer reversed", _REVERSED)


@books.proof
def check_never_below_zero() -> list[Difference]:
    """No transfer was ordered beyond what was due to the vendor."""
    return _differences("paid out below zero", _BELOW_ZERO)
