"""Who may do what, and who sees which row: decided here and nowhere else."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, wraps
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g
from sqlalchemy import ColumnElement, Select, Uuid, bindparam, false, or_, select

from marketplace.kernel.db import Row
from marketplace.kernel.errors import Forbidden

R = TypeVar("R", bound=Row)
View = TypeVar("View", bound=Callable[..., Any])


class SignInRequired(Forbidden):
    """Sign in, or send an API key."""

    message = "Sign in, or send an API key."


class NotAllowed(Forbidden):
    """The role of this person in this company does not include the permission."""


class Side(StrEnum):
    """The party for which an actor acts; a company may be on several."""

    BUYER = "buyer"
    VENDOR = "vendor"
    OPERATOR = "operator"


class Role(StrEnum):
    """What a person is in one company; `side.name`."""

    REQUESTER = "buyer.requester"
    BUYER = "buyer.buyer"
    APPROVER = "buyer.approver"
    ADMINISTRATOR = "buyer.administrator"
    VENDOR_MANAGER = "vendor.manager"
    VENDOR_CLERK = "vendor.clerk"
    OPERATOR = "operator.staff"

    @property
    def side(self) -> Side:
        return Side(self.value.split(".")[0])


class Permission(StrEnum):
    """One thing that an endpoint lets a person do."""

    SESSION = "session"  # any signed-in person, about himself
    COMPANY_READ = "company.read"
    COMPANY_EDIT = "company.edit"
    PEOPLE_MANAGE = "people.manage"
    KEY_MANAGE = "key.manage"
    ADDRESS_READ = "address.read"
    ADDRESS_EDIT = "address.edit"
    CATALOGUE_READ = "catalogue.read"
    CATALOGUE_EDIT = "catalogue.edit"  # categories and shared products
    OFFER_EDIT = "offer.edit"
    PRICE_EDIT = "price.edit"
    FEED_RUN = "feed.run"
    FEED_MAPPING_EDIT = "feed_mapping.edit"  # how files are read: one's own, the operator those that all may use
    RULES_READ = "rules.read"
    PROMOTION_EDIT = "promotion.edit"
    DELIVERY_RATE_EDIT = "delivery_rate.edit"
    POLICY_EDIT = "policy.edit"  # tax rates and return policies
    TERMS_READ = "terms.read"
    TERMS_EDIT = "terms.edit"
    CREDIT_READ = "credit.read"  # payment terms, credit, and what is to be paid on account
    CREDIT_EDIT = "credit.edit"
    BANK_MATCH = "bank.match"  # take in bank transfers and assign them
    WRITE_OFF = "write_off"  # give up what a buyer owes: one proposes, another decides
    CART_USE = "cart.use"
    ORDER_PLACE = "order.place"
    ORDER_READ = "order.read"
    ORDER_PAY = "order.pay"
    ORDER_CANCEL = "order.cancel"
    VENDOR_ORDER_READ = "vendor_order.read"
    VENDOR_ORDER_FULFIL = "vendor_order.fulfil"  # confirm, ship, deliver
    VENDOR_ORDER_CANCEL = "vendor_order.cancel"
    RETURN_READ = "return.read"
    RETURN_REQUEST = "return.request"  # open a case, send goods, appeal: the buyer's part
    RETURN_ANSWER = "return.answer"  # approve, receive, inspect, decide: the vendor's part
    RETURN_SETTLE = "return.settle"  # charges, arbitration, deciding again: the operator's part
    APPLICATION_SUBMIT = "application.submit"
    APPLICATION_REVIEW = "application.review"
    INVOICE_READ = "invoice.read"
    BOOKS_READ = "books.read"
    STATEMENT_READ = "statement.read"  # a vendor's balance and statements
    SETTLEMENT_RUN = "settlement.run"  # runs, and what is held
    PAYOUT_READ = "payout.read"  # a vendor's account at the provider, and what is paid to it
    PAYOUT_SETUP = "payout.setup"
    PAYOUT_BLOCK = "payout.block"
    ADJUSTMENT_MAKE = "adjustment.make"  # propose what is booked by hand
    ADJUSTMENT_APPROVE = "adjustment.approve"  # as another person than who proposed it
    PRODUCT_MERGE = "product.merge"  # decide which products are one
    SEARCH_STEER = "search.steer"  # synonyms, boosts, and what was searched
    DISPUTE_ANSWER = "dispute.answer"
    RECONCILE = "reconcile"
    OPERATE = "operate"  # jobs, outbox, failures


P = Permission
_EVERYONE = {P.SESSION, P.COMPANY_READ, P.ADDRESS_READ, P.CATALOGUE_READ, P.RULES_READ}
_RETURNS = {P.RETURN_READ, P.RETURN_REQUEST}
_REQUESTER = _EVERYONE | {P.CART_USE, P.ORDER_READ, P.RETURN_READ, P.INVOICE_READ}
_BUYER = (
    _REQUESTER | _RETURNS | {P.ORDER_PLACE, P.ORDER_PAY, P.ORDER_CANCEL, P.ADDRESS_EDIT, P.KEY_MANAGE, P.CREDIT_READ}
)
_CLERK = _EVERYONE | {P.VENDOR_ORDER_READ, P.VENDOR_ORDER_FULFIL, P.OFFER_EDIT, P.APPLICATION_SUBMIT}
_CLERK |= {P.RETURN_READ, P.RETURN_ANSWER}
WHO_MAY_WHAT: dict[Role, frozenset[Permission]] = {
    Role.REQUESTER: frozenset(_REQUESTER),
    Role.APPROVER: frozenset(_REQUESTER | _RETURNS | {P.ORDER_CANCEL, P.CREDIT_READ}),
    Role.BUYER: frozenset(_BUYER),
    Role.ADMINISTRATOR: frozenset(_BUYER | {P.COMPANY_EDIT, P.PEOPLE_MANAGE, P.APPLICATION_SUBMIT}),
    Role.VENDOR_CLERK: frozenset(_CLERK),
    Role.VENDOR_MANAGER: frozenset(
        _CLERK
        | {P.COMPANY_EDIT, P.PEOPLE_MANAGE, P.KEY_MANAGE, P.ADDRESS_EDIT, P.CATALOGUE_EDIT, P.PRICE_EDIT, P.FEED_RUN}
        | {P.FEED_MAPPING_EDIT, P.PROMOTION_EDIT, P.DELIVERY_RATE_EDIT, P.VENDOR_ORDER_CANCEL, P.TERMS_READ}
        | {P.PAYOUT_READ, P.PAYOUT_SETUP, P.INVOICE_READ, P.STATEMENT_READ}
    ),
    Role.OPERATOR: frozenset(
        set(Permission) - {P.CART_USE, P.ORDER_PLACE, P.APPLICATION_SUBMIT, P.FEED_RUN, P.PAYOUT_SETUP}
    ),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """A person acting for one company with his roles there; SYSTEM for jobs, ANONYMOUS for nobody."""

    person_id: uuid.UUID | None = None
    company_id: uuid.UUID | None = None
    roles: frozenset[Role] = frozenset()
    system: bool = False
    may_sell: bool = False  # the company, not the person: a suspended vendor keeps his roles
    key_id: uuid.UUID | None = None  # the API key, where one was used
    session_id: uuid.UUID | None = None
    name: str = ""

    @property
    def sides(self) -> frozenset[Side]:
        return frozenset(role.side for role in self.roles)

    @property
    def signed_in(self) -> bool:
        return self.system or self.person_id is not None

    def may(self, permission: Permission) -> bool:
        return self.system or any(permission in WHO_MAY_WHAT[role] for role in self.roles)

    def acts_as(self, side: Side) -> bool:
        return side in self.sides

    @property
    def sees_all(self) -> bool:
        """The operator and the system see every row."""
        return self.system or Side.OPERATOR in self.sides


SYSTEM = Actor(system=True, name="system")
ANONYMOUS = Actor()


@dataclass(frozen=True, slots=True)
class Tenants:
    """Which columns of a model say whose row it is; declared on the model as `__tenants__`.

    `buyer` and `vendor` name the column that holds the company on that side, `own` a column that belongs to the company
    on whichever side it acts. `public(model)` gives the condition under which everyone sees the row (None: never).
    """

    buyer: str | None = None
    vendor: str | None = None
    own: str | None = None
    public: Callable[[Any], ColumnElement[bool]] | None = field(default=None)


def visible_where(actor: Actor, model: type[R]) -> ColumnElement[bool] | None:
    """The tenant's condition on `model`, None where the actor sees every row."""
    if actor.sees_all:
        return None
    tenants: Tenants = model.__tenants__  # type: ignore[attr-defined]
    conditions: list[ColumnElement[bool]] = []
    if tenants.public is not None:
        conditions.append(tenants.public(model))
    if actor.company_id is not None:
        for column, granted in (
            (tenants.buyer, Side.BUYER in actor.sides),
            (tenants.vendor, Side.VENDOR in actor.sides),
            (tenants.own, True),
        ):
            if column is not None and granted:
                conditions.append(getattr(model, column) == actor.company_id)
    return or_(*conditions) if conditions else false()


