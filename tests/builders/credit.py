"""Companies that buy on account; inside a transaction() of the caller."""

from marketplace.credit import actions, queries
from marketplace.credit.terms import TermsKind
from marketplace.kernel.access import SYSTEM


def on_account(company, *, limit_minor=1_000_000, days=30, kind=TermsKind.NET, currency="EUR"):
    """Terms from today on and a limit; returns the credit account."""
    facts = {"currency": currency, "valid_from": queries.today(), "kind": kind, "days": days}
    actions.grant_terms(SYSTEM, company.id, facts)
    return actions.open_account(
        SYSTEM, company.id, currency=currency, limit_minor=limit_minor, reason="Known for years."
    )
