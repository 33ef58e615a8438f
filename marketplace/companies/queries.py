"""Every SELECT over companies, people, their keys and sessions."""

import functools
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from marketplace.companies.models import (
    Address,
    ApiKey,
    Company,
    Invitation,
    Membership,
    PasswordReset,
    Person,
    Session,
)
from marketplace.kernel import clock, reads
from marketplace.kernel.access import SYSTEM, WHO_MAY_WHAT, Actor, Permission, Role, Side, visible
from marketplace.kernel.db import db
from marketplace.kernel.errors import NotFound
from marketplace.kernel.web import Page, paginate

MANAGING = frozenset(role for role in Role if Permission.PEOPLE_MANAGE in WHO_MAY_WHAT[role])


class CompanyNotFound(NotFound):
    """No such company, or not for this actor."""


class AddressNotFound(NotFound):
    """No such address, or not for this actor."""


class PersonNotFound(NotFound):
    """No such person in this company."""


class KeyNotFound(NotFound):
    """No such API key in this company."""


class InvitationNotFound(NotFound):
    """No such invitation in this company."""


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a company with the roles held there."""

    person_id: uuid.UUID
    name: str
    email: str
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Belonging:
    """A company that a person may act for, with the roles held there."""

    company_id: uuid.UUID
    name: str
    may_sell: bool
    is_operator: bool
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Who an API key acts as, and when it was last seen to be used."""

    actor: Actor
    last_used_at: datetime | None


def company(actor: Actor, company_id: uuid.UUID) -> Company:
    """Raises CompanyNotFound."""
    found = db.session.scalars(visible(actor, Company).where(Company.id == company_id)).one_or_none()
    if found is None:
        raise CompanyNotFound
    return found


def own_company(actor: Actor) -> Company:
    """The company that the actor acts for. Raises CompanyNotFound."""
    if actor.company_id is None:
        raise CompanyNotFound
    return company(actor, actor.company_id)


def company_locked(company_id: uuid.UUID) -> Company:
    """The company under its row lock, which serialises changes of its people and addresses. Raises CompanyNotFound."""
    statement = visible(SYSTEM, Company).where(Company.id == company_id).with_for_update()
    found = db.session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()
    if found is None:
        raise CompanyNotFound
    return found


def companies(actor: Actor, args: Mapping[str, Any]) -> Page:
    """A page of the companies the actor may know of: his own and those that sell; the operator all."""
    return paginate(visible(actor, Company), args, Company.id)


def companies_by_id(company_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Company]:
    """Companies by id for callers that already decided what the reader may see; missing ids are absent."""
    if not company_ids:
        return {}
    rows = db.session.scalars(visible(SYSTEM, Company).where(Company.id.in_(company_ids)))
    return {row.id: row for row in rows}


def operator_company() -> Company:
    """The company that runs the marketplace. Raises CompanyNotFound before it exists."""
    found = _operator()
    if found is None:
        raise CompanyNotFound("The company that operates the marketplace does not exist yet.")
    return found


def operator_exists() -> bool:
    return _operator() is not None


def _operator() -> Company | None:
    return db.session.scalars(visible(SYSTEM, Company).where(Company.is_operator)).one_or_none()


def address(actor: Actor, address_id: uuid.UUID) -> Address:
    """The address, archived or not. Raises AddressNotFound."""
    found = db.session.scalars(visible(actor, Address).where(Address.id == address_id)).one_or_none()
    if found is None:
        raise AddressNotFound
    return found


def addresses(actor: Actor, args: Mapping[str, Any]) -> Page:
    """A page of the addresses in use of the actor's own company."""
    return paginate(_own_addresses(actor), args, Address.id)


def default_address(company_id: uuid.UUID) -> Address | None:
    """The address that `company_id` chose, else its oldest in use."""
    statement = _addresses_in_use(SYSTEM, company_id).order_by(Address.is_default.desc(), Address.id).limit(1)
    return db.session.scalars(statement).one_or_none()


def other_default_addresses(company_id: uuid.UUID, address_id: uuid.UUID) -> Sequence[Address]:
    """The company's default addresses beside this one, for update."""
    statement = _addresses_in_use(SYSTEM, company_id).where(Address.is_default, Address.id != address_id)
    return db.session.scalars(statement.with_for_update()).all()


def _own_addresses(actor: Actor) -> Select[tuple[Address]]:
    return visible(actor, Address).where(Address.company_id == actor.company_id, Address.archived_at.is_(None))


def _addresses_in_use(actor: Actor, company_id: uuid.UUID) -> Select[tuple[Address]]:
    return visible(actor, Address).where(Address.company_id == company_id, Address.archived_at.is_(None))


