"""What a buyer has paid too much pays another invoice of his, or goes back to his bank."""

import uuid

from marketplace.companies.queries import company as company_seen
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import db, new_id
from marketplace.orders import queries as order_queries
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.ledger.postings import terms as postings
from settlements.receivables import queries
from settlements.receivables.actions.entries import claim_of, enter
from settlements.receivables.actions.matching import record_paid, release_when_paid
from settlements.receivables.models import CreditMove, Receivable
from settlements.receivables.refusals import MoreThanIsOpen, NoCreditLeft, NothingIsOwed


def credit_of(company_id: uuid.UUID, currency: str) -> int:
    """What is kept for a company, in minor units."""
    return -books.balance(AccountKind.BUYER_CREDIT, company_id, currency)


def set_off(actor: Actor, receivable_id: uuid.UUID, amount_minor: int | None = None) -> Receivable:
    """The company's credit pays an invoice, as far as it goes or by so much.

    Raises ReceivableUnknown, NothingIsOwed, MoreThanIsOpen, NoCreditLeft.
    """
    seen = queries.receivable(actor, receivable_id)
    order_queries.order(SYSTEM, seen.order_id, locked=True)
    item = queries.receivable(actor, receivable_id, locked=True)
    credit = credit_of(item.company_id, item.currency)
    if item.open_minor <= 0:
        raise NothingIsOwed
    wanted = min(credit, item.open_minor) if amount_minor is None else amount_minor
    if wanted > item.open_minor:
        raise MoreThanIsOpen(wanted_minor=wanted, open_minor=item.open_minor)
    if wanted < 1 or wanted > credit:
        raise NoCreditLeft("Less than that is kept for this company.", credit_minor=credit)

    move = _move(actor, item.company_id, item.currency, "set_off", -wanted, receivable_id=item.id)
    record_paid(item, wanted, move.source)
    claim = claim_of(item)
    books.post(move.source, "credit_set_off", postings.credit_set_off(claim, wanted), order_id=claim.order_id)
    enter(item, "credit_used", -wanted, move.source, actor=actor)
    release_when_paid(item)
    return item


def pay_back(actor: Actor, company_id: uuid.UUID, currency: str, amount_minor: int, reference: str) -> CreditMove:
    """The operator has sent a company's credit to its bank. Raises CompanyNotFound, NoCreditLeft."""
    company_seen(actor, company_id)
    credit = credit_of(company_id, currency)
    if amount_minor > credit:
        raise NoCreditLeft("Less than that is kept for this company.", credit_minor=credit)
    move = _move(actor, company_id, currency, "paid_back", -amount_minor, reference=reference)
    # Two at once: the books refuse the one that would take the account below nothing.
    books.post(move.source, "credit_paid_back", postings.credit_paid_back(company_id, amount_minor, currency))
    return move


def _move(
    actor: Actor,
    company_id: uuid.UUID,
    currency: str,
    kind: str,
    amount_minor: int,
    *,
    receivable_id: uuid.UUID | None = None,
    reference: str = "",
) -> CreditMove:
    move_id = new_id()
    move = CreditMove(
        id=move_id,
        company_id=company_id,
        currency=currency,
        kind=kind,
        amount_minor=amount_minor,
        receivable_id=receivable_id,
        reference=reference,
        source=f"credit:{move_id}",
        person_id=actor.person_id,
        at=clock.now(),
    )
    db.session.add(move)
    db.session.flush()
    return move
