"""Rules are added, dated and ended; what an order may have copied is never rewritten."""

from sqlalchemy.dialects.postgresql import insert

from marketplace.kernel.db import db, new_id
from marketplace.pricing.policy import B2B, CONSUMER
from marketplace.pricing.wire import policy_to_json
from marketplace.rules import queries
from marketplace.rules.defaults import default_tax_rates
from marketplace.rules.models import ReturnPolicy, TaxRate

PROFILES = {"b2b": B2B, "consumer": CONSUMER}


def install_defaults() -> None:
    """Tax rates and the first version of each return policy, where there are none yet; harmless to repeat."""
    rows = [
        {"id": new_id(), "country": country, "category": category, "rate": rate, "valid_from": day}
        for country, category, rate, day in default_tax_rates()
    ]
    db.session.execute(insert(TaxRate).on_conflict_do_nothing(), rows)
    for profile, policy in PROFILES.items():
        if queries.newest_policy(profile) is None:
            db.session.add(ReturnPolicy(profile=profile, number=1, content=policy_to_json(policy)))
    db.session.flush()