def members(company_id: uuid.UUID, permission: Permission | None = None) -> list[Member]:
    """The people of a company, by name; with `permission`, those whose roles include it. For callers that checked."""
    wanted = [role for role in Role if permission is None or permission in WHO_MAY_WHAT[role]]
    statement = (
        select(Person.id, Person.name, Person.email, func.array_agg(Membership.role))
        .join(Membership, Membership.person_id == Person.id)
        .where(Membership.company_id == company_id, Membership.role.in_(wanted), Person.active)
        .group_by(Person.id)
        .order_by(Person.name, Person.id)
    )
    return [Member(row[0], row[1], row[2], _roles(row[3])) for row in db.session.execute(statement)]


def people(actor: Actor, args: Mapping[str, Any]) -> Page:
    """A page of the people of the actor's own company."""
    own = visible(actor, Membership).where(Membership.company_id == actor.company_id)
    statement = visible(SYSTEM, Person).where(Person.id.in_(own.with_only_columns(Membership.person_id)))
    page = paginate(statement, args, Person.id)
    roles = _roles_in(actor.company_id, [person.id for person in page.items])
    return Page([Member(p.id, p.name, p.email, _roles(roles[p.id])) for p in page.items], page.next)


def member(actor: Actor, person_id: uuid.UUID) -> Member:
    """One person of the actor's own company. Raises PersonNotFound."""
    own = visible(actor, Membership).where(Membership.company_id == actor.company_id, Membership.person_id == person_id)
    rows = db.session.scalars(own).all()
    if not rows:
        raise PersonNotFound
    found = person(person_id)
    return Member(found.id, found.name, found.email, _roles(row.role for row in rows))


def person(person_id: uuid.UUID) -> Person:
    """Raises PersonNotFound. For callers that know who it is."""
    found = db.session.get(Person, person_id)
    if found is None:
        raise PersonNotFound
    return found


def any_person() -> bool:
    return db.session.scalars(visible(SYSTEM, Person).limit(1)).first() is not None


def person_by_email(email: str) -> Person | None:
    """`email` in any spelling of its letters."""
    return db.session.scalars(visible(SYSTEM, Person).where(Person.email == email.lower())).one_or_none()


def memberships(company_id: uuid.UUID, person_id: uuid.UUID | None = None) -> Sequence[Membership]:
    """The membership rows of a company, or of one person in it."""
    statement = visible(SYSTEM, Membership).where(Membership.company_id == company_id)
    if person_id is not None:
        statement = statement.where(Membership.person_id == person_id)
    return db.session.scalars(statement.order_by(Membership.id)).all()


def belongings(person_id: uuid.UUID) -> list[Belonging]:
    """The companies a person may act for, the first joined first."""
    statement = (
        select(Company.id, Company.name, Company.may_sell, Company.is_operator, func.array_agg(Membership.role))
        .join(Membership, Membership.company_id == Company.id)
        .where(Membership.person_id == person_id)
        .group_by(Company.id)
        .order_by(func.min(Membership.created_at), Company.id)
    )
    return [Belonging(row[0], row[1], row[2], row[3], _roles(row[4])) for row in db.session.execute(statement)]


def api_keys(actor: Actor, args: Mapping[str, Any]) -> Page:
    """A page of the company's keys: all of them for who manages its people, else the actor's own."""
    return paginate(_keys(actor), args, ApiKey.id)


def api_key(actor: Actor, key_id: uuid.UUID) -> ApiKey:
    """Raises KeyNotFound."""
    found = db.session.scalars(_keys(actor).where(ApiKey.id == key_id).with_for_update()).one_or_none()
    if found is None:
        raise KeyNotFound
    return found


def _keys(actor: Actor) -> Select[tuple[ApiKey]]:
    statement = visible(actor, ApiKey).where(ApiKey.company_id == actor.company_id)
    if not actor.may(Permission.PEOPLE_MANAGE):
        statement = statement.where(ApiKey.person_id == actor.person_id)
    return statement


def invitations(actor: Actor, args: Mapping[str, Any]) -> Page:
    """A page of the invitations of the actor's own company, the newest first."""
    return paginate(visible(actor, Invitation).where(Invitation.company_id == actor.company_id), args, Invitation.id)


def invitation(actor: Actor, invitation_id: uuid.UUID) -> Invitation:
    """An invitation of the actor's own company, for update. Raises InvitationNotFound."""
    statement = visible(actor, Invitation).where(
        Invitation.id == invitation_id, Invitation.company_id == actor.company_id
    )
    found = db.session.scalars(statement.with_for_update()).one_or_none()
    if found is None:
        raise InvitationNotFound
    return found


def open_invitation(invitation_id: uuid.UUID) -> Invitation | None:
    """The invitation, if its door is still open; for the letter's job."""
    statement = visible(SYSTEM, Invitation).where(
        Invitation.id == invitation_id,
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > clock.now(),
    )
    return db.session.scalars(statement).one_or_none()


