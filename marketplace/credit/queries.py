"""Payment terms and credit accounts, as each party may see them: every SELECT of this room."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import current_app
from sqlalchemy import text

from marketplace.credit.models import CreditAccount, CreditChange, CreditUse, PaymentTerms
from marketplace.credit.refusals import CreditAccountUnknown, NoPaymentTerms
from marketplace.credit.terms import DueRule, TermsKind
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from marketplace.kernel.money import Money
from marketplace.kernel.web import Page, paginate


@dataclass(frozen=True, slots=True)
class Standing:
    """A company's credit in one currency: its account, and how it pays today (None: in advance)."""

    account: CreditAccount
    terms: DueRule | None


def today() -> date:
    """The operator's day."""
    return clock.business_day(clock.now(), current_app.extensions["kontor_settings"].time_zone)


def terms_in_force(company_id: uuid.UUID, currency: str) -> DueRule | None:
    """How the company pays invoices in this currency today; None: in advance."""
    statement = visible(SYSTEM, PaymentTerms).where(
        PaymentTerms.company_id == company_id,
        PaymentTerms.currency == currency,
        PaymentTerms.valid_from <= today(),
    )
    row = db.session.scalars(statement.order_by(PaymentTerms.valid_from.desc()).limit(1)).one_or_none()
    if row is None or row.kind == TermsKind.NONE:
        return None
    return DueRule(TermsKind(row.kind), row.days)


def terms_for(company_id: uuid.UUID, currency: str) -> DueRule:
    """The same for who wants to buy on account. Raises NoPaymentTerms."""
    found = terms_in_force(company_id, currency)
    if found is None:
        raise NoPaymentTerms(f"Your company buys nothing on account in {currency}: pay in advance.", currency=currency)
    return found


def terms_of(actor: Actor, company_id: uuid.UUID, args: Mapping[str, Any]) -> Page:
    """What was granted to a company, the latest first."""
    statement = visible(actor, PaymentTerms).where(PaymentTerms.company_id == company_id)
    return paginate(statement, args, PaymentTerms.valid_from, PaymentTerms.id)


def account(actor: Actor, account_id: uuid.UUID, *, locked: bool = False) -> CreditAccount:
    """One credit account. Raises CreditAccountUnknown."""
    statement = visible(actor, CreditAccount).where(CreditAccount.id == account_id)
    if locked:
        statement = statement.with_for_update()
    row = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise CreditAccountUnknown
    return row


def account_of(company_id: uuid.UUID, currency: str, *, locked: bool = False) -> CreditAccount | None:
    """The company's credit account in this currency, as it is now."""
    statement = visible(SYSTEM, CreditAccount)
    statement = statement.where(CreditAccount.company_id == company_id, CreditAccount.currency == currency)
    if locked:
        statement = statement.with_for_update()
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def accounts(actor: Actor, args: Mapping[str, Any], company_id: uuid.UUID | None = None) -> Page:
    """Credit accounts that the actor may see."""
    statement = visible(actor, CreditAccount)
    if company_id is not None:
        statement = statement.where(CreditAccount.company_id == company_id)
    return paginate(statement, args, CreditAccount.id, descending=False)


def changes_of(actor: Actor, account_id: uuid.UUID, args: Mapping[str, Any]) -> Page:
    """What was decided about an account, the latest first. Raises CreditAccountUnknown."""
    own = account(actor, account_id)
    return paginate(visible(actor, CreditChange).where(CreditChange.account_id == own.id), args, CreditChange.id)


def standings(company_id: uuid.UUID) -> list[Standing]:
    """A company's credit in every currency in which it has some. The caller has checked who may see it."""
    statement = visible(SYSTEM, CreditAccount).where(CreditAccount.company_id == company_id)
    rows: Sequence[CreditAccount] = db.session.scalars(
        statement.order_by(CreditAccount.currency).execution_options(populate_existing=True)
    ).all()
    return [Standing(row, terms_in_force(company_id, row.currency)) for row in rows]


def use_of(order_id: uuid.UUID) -> CreditUse | None:
    """What an order takes of its company's credit, locked."""
    statement = visible(SYSTEM, CreditUse).where(CreditUse.order_id == order_id).with_for_update()
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


_MISCOUNTED = text("""
SELECT account.company_id, account.currency, account.used_minor, coalesce(sum(taken.amount_minor), 0) AS taken
FROM credit_account account
LEFT JOIN credit_use taken ON taken.company_id = account.company_id AND taken.currency = account.currency
GROUP BY account.id HAVING account.used_minor <> coalesce(sum(taken.amount_minor), 0)
""")


def miscounted() -> list[tuple[uuid.UUID, str, int, int]]:
    """(company, currency, used as kept, used by its orders) of the accounts that do not add up; none, that is."""
    return [(row[0], row[1], int(row[2]), int(row[3])) for row in db.session.execute(_MISCOUNTED)]


def in_words(minor: int, currency: str) -> str:
    return Money(minor, currency).format()
