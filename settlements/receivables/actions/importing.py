"""What the bank tells is written down once per its own id, and is in the books before anybody knows what it is for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.dialects.postgresql import insert

from marketplace.kernel import clock, outbox
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db, new_id
from settlements.ledger import books
from settlements.ledger.books import Entry
from settlements.ledger.postings import terms as postings
from settlements.receivables import queries
from settlements.receivables.events import BankTransfersArrived
from settlements.receivables.models import BankTransfer
from settlements.receivables.refusals import BankIdTaken
from settlements.receivables.states import TransferState


@dataclass(frozen=True, slots=True)
class Arrived:
    """One credit on the bank's statement; amounts in minor units, above zero."""

    bank_id: str
    amount_minor: int
    currency: str
    booked_on: date
    remitter_name: str
    remitter_iban: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """How many of the rows are new; the others were told before."""

    new: int
    known: int


def take_in(actor: Actor, rows: Sequence[Arrived]) -> Imported:
    """Write down what is new of a bank's statement; it is matched afterwards, transfer by transfer.

    Raises BankIdTaken: money that looks like money of before is not passed over as known.
    """
    if not rows:
        return Imported(0, 0)
    values = [
        {
            "id": new_id(),
            "bank_id": row.bank_id,
            "amount_minor": row.amount_minor,
            "currency": row.currency,
            "booked_on": row.booked_on,
            "remitter_name": row.remitter_name,
            "remitter_iban": row.remitter_iban,
            "reference": row.reference,
            "state": TransferState.OPEN,
            "assigned_minor": 0,
            "reason": "",
            "by_hand": False,
            "imported_by": actor.person_id,
            "imported_at": clock.now(),
        }
        for row in {row.bank_id: row for row in rows}.values()
    ]
    # The rows beside the statement: all of a long file are more values than one statement may have.
    statement = insert(BankTransfer).on_conflict_do_nothing(index_elements=["bank_id"])
    statement = statement.returning(BankTransfer.id, BankTransfer.amount_minor, BankTransfer.currency)
    new = db.session.execute(statement, values).all()
    told = queries.told_by_bank(row.bank_id for row in rows)
    taken = [row.bank_id for row in rows if told[row.bank_id] != (row.amount_minor, row.currency)]
    if taken:
        raise BankIdTaken(bank_ids=taken[:50])
    if new:
        lines = [(row.id, postings.transfer_arrived(row.amount_minor, row.currency)) for row in new]
        books.post_all([Entry(f"bank:{transfer_id}", "transfer_arrived", line) for transfer_id, line in lines])
        outbox.publish(BankTransfersArrived(transfer_ids=tuple(row.id for row in new)))
    return Imported(len(new), len(rows) - len(new))
