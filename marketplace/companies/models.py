"""A company is the tenant; people belong to companies with roles; secrets are stored as hashes only."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Role, Tenants
from marketplace.kernel.db import Row, Versioned, id_column


class Company(Versioned, Row):
    """A tenant: it buys, sells, or operates the marketplace. A vendor's id is its company's id."""

    __tablename__ = "company"
    __tenants__ = Tenants(own="id", public=lambda m: m.may_sell)
    __table_args__ = (
        Index("uq_company_operator", "is_operator", unique=True, postgresql_where=text("is_operator")),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
    )

    id: Mapped[uuid.UUID] = id_column()
    name: Mapped[str]
    country: Mapped[str]
    currency: Mapped[str] = mapped_column(default="EUR")
    vat_id: Mapped[str | None]  # compact, with its country prefix, format and check digits verified offline
    vat_checked_at: Mapped[datetime | None]
    registration_number: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="")
    is_operator: Mapped[bool] = mapped_column(default=False)
    may_sell: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Person(Row):
    """Somebody who signs in; belongs to companies through memberships."""

    __tablename__ = "person"
    __tenants__ = Tenants()
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"),)

    id: Mapped[uuid.UUID] = id_column()
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Membership(Row):
    """One role of one person in one company; several rows, several roles."""

    __tablename__ = "membership"
    __tenants__ = Tenants(own="company_id")
    __table_args__ = (
        UniqueConstraint("company_id", "person_id", "role"),
        CheckConstraint("role IN (" + ", ".join(f"'{r.value}'" for r in Role) + ")", name="role"),
        Index("ix_membership_person_id", "person_id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Invitation(Row):
    """An open door for one address, until accepted, revoked or too old."""

    __tablename__ = "invitation"
    __tenants__ = Tenants(own="company_id")
    __table_args__ = (Index("ix_invitation_company_id", "company_id"),)

    id: Mapped[uuid.UUID] = id_column()
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    email: Mapped[str]
    roles: Mapped[list[Any]]
    token_hash: Mapped[str] = mapped_column(unique=True)
    invited_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class PasswordReset(Row):
    """A person who forgot the password may choose another one, once and soon."""

    __tablename__ = "password_reset"
    __tenants__ = Tenants()
    __table_args__ = (Index("ix_password_reset_person_id", "person_id"),)

    id: Mapped[uuid.UUID] = id_column()
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Address(Versioned, Row):
    """A postal address of a company; orders copy it, so an edit changes no order."""

    __tablename__ = "address"
    __tenants__ = Tenants(own="company_id")
    __table_args__ = (UniqueConstraint("company_id", "id"),)

    id: Mapped[uuid.UUID] = id_column()
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    recipient: Mapped[str]
    line1: Mapped[str]
    line2: Mapped[str] = mapped_column(default="")
    postal_code: Mapped[str]
    city: Mapped[str]
    region: Mapped[str] = mapped_column(default="")
    country: Mapped[str]
    phone: Mapped[str] = mapped_column(default="")
    is_default: Mapped[bool] = mapped_column(default=False)
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class ApiKey(Row):
    """A key acts as its person in its company; the secret is shown once and stored as SHA-256."""

    __tablename__ = "api_key"
    __tenants__ = Tenants(own="company_id")
    __table_args__ = (Index("ix_api_key_company_id", "company_id"),)

    id: Mapped[uuid.UUID] = id_column()
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    name: Mapped[str]
    prefix: Mapped[str]  # the first characters, to recognise it by
    secret_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Session(Row):
    """A signed-in browser: acts for one company at a time; the cookie's token is stored as SHA-256."""

    __tablename__ = "session"
    __tenants__ = Tenants()
    __table_args__ = (Index("ix_session_person_id", "person_id"),)

    id: Mapped[uuid.UUID] = id_column()
    token_hash: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
