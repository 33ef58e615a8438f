"""A promotion is valued by the formula before it is kept, and does not change under the orders that it runs for."""

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.catalogue.categories import hold_tree
from marketplace.catalogue.queries import categories_by_path
from marketplace.kernel import clock
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db
from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.fields import plain_decimal
from marketplace.pricing import facts as pricing
from marketplace.pricing.refusals import Refused
from marketplace.rules import queries
from marketplace.rules.models import Promotion

_SCOPES = ("vendors", "categories", "offers")


class PromotionCannotBeValued(Invalid):
    """The formula refuses the promotion; the sentence is its own."""


class PromotionCodeTaken(Conflict):
    """Codes are unique, whatever their case."""

    message = "Another promotion has this code."


class PromotionHasStarted(Conflict):
    """Carts have seen it."""

    message = "The promotion has started: end it, and make a new one."


class PromotionIsOver(Conflict):
    """What is over is not ended again."""

    message = "The promotion is over already."


class PromotionDatesWrong(Invalid):
    """A promotion starts now or later, and ends after it starts."""


class VendorPaysHisOwn(Invalid):
    """A vendor's own promotion is his alone to pay, and reaches his own lines only."""


def create(actor: Actor, facts: Mapping[str, Any]) -> Promotion:
    """A new promotion: the operator's, or of the actor's company where he acts for a vendor.

    `facts`: name, currency, steps [{from_minor, rate or amount_minor}], vendor_share (Decimal), and optionally code,
    scope {vendors, categories, offers}, position, starts_at (default: now), ends_at. Raises PromotionCannotBeValued,
    PromotionCodeTaken, PromotionDatesWrong, VendorPaysHisOwn; ValidationError with the pointer of what is unknown.
    """
    _hold_categories(facts)
    row = Promotion(vendor_id=None if actor.sees_all else actor.company_id, created_at=clock.now())
    return _kept(row, {"starts_at": clock.now(), "scope": {}, **facts})


def edit(actor: Actor, promotion_id: uuid.UUID, changes: Mapping[str, Any]) -> Promotion:
    """Change one that has not started. Raises PromotionUnknown, PromotionHasStarted and what `create` raises."""
    _hold_categories(changes)
    row = queries.promotion(actor, promotion_id, locked=True)
    if row.starts_at <= clock.now():
        raise PromotionHasStarted
    return _kept(row, changes)


def end(actor: Actor, promotion_id: uuid.UUID) -> Promotion:
    """It applies to no cart from now on; orders keep what they were given. Raises PromotionUnknown, PromotionIsOver."""
    row = queries.promotion(actor, promotion_id, locked=True)
    now = clock.now()
    if row.ends_at is not None and row.ends_at <= now:
        raise PromotionIsOver

    row.ends_at = max(now, row.starts_at)
    db.session.flush()
    return row


_RENAME = text("""
    UPDATE promotion SET version = version + 1, scope = jsonb_set(scope, '{categories}', (
        SELECT jsonb_agg(CASE WHEN path = :old OR starts_with(path, :old || '/')
                              THEN :new || substr(path, length(:old) + 1) ELSE path END ORDER BY place)
        FROM jsonb_array_elements_text(scope -> 'categories') WITH ORDINALITY AS named(path, place)
    ))
    WHERE EXISTS (SELECT FROM jsonb_array_elements_text(scope -> 'categories') AS named(path)
                  WHERE path = :old OR starts_with(path, :old || '/'))
""")


def follow_category(old: str, new: str) -> None:
    """A category that promotions may name has moved, with all below it."""
    db.session.flush()
    db.session.execute(_RENAME, {"old": old, "new": new})


def _hold_categories(facts: Mapping[str, Any]) -> None:
    if facts.get("scope", {}).get("categories"):
        hold_tree()


