"""The operator grants terms and limits; orders take of the credit by one statement that never passes the limit."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError

from marketplace.companies.queries import company as company_seen
from marketplace.credit import queries
from marketplace.credit.models import CreditAccount, CreditChange, CreditUse, PaymentTerms
from marketplace.credit.refusals import (
    CreditAccountExists,
    CreditFrozen,
    CreditLimitExceeded,
    CreditNotFrozen,
    NoPaymentTerms,
    PaymentTermsBackDated,
    PaymentTermsExist,
)
from marketplace.kernel import clock, reads
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import db, new_id


def grant_terms(actor: Actor, company_id: uuid.UUID, facts: Mapping[str, Any]) -> PaymentTerms:
    """New payment terms of a company from a day on. `facts`: currency, valid_from, kind (TermsKind), days.

    Raises CompanyNotFound, PaymentTermsBackDated, PaymentTermsExist.
    """
    company_seen(actor, company_id)
    if facts["valid_from"] < queries.today():
        raise PaymentTermsBackDated(pointer="/valid_from")

    row = PaymentTerms(
        **{**facts, "kind": facts["kind"].value},
        company_id=company_id,
        created_by=actor.person_id,
        created_at=clock.now(),
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as failure:
        raise PaymentTermsExist(pointer="/valid_from") from failure
    return row


def open_account(actor: Actor, company_id: uuid.UUID, *, currency: str, limit_minor: int, reason: str) -> CreditAccount:
    """A company may owe so much in this currency. Raises CompanyNotFound, CreditAccountExists."""
    company_seen(actor, company_id)
    row = CreditAccount(
        id=new_id(), company_id=company_id, currency=currency, limit_minor=limit_minor, used_minor=0, frozen_reason=""
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as failure:
        raise CreditAccountExists(pointer="/currency") from failure
    _decided(actor, row, "granted", reason)
    return row


def change_limit(actor: Actor, account: CreditAccount, limit_minor: int, reason: str) -> CreditAccount:
    """Another limit for a locked account; below what is in use it only keeps new orders away."""
    account.limit_minor = limit_minor
    _decided(actor, account, "changed", reason)
    return account


def freeze(actor: Actor, account: CreditAccount, reason: str, *, by_dunning: bool = False) -> bool:
    """No new orders on account for now; False where the locked account was frozen before.

    What dunning froze a person may freeze as well: from then on it waits for a person, whatever is paid.
    """
    if account.frozen_at is not None and (by_dunning or not account.frozen_by_dunning):
        return False
    account.frozen_at, account.frozen_reason, account.frozen_by_dunning = clock.now(), reason, by_dunning
    _decided(actor, account, "frozen", reason)
    return True


def release(actor: Actor, account: CreditAccount, reason: str) -> CreditAccount:
    """New orders again. Raises CreditNotFrozen."""
    if account.frozen_at is None:
        raise CreditNotFrozen
    account.frozen_at, account.frozen_reason, account.frozen_by_dunning = None, "", False
    _decided(actor, account, "released", reason)
    return account


def _decided(actor: Actor, account: CreditAccount, kind: str, reason: str) -> None:
    db.session.add(
        CreditChange(
            id=new_id(),
            account_id=account.id,
            company_id=account.company_id,
            kind=kind,
            limit_minor=account.limit_minor,
            reason=reason,
            person_id=actor.person_id,
            at=clock.now(),
        )
    )
    db.session.flush()


# The values of a locked row are the present ones, so the condition holds when the update runs, whoever came in between.
_TAKE = """
UPDATE credit_account SET used_minor = used_minor + %(amount_minor)s
WHERE company_id = %(company_id)s AND currency = %(currency)s
  AND frozen_at IS NULL AND used_minor + %(amount_minor)s <= limit_minor
RETURNING id
"""
_MOVE = """
UPDATE credit_account SET used_minor = used_minor + %(amount_minor)s
WHERE company_id = %(company_id)s AND currency = %(currency)s
RETURNING id
"""


def take(company_id: uuid.UUID, order_id: uuid.UUID, currency: str, amount_minor: int) -> None:
    """An order on account takes its sum of the credit, or is refused; the order's row is written already.

    Raises NoPaymentTerms, CreditFrozen, CreditLimitExceeded, each saying what is in the way.
    """
    of_account = {"company_id": company_id, "currency": currency}
    if not reads.in_session(_TAKE, of_account | {"amount_minor": amount_minor}):
        _refuse(company_id, currency, amount_minor)
    db.session.add(CreditUse(order_id=order_id, given_up_minor=0, amount_minor=amount_minor, **of_account))
    db.session.flush()


def _refuse(company_id: uuid.UUID, currency: str, amount_minor: int) -> None:
    account = queries.account_of(company_id, currency)
    if account is None:
        raise NoPaymentTerms(f"Your company has no credit in {currency}: pay in advance.", currency=currency)
    if account.frozen_at is not None:
        raise CreditFrozen(
            f"Nothing new can be bought on account at the moment: {account.frozen_reason}", reason=account.frozen_reason
        )
    free = queries.in_words(account.free_minor, currency)
    raise CreditLimitExceeded(
        f"This comes to {queries.in_words(amount_minor, currency)}, and {free} of your credit is free.",
        currency=currency,
        limit_minor=account.limit_minor,
        used_minor=account.used_minor,
        free_minor=account.free_minor,
        wanted_minor=amount_minor,
    )


def follow(order_id: uuid.UUID, open_minor: int) -> None:
    """An order on account has so much still to pay (its lock is held): that, less what was given up, is in use.

    More than the limit is possible here: what was bought is bought.
    """
    use = queries.use_of(order_id)
    if use is None:
        return
    _set(use, max(0, open_minor - use.given_up_minor))


def give_up(order_id: uuid.UUID, amount_minor: int, open_minor: int) -> None:
    """So much of an order is written off (below zero: again waited for): it uses no credit any more."""
    use = queries.use_of(order_id)
    if use is None:
        return
    use.given_up_minor += amount_minor
    _set(use, max(0, open_minor - use.given_up_minor))


def _set(use: CreditUse, amount_minor: int) -> None:
    moved = amount_minor - use.amount_minor
    if moved:
        use.amount_minor = amount_minor
        of_account = {"company_id": use.company_id, "currency": use.currency}
        reads.in_session(_MOVE, of_account | {"amount_minor": moved})
    db.session.flush()


def freeze_overdue(company_id: uuid.UUID, currency: str, reason: str) -> bool:
    """Dunning has come so far that nothing new is sold on account; False where there is nothing to freeze."""
    account = queries.account_of(company_id, currency, locked=True)
    return account is not None and freeze(SYSTEM, account, reason, by_dunning=True)


def release_paid(company_id: uuid.UUID, currency: str) -> bool:
    """What dunning froze is released when it is paid; what a person froze waits for a person."""
    account = queries.account_of(company_id, currency, locked=True)
    if account is None or account.frozen_at is None or not account.frozen_by_dunning:
        return False
    release(SYSTEM, account, "What was overdue has been paid.")
    return True
