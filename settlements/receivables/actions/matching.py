"""Money at the bank is assigned to what it pays: by the numbers it names, or by a person, never more than there is."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.companies.queries import company as company_seen
from marketplace.credit import actions as credit_accounts
from marketplace.kernel import clock, history
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import db, new_id
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.ledger.postings import terms as postings
from settlements.receivables import queries
from settlements.receivables.actions.dunning import freeze_again
from settlements.receivables.actions.entries import claim_of, enter
from settlements.receivables.arithmetic import shared_out
from settlements.receivables.models import BankMatch, BankTransfer, CreditMove, Receivable
from settlements.receivables.references import keys_in, longest_only, named_in
from settlements.receivables.refusals import (
    CurrencyIsAnother,
    MoneyWasSpent,
    MoreThanIsLeft,
    MoreThanIsOpen,
    NamedTwice,
    UndoneBefore,
)
from settlements.receivables.states import TransferVerb


@dataclass(frozen=True, slots=True)
class Allocation:
    """So much of a transfer for one open item."""

    receivable_id: uuid.UUID
    amount_minor: int


def match_by_reference(transfer_id: uuid.UUID) -> bool:
    """Assign a transfer to the invoices that it names, what is too much to their company's credit.

    False where it names none that is open, or those of several companies: the reason stands on it then.
    """
    seen = queries.transfer(SYSTEM, transfer_id)
    named = _named(seen)
    companies = {item.company_id for item in named}
    if len(companies) != 1 or seen.by_hand or not seen.left_minor:
        transfer = queries.transfer(SYSTEM, transfer_id, locked=True)
        transfer.reason = _why_not(transfer, named)
        return False
    items = _lock([item.id for item in named])
    transfer = queries.transfer(SYSTEM, transfer_id, locked=True)
    shared = shared_out(transfer.left_minor, [item.open_minor for item in items])
    for item, part in zip(items, shared.parts, strict=True):
        if part:
            _assign(SYSTEM, transfer, item, part, "named by its reference")
    if shared.left_minor:
        _keep(SYSTEM, transfer, companies.pop(), shared.left_minor, "more than was open")
    return True


def _named(transfer: BankTransfer) -> list[Receivable]:
    """The open items that a reference names by their own numbers; where it names none, those of the orders it names.

    With a claim for paying late its invoice is meant as well where both are named, or where the money is both to the
    cent; what is due first is paid first, and that is the invoice.
    """
    keys = keys_in(transfer.reference)
    found = queries.named_by(keys, transfer.currency) if keys else []
    numbers = named_in(transfer.reference, {item.number_key for item in found})
    by_number = [item for item in found if item.number_key in numbers]
    claimed = {item.late_of for item in by_number}
    with_invoices = [item for item in found if item in by_number or item.id in claimed]
    if transfer.left_minor == sum(item.open_minor for item in with_invoices):
        by_number = with_invoices
    orders_named = longest_only({item.order_key for item in found} & keys)
    return by_number or [item for item in found if item.order_key in orders_named]


def _why_not(transfer: BankTransfer, named: Sequence[Receivable]) -> str:
    if transfer.by_hand:
        return "an assignment was undone"
    if named:
        return "names invoices of several companies"
    known = queries.known_by(keys_in(transfer.reference))
    if not known:
        return "names no invoice and no order"
    others = {item.currency for item in known} - {transfer.currency}
    if others:
        return f"{transfer.currency} for an invoice in {', '.join(sorted(others))}"
    return f"{known[0].number} is settled already"


def match(actor: Actor, transfer_id: uuid.UUID, wanted: Sequence[Allocation], note: str = "") -> BankTransfer:
    """A person assigns a transfer to open items. Raises BankTransferUnknown, ReceivableUnknown, NamedTwice,
    CurrencyIsAnother, MoreThanIsLeft, MoreThanIsOpen."""
    amounts = {row.receivable_id: row.amount_minor for row in wanted}
    if len(amounts) != len(wanted):
        raise NamedTwice(pointer="/allocations")
    items = {item.id: item for item in _lock(list(amounts))}
    transfer = queries.transfer(actor, transfer_id, locked=True)
    _check_left(transfer, sum(amounts.values()))
    for index, row in enumerate(wanted):
        item = items[row.receivable_id]
        if item.currency != transfer.currency:
            raise CurrencyIsAnother(
                f"{item.number} is in {item.currency}, the transfer in {transfer.currency}.",
                pointer=f"/allocations/{index}/receivable_id",
            )
        if row.amount_minor > item.open_minor:
            raise MoreThanIsOpen(
                f"Of {item.number} less than that is open.",
                pointer=f"/allocations/{index}/amount_minor",
                wanted_minor=row.amount_minor,
                open_minor=item.open_minor,
            )

    for row in wanted:
        _assign(actor, transfer, items[row.receivable_id], row.amount_minor, note)
    return transfer


def keep_as_credit(
    actor: Actor, transfer_id: uuid.UUID, company_id: uuid.UUID, amount_minor: int, note: str = ""
) -> BankTransfer:
    """A company has paid more than it owes. Raises BankTransferUnknown, CompanyNotFound, MoreThanIsLeft."""
    company_seen(actor, company_id)
    transfer = queries.transfer(actor, transfer_id, locked=True)
    _check_left(transfer, amount_minor)
    _keep(actor, transfer, company_id, amount_minor, note)
    return transfer


def send_back(actor: Actor, transfer_id: uuid.UUID, reference: str) -> BankTransfer:
    """What is left of a transfer was sent back to where it came from. Raises BankTransferUnknown, MoreThanIsLeft."""
    transfer = queries.transfer(actor, transfer_id, locked=True)
    _check_left(transfer, max(1, transfer.left_minor))
    row = _row(actor, transfer, "sent_back", transfer.left_minor, reference)
    books.post(f"match:{row.id}", "transfer_sent_back", postings.sent_back(row.amount_minor, transfer.currency))
    return transfer


def undo(actor: Actor, match_id: uuid.UUID, reason: str) -> BankTransfer:
    """An assignment was wrong: taken back by a new entry, and the money waits again, for a person.

    Raises BankMatchUnknown, UndoneBefore, MoneyWasSpent.
    """
    found = queries.match(actor, match_id)
    items = _lock([found.receivable_id]) if found.receivable_id else []
    transfer = queries.transfer(actor, found.transfer_id, locked=True)
    if found.undoes_id is not None or queries.undone(found.id):
        raise UndoneBefore
    if items and order_queries.net_paid(items[0].order_id) < found.amount_minor and items[0].kind != "late_fee":
        raise MoneyWasSpent

    transfer.by_hand, transfer.reason = True, reason
    if items:
        _assign(actor, transfer, items[0], -found.amount_minor, reason, undoes=found)
    elif found.kind == "credit":
        assert found.company_id is not None
        _check_credit(found.company_id, transfer.currency, found.amount_minor)
        _keep(actor, transfer, found.company_id, -found.amount_minor, reason, undoes=found)
    else:
        row = _row(actor, transfer, found.kind, -found.amount_minor, reason, undoes=found)
        lines = postings.sent_back(row.amount_minor, transfer.currency)
        books.post(f"match:{row.id}", "match_undone", lines, corrects_id=queries.journal_of(f"match:{found.id}"))
    return transfer


def _lock(receivable_ids: Sequence[uuid.UUID]) -> list[Receivable]:
    """The items in the order of their due days: their orders locked first, each by id, then they themselves."""
    seen = [queries.receivable(SYSTEM, receivable_id) for receivable_id in receivable_ids]
    for order_id in sorted({item.order_id for item in seen}):
        order_queries.order(SYSTEM, order_id, locked=True)
    for item in sorted(seen, key=lambda item: item.id):
        queries.receivable(SYSTEM, item.id, locked=True)
    return sorted(seen, key=lambda item: (item.due_on, item.id))


def _check_left(transfer: BankTransfer, wanted_minor: int) -> None:
    if wanted_minor > transfer.left_minor:
        raise MoreThanIsLeft(
            "Less than that is left of this transfer.", wanted_minor=wanted_minor, left_minor=transfer.left_minor
        )


def _check_credit(company_id: uuid.UUID, currency: str, amount_minor: int) -> None:
    if -books.balance(AccountKind.BUYER_CREDIT, company_id, currency) < amount_minor:
        raise MoneyWasSpent


def _row(
    actor: Actor,
    transfer: BankTransfer,
    kind: str,
    amount_minor: int,
    note: str,
    *,
    item: Receivable | None = None,
    company_id: uuid.UUID | None = None,
    undoes: BankMatch | None = None,
) -> BankMatch:
    """The assignment as a row (below zero: undone), and the locked transfer with so much less left."""
    row = BankMatch(
        id=new_id(),
        transfer_id=transfer.id,
        kind=kind,
        receivable_id=item.id if item else None,
        company_id=company_id,
        amount_minor=amount_minor,
        undoes_id=undoes.id if undoes else None,
        note=note,
        person_id=actor.person_id,
        at=clock.now(),
    )
    db.session.add(row)
    transfer.assigned_minor += amount_minor
    if company_id is not None:
        transfer.company_id = company_id
    if amount_minor < 0:
        history.move(transfer, TransferVerb.UNDO, actor, note=note)
    else:
        history.move(transfer, TransferVerb.ASSIGN_PART if transfer.left_minor else TransferVerb.ASSIGN, actor)
        transfer.reason = "" if not transfer.left_minor else transfer.reason
    db.session.flush()
    return row


def _assign(
    actor: Actor,
    transfer: BankTransfer,
    item: Receivable,
    amount_minor: int,
    note: str,
    *,
    undoes: BankMatch | None = None,
) -> None:
    row = _row(actor, transfer, "invoice", amount_minor, note, item=item, company_id=item.company_id, undoes=undoes)
    source = f"match:{row.id}"
    event, corrects = ("match_undone", queries.journal_of(f"match:{undoes.id}")) if undoes else ("invoice_paid", None)
    record_paid(item, amount_minor, source)
    lines = postings.transfer_matched(claim_of(item), amount_minor)
    books.post(source, event, lines, order_id=claim_of(item).order_id, corrects_id=corrects)
    enter(item, "paid" if amount_minor > 0 else "unpaid", -amount_minor, source, actor=actor, on=transfer.booked_on)
    if amount_minor > 0:
        release_when_paid(item)
    else:
        freeze_again(item)


def record_paid(item: Receivable, amount_minor: int, source: str) -> None:
    """The order of an invoice learns what was paid for it; what is owed for paying late is of no order."""
    if item.kind == "late_fee":
        return
    if amount_minor > 0:
        orders.record_payment(SYSTEM, item.order_id, amount_minor, item.currency, source)
    else:
        orders.record_unpaid(item.order_id, -amount_minor, source)


def release_when_paid(item: Receivable) -> None:
    """Where dunning froze the company's credit and nothing of that is overdue any more, it may buy again."""
    if item.kind != "late_fee" and not queries.overdue_at_level(item.company_id, item.currency, 1, queries.today()):
        credit_accounts.release_paid(item.company_id, item.currency)


def _keep(
    actor: Actor,
    transfer: BankTransfer,
    company_id: uuid.UUID,
    amount_minor: int,
    note: str,
    *,
    undoes: BankMatch | None = None,
) -> None:
    row = _row(actor, transfer, "credit", amount_minor, note, company_id=company_id, undoes=undoes)
    source = f"match:{row.id}"
    db.session.add(
        CreditMove(
            id=new_id(),
            company_id=company_id,
            currency=transfer.currency,
            kind="overpaid" if amount_minor > 0 else "taken_back",
            amount_minor=amount_minor,
            source=source,
            person_id=actor.person_id,
            at=clock.now(),
        )
    )
    event, corrects = ("match_undone", queries.journal_of(f"match:{undoes.id}")) if undoes else ("overpaid", None)
    books.post(
        source, event, postings.kept_as_credit(company_id, amount_minor, transfer.currency), corrects_id=corrects
    )