def _kept(row: Promotion, changes: Mapping[str, Any]) -> Promotion:
    values = {name: changes.get(name, getattr(row, name)) for name in ("steps", "scope", "starts_at", "ends_at")}
    default = Decimal(0 if row.vendor_id is None else 1)
    share = changes.get("vendor_share", default if row.vendor_share is None else row.vendor_share)
    _check_value(values["steps"], share)
    _check_dates(values, new="starts_at" in changes)
    if row.vendor_id is not None:
        _check_own(row.vendor_id, share, values["scope"])
    _check_scope(row.vendor_id, values["scope"])

    for name, value in changes.items():
        setattr(row, name, value)
    row.steps = [_step_as_json(step) for step in values["steps"]]
    row.scope = {name: [str(one) for one in values["scope"][name]] for name in _SCOPES if values["scope"].get(name)}
    row.vendor_share = share
    row.code = row.code.strip().upper() if row.code else None
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as failure:
        raise PromotionCodeTaken(pointer="/code") from failure
    return row


def _check_value(steps: Iterable[Mapping[str, Any]], share: Decimal) -> None:
    """Let the formula judge, by the facts that it will be given."""
    try:
        pricing.Promotion("promotion", tuple(_step(number, step) for number, step in enumerate(steps)), share)
    except Refused as refused:
        pointer = refused.pointer or ("/vendor_share" if "share" in refused.reason else "/steps")
        raise PromotionCannotBeValued(f"{refused.reason[0].upper()}{refused.reason[1:]}.", pointer=pointer) from refused


def _step(number: int, step: Mapping[str, Any]) -> pricing.PromotionStep:
    rate = step.get("rate")
    try:
        return pricing.PromotionStep(
            step["from_minor"], None if rate is None else Decimal(rate), step.get("amount_minor")
        )
    except Refused as refused:
        raise Refused(refused.reason, f"/steps/{number}") from refused


def _step_as_json(step: Mapping[str, Any]) -> dict[str, Any]:
    if step.get("rate") is None:
        return {"from_minor": step["from_minor"], "amount_minor": step["amount_minor"]}
    return {"from_minor": step["from_minor"], "rate": plain_decimal(Decimal(step["rate"]))}


def _check_dates(values: Mapping[str, Any], *, new: bool) -> None:
    if new and (clock.now() - values["starts_at"]).total_seconds() > 60:
        raise PromotionDatesWrong("A promotion starts now or later.", pointer="/starts_at")
    if values["ends_at"] is not None and values["ends_at"] <= values["starts_at"]:
        raise PromotionDatesWrong("A promotion ends after it starts.", pointer="/ends_at")


def _check_own(vendor_id: uuid.UUID, share: Decimal, scope: Mapping[str, Any]) -> None:
    if share != 1:
        raise VendorPaysHisOwn("A vendor pays his own promotion: the share is 1.", pointer="/vendor_share")
    if any(str(one) != str(vendor_id) for one in scope.get("vendors", ())):
        raise VendorPaysHisOwn("A vendor's promotion reaches his own lines only.", pointer="/scope/vendors")


def _check_scope(vendor_id: uuid.UUID | None, scope: Mapping[str, Any]) -> None:
    """Everything that a scope names exists, its offers with the vendor whose promotion it is."""
    vendors = [uuid.UUID(str(one)) for one in scope.get("vendors", ())]
    offers = [uuid.UUID(str(one)) for one in scope.get("offers", ())]
    paths = list(scope.get("categories", ()))
    unknown = {
        "vendors": _absent(vendors, queries.known_vendors(vendors), "There is no such vendor."),
        "offers": _absent(offers, queries.known_offers(offers, vendor_id), "There is no such offer."),
        "categories": _absent(paths, categories_by_path(paths).keys(), "There is no such category."),
    }
    messages = {name: found for name, found in unknown.items() if found}
    if messages:
        raise ValidationError({"scope": messages})


def _absent(named: list[Any], known: Iterable[Any], message: str) -> dict[int, list[str]]:
    held = set(known)
    return {number: [message] for number, one in enumerate(named) if one not in held}