def visible(actor: Actor, model: type[R]) -> Select[R]:
    """SELECT of the rows of `model` that `actor` may know of; every query starts here."""
    condition = visible_where(actor, model)
    statement = select(model)
    return statement if condition is None else statement.where(condition)


ACTING = "acting_company"


def prepared(build: Callable[..., Select[Any]]) -> Callable[..., Select[Any]]:
    """For a function of a viewer (and a few flags) that makes a statement: it is made once for each kind of viewer.

    To make a statement costs more than to run it. What varies is a bindparam; the viewer's company is one already, so
    the statement is run with `given(actor, name=value)`.
    """

    @cache
    def made(roles: frozenset[Role], system: bool, has_company: bool, *flags: Any) -> Select[Any]:
        company: Any = bindparam(ACTING, type_=Uuid()) if has_company else None
        return build(Actor(company_id=cast(uuid.UUID | None, company), roles=roles, system=system), *flags)

    @wraps(build)
    def of(actor: Actor, *flags: Any) -> Select[Any]:
        return made(actor.roles, actor.system, actor.company_id is not None, *flags)

    return of


def given(actor: Actor, **values: Any) -> dict[str, Any]:
    """The values of a prepared statement for this viewer."""
    return values if actor.sees_all else values | {ACTING: actor.company_id}


