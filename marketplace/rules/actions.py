"""Tax rates and return policies are added, delivery rates edited; what an order may have copied is never rewritten."""

import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.kernel import clock
from marketplace.kernel.access import Actor
from marketplace.kernel.db import advisory_lock, db, new_id
from marketplace.kernel.errors import Conflict, Forbidden, Invalid
from marketplace.pricing.policy import B2B, CONSUMER
from marketplace.pricing.refusals import Refused
from marketplace.pricing.wire import policy_from_json, policy_to_json
from marketplace.rules import queries
from marketplace.rules.defaults import default_tax_rates
from marketplace.rules.models import DeliveryRate, ReturnPolicy, TaxRate
from marketplace.rules.return_terms import DEFAULT_TERMS

PROFILES = {"b2b": B2B, "consumer": CONSUMER}
_INSTALL_RATES = text("""
    INSERT INTO tax_rate (id, country, category, rate, valid_from)
    SELECT id, country, category, rate, valid_from FROM json_populate_recordset(NULL::tax_rate, :rows)
    ON CONFLICT DO NOTHING
""")


class TaxRateExists(Conflict):
    """Rates are never edited."""

    message = "A rate that begins on this day exists; rates are not changed, new ones begin on another day."


class TaxRateBackDated(Invalid):
    """What was charged on days gone by stays as it was."""

    message = "A rate begins today or later; only the first one of a country may begin earlier."


class NotYourDeliveryRate(Forbidden):
    """A vendor edits his own delivery rates only."""

    message = "This delivery rate is not yours."


class PolicyCannotBeValued(Invalid):
    """The formula does not know a policy like this; the sentence is its own."""


def install_defaults() -> None:
    """Tax rates and the first version of each return policy, where there are none yet; harmless to repeat."""
    names = ("id", "country", "category", "rate", "valid_from")
    rows = [dict(zip(names, (new_id(), *rate), strict=True)) for rate in default_tax_rates()]
    db.session.execute(_INSTALL_RATES, {"rows": orjson.dumps(rows, default=str).decode()})
    for profile, policy in PROFILES.items():
        if queries.newest_policy(profile) is None:
            terms = DEFAULT_TERMS[profile]
            db.session.add(ReturnPolicy(profile=profile, number=1, content=policy_to_json(policy), terms=terms))
    db.session.flush()


def add_tax_rate(facts: Mapping[str, Any]) -> TaxRate:
    """`facts`: country, category (standard, reduced), rate (Decimal), valid_from.

    Raises TaxRateExists, TaxRateBackDated.
    """
    time_zone = current_app.extensions["kontor_settings"].time_zone
    today = clock.business_day(clock.now(), time_zone)
    if facts["valid_from"] < today and queries.has_tax_rate(facts["country"], facts["category"]):
        raise TaxRateBackDated(pointer="/valid_from")
    row = TaxRate(**facts)
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as failure:
        raise TaxRateExists(pointer="/valid_from") from failure
    return row


def add_delivery_rate(actor: Actor, facts: Mapping[str, Any]) -> DeliveryRate:
    """A delivery rate of the operator, or of the actor's company where he acts for a vendor."""
    row = DeliveryRate(vendor_id=None if actor.sees_all else actor.company_id, **facts)
    db.session.add(row)
    db.session.flush()
    return row


def edit_delivery_rate(actor: Actor, rate_id: uuid.UUID, changes: Mapping[str, Any]) -> DeliveryRate:
    """Change a delivery rate; orders keep what they were given. Raises DeliveryRateUnknown, NotYourDeliveryRate."""
    row = queries.delivery_rate(actor, rate_id, locked=True)
    if not actor.sees_all and row.vendor_id != actor.company_id:
        raise NotYourDeliveryRate

    for name, value in changes.items():
        setattr(row, name, value)
    db.session.flush()
    return row


def publish_policy(
    actor: Actor, profile: str, content: Mapping[str, Any], terms: Mapping[str, Any] | None = None, note: str = ""
) -> ReturnPolicy:
    """The next version of a return policy; orders placed before keep theirs. `terms` absent: as the version before.

    Raises PolicyCannotBeValued.
    """
    try:
        policy = policy_from_json(content, "/content")
    except Refused as refused:
        pointer = refused.pointer or "/content"
        raise PolicyCannotBeValued(f"{refused.reason[0].upper()}{refused.reason[1:]}.", pointer=pointer) from refused
    advisory_lock(f"return_policy:{profile}")
    newest = queries.newest_policy(profile)

    row = ReturnPolicy(
        profile=profile,
        number=newest.number + 1 if newest else 1,
        content=policy_to_json(policy),
        terms=dict(terms or (newest.terms if newest else DEFAULT_TERMS[profile])),
        note=note,
        created_by=actor.person_id,
    )
    db.session.add(row)
    db.session.flush()
    return row
