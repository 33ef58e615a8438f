"""Terms are granted from a day on and never edited; of a credit limit no more is in use than it allows."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Row, Versioned, append_only, id_column


@append_only
class PaymentTerms(Row):
    """When a company pays its invoices in one currency, from a day on."""

    __tablename__ = "payment_terms"
    __tenants__ = Tenants(buyer="company_id")
    __table_args__ = (
        UniqueConstraint("company_id", "currency", "valid_from"),
        CheckConstraint("kind IN ('net', 'days_end_of_month', 'end_of_month_days', 'none')", name="kind"),
        CheckConstraint("days BETWEEN 0 AND 180", name="days"),
    )

    id: Mapped[uuid.UUID] = id_column()
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    currency: Mapped[str]
    valid_from: Mapped[date]
    kind: Mapped[str]
    days: Mapped[int]
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class CreditAccount(Versioned, Row):
    """How much a company may owe in one currency, and how much it does: what its orders on terms still have to pay.

    `used_minor` moves by single statements only, which do not raise the version: it is the limit that people edit. A
    frozen account takes no new orders.
    """

    __tablename__ = "credit_account"
    __tenants__ = Tenants(buyer="company_id")
    __table_args__ = (
        UniqueConstraint("company_id", "currency"),
        CheckConstraint("limit_minor >= 0 AND used_minor >= 0", name="not_negative"),
        CheckConstraint("(frozen_at IS NULL) = (frozen_reason = '')", name="frozen"),
    )

    id: Mapped[uuid.UUID] = id_column()
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    currency: Mapped[str]
    limit_minor: Mapped[int] = mapped_column(Minor)
    used_minor: Mapped[int] = mapped_column(Minor, default=0)
    frozen_at: Mapped[datetime | None]
    frozen_reason: Mapped[str] = mapped_column(default="")
    frozen_by_dunning: Mapped[bool] = mapped_column(default=False)  # then paying releases it, else a person does
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def free_minor(self) -> int:
        return max(0, self.limit_minor - self.used_minor)


class CreditUse(Row):
    """What one order takes of its company's credit now; 0 once it is paid, cancelled or given up."""

    __tablename__ = "credit_use"
    __tenants__ = Tenants(buyer="company_id")
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "order_id"], ["orders.company_id", "orders.id"]),
        ForeignKeyConstraint(["company_id", "currency"], ["credit_account.company_id", "credit_account.currency"]),
        Index("ix_credit_use_company_id", "company_id", "currency"),
        CheckConstraint("amount_minor >= 0 AND given_up_minor >= 0", name="not_negative"),
    )

    order_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    company_id: Mapped[uuid.UUID]
    currency: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(Minor)
    given_up_minor: Mapped[int] = mapped_column(Minor, default=0)  # written off: not waited for any more


@append_only
class CreditChange(Row):
    """What was decided about a credit account, by whom and why: granted, changed, frozen, released."""

    __tablename__ = "credit_change"
    __tenants__ = Tenants(buyer="company_id")
    __table_args__ = (
        Index("ix_credit_change_account_id", "account_id", "id"),
        CheckConstraint("kind IN ('granted', 'changed', 'frozen', 'released')", name="kind"),
    )

    id: Mapped[uuid.UUID] = id_column()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("credit_account.id"))
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    kind: Mapped[str]
    limit_minor: Mapped[int] = mapped_column(Minor)  # from now on
    reason: Mapped[str]
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(default=clock.now)
