"""What rules hold at a moment: every SELECT of this room."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, bindparam, or_
from sqlalchemy.dialects.postgresql import JSONB, distinct_on

from marketplace.catalogue.models import Offer
from marketplace.companies.models import Company
from marketplace.kernel.access import SYSTEM, Actor, prepared, visible
from marketplace.kernel.db import db
from marketplace.kernel.errors import Invalid, NotFound
from marketplace.rules.models import DeliveryRate, Promotion, ReturnPolicy, TaxRate


class PromotionCodeUnknown(Invalid):
    """No promotion carries this code in this currency."""

    message = "This code is not known."


class PromotionCodeNotRunning(Invalid):
    """The promotion of this code has not started, or is over."""

    message = "This code is not valid at the moment."


class PromotionUnknown(NotFound):
    """There is no such promotion."""

    message = "There is no such promotion."


class DeliveryRateUnknown(NotFound):
    """There is no such delivery rate."""

    message = "There is no such delivery rate."


class ReturnPolicyUnknown(NotFound):
    """No return policy was published for the profile."""

    message = "No return policy was published for this profile."


def tax_rates(countries: Iterable[str], day: date) -> dict[tuple[str, str], Decimal]:
    """{(country, tax category): rate} as valid on `day`; a category without a row in a country is absent."""
    rows = db.session.execute(_tax_rates(SYSTEM), {"countries": sorted(set(countries)), "day": day})
    return {(country, category): rate for country, category, rate in rows}


@prepared
def _tax_rates(viewer: Actor) -> Select[Any]:
    return (
        visible(viewer, TaxRate)
        .with_only_columns(TaxRate.country, TaxRate.category, TaxRate.rate)
        .where(TaxRate.country.in_(bindparam("countries", expanding=True)), TaxRate.valid_from <= bindparam("day"))
        .ext(distinct_on(TaxRate.country, TaxRate.category))
        .order_by(TaxRate.country, TaxRate.category, TaxRate.valid_from.desc())
    )


def promotions_running(currency: str, moment: datetime, codes: Sequence[str] = ()) -> list[Promotion]:
    """Promotions that apply by themselves or by one of `codes`, in the order of application.

    Raises PromotionCodeUnknown and PromotionCodeNotRunning with the pointer `/codes/<i>`. Codes are compared without
    regard to case; the same code twice counts once.
    """
    wanted = [code.strip().upper() for code in codes]
    values = {"currency": currency, "moment": moment, "codes": wanted}
    rows = list(db.session.scalars(_running(SYSTEM), values))
    running = {row.code for row in rows}
    missing = [code for code in wanted if code not in running]
    if missing:
        known = {row.code for row in _with_codes(currency, missing)}
        index = wanted.index(missing[0])
        refusal = PromotionCodeNotRunning if missing[0] in known else PromotionCodeUnknown
        raise refusal(pointer=f"/codes/{index}", code=codes[index])
    return rows


@prepared
def _running(viewer: Actor) -> Select[Any]:
    moment = bindparam("moment", type_=Promotion.starts_at.type)
    return (
        visible(viewer, Promotion)
        .where(Promotion.currency == bindparam("currency"), Promotion.starts_at <= moment)
        .where(or_(Promotion.ends_at.is_(None), Promotion.ends_at > moment))
        .where(or_(Promotion.code.is_(None), Promotion.code.in_(bindparam("codes", expanding=True))))
        .order_by(Promotion.position, Promotion.id)
    )


def _with_codes(currency: str, codes: list[str]) -> Iterable[Promotion]:
    statement = visible(SYSTEM, Promotion).where(Promotion.currency == currency, Promotion.code.in_(codes))
    return db.session.scalars(statement)


def delivery_rates(vendor_ids: Iterable[uuid.UUID], currency: str, country: str) -> dict[uuid.UUID, list[DeliveryRate]]:
    """{vendor id: the active rates that reach `country`}: the vendor's own first, then the operator's (vendor_id None),
    each by position. A vendor without any has an empty list."""
    wanted = list(dict.fromkeys(vendor_ids))
    if not wanted:
        return {}
    values = {"vendor_ids": wanted, "currency": currency, "countries": [country]}
    rows = list(db.session.scalars(_delivery_rates(SYSTEM), values))
    operators = [row for row in rows if row.vendor_id is None]
    return {vendor: [*(row for row in rows if row.vendor_id == vendor), *operators] for vendor in wanted}


@prepared
def _delivery_rates(viewer: Actor) -> Select[Any]:
    own = DeliveryRate.vendor_id.in_(bindparam("vendor_ids", expanding=True))
    reached = DeliveryRate.countries.contains(bindparam("countries", type_=JSONB()))
    return (
        visible(viewer, DeliveryRate)
        .where(DeliveryRate.active, DeliveryRate.currency == bindparam("currency"))
        .where(or_(DeliveryRate.vendor_id.is_(None), own))
        .where(or_(DeliveryRate.countries == [], reached))
        .order_by(DeliveryRate.position, DeliveryRate.id)
    )


def return_policy(profile: str) -> tuple[str, dict[str, Any]]:
    """(version such as `b2b/3`, the formula's policy as JSON), newest of the profile. Raises ReturnPolicyUnknown."""
    row = newest_policy(profile)
    if row is None:
        raise ReturnPolicyUnknown(profile=profile)
    return f"{row.profile}/{row.number}", row.content


def newest_policy(profile: str) -> ReturnPolicy | None:
    return db.session.scalars(_newest_policy(SYSTEM), {"profile": profile}).first()


@prepared
def _newest_policy(viewer: Actor) -> Select[Any]:
    statement = visible(viewer, ReturnPolicy).where(ReturnPolicy.profile == bindparam("profile"))
    return statement.order_by(ReturnPolicy.number.desc()).limit(1)


def promotion(actor: Actor, promotion_id: uuid.UUID, *, locked: bool = False) -> Promotion:
    """One promotion. Raises PromotionUnknown."""
    statement = visible(actor, Promotion).where(Promotion.id == promotion_id)
    row = db.session.scalars(statement.with_for_update() if locked else statement).one_or_none()
    if row is None:
        raise PromotionUnknown
    return row


def promotions(actor: Actor) -> Select[tuple[Promotion]]:
    return visible(actor, Promotion)


def delivery_rate(actor: Actor, rate_id: uuid.UUID, *, locked: bool = False) -> DeliveryRate:
    """One delivery rate. Raises DeliveryRateUnknown."""
    statement = visible(actor, DeliveryRate).where(DeliveryRate.id == rate_id)
    row = db.session.scalars(statement.with_for_update() if locked else statement).one_or_none()
    if row is None:
        raise DeliveryRateUnknown
    return row


def all_delivery_rates(actor: Actor) -> Select[tuple[DeliveryRate]]:
    return visible(actor, DeliveryRate)


def all_tax_rates(actor: Actor, country: str | None) -> Select[tuple[TaxRate]]:
    statement = visible(actor, TaxRate)
    return statement if country is None else statement.where(TaxRate.country == country)


def return_policies(actor: Actor, profile: str | None) -> Select[tuple[ReturnPolicy]]:
    statement = visible(actor, ReturnPolicy)
    return statement if profile is None else statement.where(ReturnPolicy.profile == profile)


def return_policy_version(actor: Actor, policy_id: uuid.UUID) -> ReturnPolicy:
    """One version of a return policy. Raises ReturnPolicyUnknown."""
    row = db.session.scalars(visible(actor, ReturnPolicy).where(ReturnPolicy.id == policy_id)).one_or_none()
    if row is None:
        raise ReturnPolicyUnknown
    return row


def has_tax_rate(country: str, category: str) -> bool:
    """Was any rate of this country and category ever entered?"""
    statement = visible(SYSTEM, TaxRate).where(TaxRate.country == country, TaxRate.category == category)
    return db.session.scalars(statement.limit(1)).first() is not None


def known_vendors(vendor_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the companies that may sell."""
    statement = visible(SYSTEM, Company).with_only_columns(Company.id)
    return set(db.session.scalars(statement.where(Company.id.in_(list(vendor_ids)), Company.may_sell)))


def known_offers(offer_ids: Iterable[uuid.UUID], vendor_id: uuid.UUID | None) -> set[uuid.UUID]:
    """Those of the offers that exist, of this vendor where one is given."""
    statement = visible(SYSTEM, Offer).with_only_columns(Offer.id).where(Offer.id.in_(list(offer_ids)))
    if vendor_id is not None:
        statement = statement.where(Offer.vendor_id == vendor_id)
    return set(db.session.scalars(statement))
