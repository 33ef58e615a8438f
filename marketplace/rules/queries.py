"""What rules hold at a moment: every SELECT of this room."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Select, bindparam

from marketplace.catalogue.models import Offer
from marketplace.companies.models import Company
from marketplace.kernel import reads
from marketplace.kernel.access import SYSTEM, Actor, prepared, visible
from marketplace.kernel.db import db
from marketplace.kernel.errors import Invalid, NotFound
from marketplace.rules.models import DeliveryRate, Promotion, ReturnPolicy, TaxRate
from marketplace.rules.return_terms import DEFAULT_TERMS


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


@dataclass(frozen=True, slots=True)
class RunningPromotion:
    """A promotion as models.Promotion says, at a moment at which it runs."""

    id: uuid.UUID
    vendor_id: uuid.UUID | None
    name: str
    code: str | None
    steps: Sequence[Mapping[str, Any]]
    vendor_share: Decimal
    scope: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OfferedDelivery:
    """An active delivery rate as models.DeliveryRate says; vendor_id None: the operator's."""

    id: uuid.UUID
    vendor_id: uuid.UUID | None
    name: str
    price_minor: int
    free_from_minor: int | None
    free_basis: str
    tax_category: str


@dataclass(frozen=True, slots=True)
class InForce:
    """What holds at a moment. policy: the formula's as JSON text; tax_rates: {(country, tax category): rate}, a
    category without a row in a country is absent; promotions: in the order of application; deliveries: by position."""

    policy_version: str
    policy: str
    tax_rates: Mapping[tuple[str, str], Decimal]
    promotions: Sequence[RunningPromotion]
    deliveries: Sequence[OfferedDelivery]

    def not_running(self, codes: Iterable[str]) -> list[str]:
        """Those of the codes that were asked for in vain, each once."""
        running = {row.code for row in self.promotions}
        return [code for code in dict.fromkeys(codes) if _plain(code) not in running]

    def delivery_rates(self, vendor_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[OfferedDelivery]]:
        """{vendor id: the vendor's own first, then the operator's}; a vendor without any has an empty list."""
        operators = [row for row in self.deliveries if row.vendor_id is None]
        return {one: [*(row for row in self.deliveries if row.vendor_id == one), *operators] for one in vendor_ids}


_IN_FORCE = """
    SELECT (
        SELECT r.profile || '/' || r.number FROM return_policy r
        WHERE r.profile = %(profile)s ORDER BY r.number DESC LIMIT 1
    ), (
        SELECT r.content::text FROM return_policy r WHERE r.profile = %(profile)s ORDER BY r.number DESC LIMIT 1
    ), (
        SELECT json_agg(json_build_array(t.country, t.category, t.rate::text))::text FROM (
            SELECT DISTINCT ON (country, category) country, category, rate FROM tax_rate
            WHERE country = ANY(%(countries)s) AND valid_from <= %(day)s
            ORDER BY country, category, valid_from DESC
        ) t
    ), (
        SELECT json_agg(json_build_array(p.id, p.vendor_id, p.name, p.code, p.steps, p.vendor_share::text, p.scope)
                        ORDER BY p.position, p.id)::text
        FROM promotion p
        WHERE p.currency = %(currency)s AND p.starts_at <= %(moment)s
          AND (p.ends_at IS NULL OR p.ends_at > %(moment)s) AND (p.code IS NULL OR p.code = ANY(%(codes)s))
    ), (
        SELECT json_agg(json_build_array(d.id, d.vendor_id, d.name, d.price_minor, d.free_from_minor, d.free_basis,
                                         d.tax_category) ORDER BY d.position, d.id)::text
        FROM delivery_rate d
        WHERE d.active AND d.currency = %(currency)s
          AND (d.vendor_id IS NULL OR d.vendor_id = ANY(%(vendor_ids)s))
          AND (d.countries = '[]' OR d.countries @> jsonb_build_array(%(country)s::text))
    )
"""


def in_force(
    *,
    profile: str,
    currency: str,
    country: str,
    countries: Iterable[str],
    vendor_ids: Iterable[uuid.UUID],
    codes: Sequence[str],
    moment: datetime,
    day: date,
) -> InForce:
    """All rules that a purchase is priced by, in one query: the newest policy of the profile, the tax rates of
    `countries` on `day`, the promotions that run at `moment` by themselves or by one of `codes` (case does not matter),
    and the rates by which the operator and these vendors deliver to `country`. Raises ReturnPolicyUnknown.
    """
    values = {
        "profile": profile,
        "currency": currency,
        "country": country,
        "countries": list(countries),
        "vendor_ids": list(vendor_ids),
        "codes": [_plain(code) for code in codes],
        "moment": moment,
        "day": day,
    }
    ((version, policy, rates, promotions, deliveries),) = reads.fetch(_IN_FORCE, values)
    if version is None:
        raise ReturnPolicyUnknown(profile=profile)
    return InForce(version, policy, _tax_rates(rates), _promotions(promotions), _deliveries(deliveries))


def code_refused(currency: str, codes: Sequence[str], code: str) -> Invalid:
    """Why one of the codes that were entered counts for nothing, with the pointer `/codes/<i>`."""
    statement = visible(SYSTEM, Promotion).where(Promotion.currency == currency, Promotion.code == _plain(code))
    known = db.session.scalars(statement).first() is not None
    refusal = PromotionCodeNotRunning if known else PromotionCodeUnknown
    return refusal(pointer=f"/codes/{codes.index(code)}", code=code)


def _plain(code: str) -> str:
    return code.strip().upper()


# Rules change rarely and are read with every order: the same text is not taken apart again.


@lru_cache(256)
def _tax_rates(text: str | None) -> Mapping[tuple[str, str], Decimal]:
    return {(country, category): Decimal(rate) for country, category, rate in orjson.loads(text or "[]")}


@lru_cache(256)
def _promotions(text: str | None) -> tuple[RunningPromotion, ...]:
    return tuple(
        RunningPromotion(uuid.UUID(own), _id(vendor), name, code, steps, Decimal(share), scope)
        for own, vendor, name, code, steps, share, scope in orjson.loads(text or "[]")
    )


@lru_cache(1024)
def _deliveries(text: str | None) -> tuple[OfferedDelivery, ...]:
    rows = orjson.loads(text or "[]")
    return tuple(OfferedDelivery(uuid.UUID(own), _id(vendor), *facts) for own, vendor, *facts in rows)


def _id(text: str | None) -> uuid.UUID | None:
    return None if text is None else uuid.UUID(text)


def newest_policy(profile: str) -> ReturnPolicy | None:
    return db.session.scalars(_newest_policy(SYSTEM), {"profile": profile}).first()


@prepared
def _newest_policy(viewer: Actor) -> Select[Any]:
    statement = visible(viewer, ReturnPolicy).where(ReturnPolicy.profile == bindparam("profile"))
    return statement.order_by(ReturnPolicy.number.desc()).limit(1)


def return_terms(version: str) -> Mapping[str, Any]:
    """The terms of return of a version (`b2b/3`) beside the formula's; a version never changes."""
    profile, _, number = version.partition("/")
    rows = db.session.execute(_terms(SYSTEM), {"profile": profile, "number": int(number or 0)}).first()
    return rows[0] if rows else DEFAULT_TERMS.get(profile, DEFAULT_TERMS["b2b"])


@prepared
def _terms(viewer: Actor) -> Select[Any]:
    statement = visible(viewer, ReturnPolicy).with_only_columns(ReturnPolicy.terms)
    return statement.where(ReturnPolicy.profile == bindparam("profile"), ReturnPolicy.number == bindparam("number"))


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
