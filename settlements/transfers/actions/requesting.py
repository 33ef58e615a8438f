"""A transfer is ordered from what is due, under the lock of the vendor's accounts and of the charges it names."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy.dialects.postgresql import insert

from marketplace.kernel import history, outbox
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import db, new_id
from settlements.ledger import books
from settlements.ledger.books import Entry
from settlements.ledger.postings import transfers as postings
from settlements.payments.models import Payment
from settlements.transfers import planning, receivers
from settlements.transfers.events import TransferRequested, TransferWithdrawn
from settlements.transfers.models import ChargeLink, Transfer
from settlements.transfers.planning import Part
from settlements.transfers.queries import charges, debts, transfers
from settlements.transfers.refusals import PayableTooLow, TransfersUnderWay
from settlements.transfers.states import TransferVerb

ORDERED, WITHDRAWN = "transfer_ordered", "transfer_withdrawn"


def request(vendor_id: uuid.UUID, currency: str, amount_minor: int, cause: str, actor: Actor) -> list[Transfer]:
    """Order what is due to a vendor, linked to charges as far as they reach; it is sent after the commit.

    `cause` names what decided it (`statement:<id>`). Raises VendorCannotBePaid, TransfersUnderWay, PayableTooLow.
    """
    receivers.account_for(vendor_id, currency)
    if transfers.standing_of(cause).open:
        raise TransfersUnderWay(cause=cause)
    payments = charges.payments_due(vendor_id, currency)
    links = _links(payments)
    payable_minor = debts.accounts(vendor_id, currency, locked=True).payable_minor
    if amount_minor > payable_minor:
        raise PayableTooLow(payable_minor=payable_minor, amount_minor=amount_minor)

    found = charges.charges(vendor_id, payments, links) if payments else []
    parts = planning.plan_request(vendor_id, amount_minor, found)
    by_id = {payment.id: payment for payment in payments}
    return _order(vendor_id, currency, parts, cause, payable_minor, by_id, links)


def _links(payments: Sequence[Payment]) -> Mapping[uuid.UUID, ChargeLink]:
    """The links of these payments' charges, locked; the first transfer that names a charge brings its link."""
    if not payments:
        return {}
    rows = [
        {
            "payment_id": payment.id,
            "charge_id": payment.charge_id,
            "charge_minor": payment.captured_minor,
            "currency": payment.currency,
            "linked_minor": 0,
        }
        for payment in sorted(payments, key=lambda payment: payment.id)
    ]
    db.session.execute(insert(ChargeLink).values(rows).on_conflict_do_nothing())
    return charges.links_locked([payment.id for payment in payments])


def _order(
    vendor_id: uuid.UUID,
    currency: str,
    parts: Sequence[Part],
    cause: str,
    payable_minor: int,
    payments: Mapping[uuid.UUID, Payment],
    links: Mapping[uuid.UUID, ChargeLink],
) -> list[Transfer]:
    made, left = [], payable_minor
    for part in parts:
        transfer_id = new_id()
        payment = payments[part.payment_id] if part.payment_id else None
        made.append(
            Transfer(
                id=transfer_id,
                vendor_id=vendor_id,
                amount_minor=part.amount_minor,
                payable_minor=left,
                currency=currency,
                cause=cause,
                payment_id=part.payment_id,
                charge_id=payment.charge_id if payment else None,
                transfer_group=str(payment.order_id if payment else transfer_id),
            )
        )
        left -= part.amount_minor
        if part.payment_id is not None:
            links[part.payment_id].linked_minor += part.amount_minor
    _write(made)
    return made


def _write(made: Sequence[Transfer]) -> None:
    db.session.add_all(made)
    db.session.flush()
    books.post_all(
        [
            Entry(
                f"transfer:{row.id}",
                ORDERED,
                postings.transfer_ordered(row.vendor_id, row.amount_minor, row.currency),
            )
            for row in made
        ]
    )
    for row in made:
        outbox.publish(TransferRequested(transfer_id=row.id))


def free_link(transfer: Transfer) -> None:
    """A transfer that will not be made names its charge no more."""
    if transfer.payment_id is not None:
        charges.links_locked([transfer.payment_id])[transfer.payment_id].linked_minor -= transfer.amount_minor


def withdraw(transfer: Transfer) -> None:
    """Take back a transfer that the provider was never asked for; the caller has locked it. Raises IllegalMove."""
    history.move(transfer, TransferVerb.WITHDRAW, SYSTEM)
    free_link(transfer)
    lines = postings.transfer_refused(transfer.vendor_id, transfer.amount_minor, transfer.currency)
    books.post(f"transfer:{transfer.id}:withdrawn", WITHDRAWN, lines)
    outbox.publish(TransferWithdrawn(transfer_id=transfer.id, cause=transfer.cause))


def stand_in(withdrawn: Transfer, keep_minor: int) -> Transfer:
    """A lower transfer in the place of one that was withdrawn. Raises PayableTooLow."""
    payable_minor = debts.accounts(withdrawn.vendor_id, withdrawn.currency, locked=True).payable_minor
    if keep_minor > payable_minor:
        raise PayableTooLow(payable_minor=payable_minor, amount_minor=keep_minor)
    lower = Transfer(
        id=new_id(),
        vendor_id=withdrawn.vendor_id,
        amount_minor=keep_minor,
        payable_minor=payable_minor,
        currency=withdrawn.currency,
        cause=withdrawn.cause,
        payment_id=withdrawn.payment_id,
        charge_id=withdrawn.charge_id,
        transfer_group=withdrawn.transfer_group,
        replaces_id=withdrawn.id,
    )
    if withdrawn.payment_id is not None:
        charges.links_locked([withdrawn.payment_id])[withdrawn.payment_id].linked_minor += keep_minor
    _write([lower])
    return lower