def invitation_of_token(hashed: str, *, lock: bool = False) -> Invitation | None:
    """The invitation whose token has this hash; with `lock`, for update."""
    statement = visible(SYSTEM, Invitation).where(Invitation.token_hash == hashed)
    return db.session.scalars(statement.with_for_update() if lock else statement).one_or_none()


def password_reset_of_token(hashed: str) -> PasswordReset | None:
    """The reset whose token has this hash, for update."""
    return db.session.scalars(visible(SYSTEM, PasswordReset).filter_by(token_hash=hashed).with_for_update()).first()


def sessions(person_id: uuid.UUID, company_id: uuid.UUID | None = None) -> Sequence[Session]:
    """The sessions of a person that are not revoked, everywhere or for one company."""
    statement = visible(SYSTEM, Session).where(Session.person_id == person_id, Session.revoked_at.is_(None))
    if company_id is not None:
        statement = statement.where(Session.company_id == company_id)
    return db.session.scalars(statement.with_for_update()).all()


def session(session_id: uuid.UUID) -> Session | None:
    return db.session.get(Session, session_id)


def session_of_token(hashed: str) -> Session | None:
    return db.session.scalars(visible(SYSTEM, Session).where(Session.token_hash == hashed)).one_or_none()


def keys_of(person_id: uuid.UUID, company_id: uuid.UUID) -> Sequence[ApiKey]:
    """The keys of a person in a company that are not revoked."""
    statement = visible(SYSTEM, ApiKey).where(
        ApiKey.person_id == person_id, ApiKey.company_id == company_id, ApiKey.revoked_at.is_(None)
    )
    return db.session.scalars(statement.with_for_update()).all()


def actor_of_session(hashed: str) -> Actor | None:
    """Who a cookie's token acts as: one query; None where the session ended or its person left the company."""
    rows = reads.fetch(_session_statement(), {"hashed": hashed, "now": clock.now()})
    return _actor(rows[0], session_id=rows[0][0]) if rows else None


@functools.cache
def _session_statement() -> str:
    """Built once: every request of a browser asks it."""
    statement = _actor_columns(Session.id, Session.expires_at).where(
        Session.token_hash == bindparam("hashed"),
        Session.revoked_at.is_(None),
        Session.expires_at > bindparam("now"),
    )
    return reads.in_driver_words(_joined(statement, Session))


def holder_of_key(hashed: str) -> KeyHolder | None:
    """Who an API key acts as: one query; None where it was revoked or its person left the company."""
    rows = reads.fetch(_holder_statement(), {"hashed": hashed})
    return KeyHolder(_actor(rows[0], key_id=rows[0][0]), rows[0][1]) if rows else None


@functools.cache
def _holder_statement() -> str:
    """Built once: every request of a program asks it."""
    statement = _actor_columns(ApiKey.id, ApiKey.last_used_at).where(
        ApiKey.secret_hash == bindparam("hashed"), ApiKey.revoked_at.is_(None)
    )
    return reads.in_driver_words(_joined(statement, ApiKey))


def _actor_columns(*first: Any) -> Select[Any]:
    return select(*first, Person.id, Person.name, Company.id, Company.may_sell, func.array_agg(Membership.role))


def _joined(statement: Select[Any], bearer: type[Session] | type[ApiKey]) -> Select[Any]:
    return (
        statement.select_from(bearer)
        .join(Person, Person.id == bearer.person_id)
        .join(Company, Company.id == bearer.company_id)
        .join(Membership, (Membership.person_id == Person.id) & (Membership.company_id == Company.id))
        .where(Person.active)
        .group_by(bearer.id, Person.id, Company.id)
    )


def _actor(row: Any, **bearer: uuid.UUID) -> Actor:
    _, _, person_id, name, company_id, may_sell, roles = row
    return Actor(
        person_id=person_id,
        company_id=company_id,
        roles=frozenset(_roles(roles)),
        may_sell=may_sell,
        name=name,
        **bearer,
    )


def _roles_in(company_id: uuid.UUID | None, person_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    found: dict[uuid.UUID, list[str]] = defaultdict(list)
    statement = select(Membership.person_id, Membership.role).where(
        Membership.company_id == company_id, Membership.person_id.in_(person_ids)
    )
    for person_id, role in db.session.execute(statement):
        found[person_id].append(role)
    return found


def _roles(texts: Iterable[str]) -> tuple[Role, ...]:
    held = set(texts)
    return tuple(role for role in Role if role.value in held)


def roles_that_fit(found: Company) -> frozenset[Role]:
    """The roles that people of this company may hold: by the sides on which it acts."""
    if found.is_operator:
        return frozenset(role for role in Role if role.side is Side.OPERATOR)
    sold_before = any(Role(row.role).side is Side.VENDOR for row in memberships(found.id))
    sides = {Side.BUYER, Side.VENDOR} if found.may_sell or sold_before else {Side.BUYER}
    return frozenset(role for role in Role if role.side in sides)