def load_actors_with(app: Flask, loader: Callable[[], Actor]) -> None:
    """`loader` tells who sends the present request; called at most once a request, on first use."""
    app.extensions["kontor_actor_loader"] = loader


def current_actor() -> Actor:
    """Who sends the present request; ANONYMOUS for nobody."""
    if "actor" not in g:
        g.actor = current_app.extensions["kontor_actor_loader"]()
    actor: Actor = g.actor
    return actor


def check(actor: Actor, *permissions: Permission) -> None:
    """Raises SignInRequired or NotAllowed unless the actor holds each permission."""
    if not permissions:
        raise ValueError("name at least one permission")
    if not actor.signed_in:
        raise SignInRequired
    for permission in permissions:
        if not actor.may(permission):
            raise NotAllowed(f"Your role does not include '{permission.value}'.", permission=permission.value)


def requires(*permissions: Permission) -> Callable[[View], View]:
    """The view is for actors who hold each of `permissions`; refused before the body is read."""
    if not permissions:
        raise ValueError("requires() without a permission lets everyone in; say @public if that is meant")

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            check(current_actor(), *permissions)
            return view(*args, **kwargs)

        guarded.__access__ = permissions  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def public(view: View) -> View:
    """The view is for everyone, signed in or not."""
    view.__access__ = ()  # type: ignore[attr-defined]
    return view
