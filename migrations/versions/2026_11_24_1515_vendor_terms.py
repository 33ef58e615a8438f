"""How a vendor is settled stands in his terms, and the postings of a guarded account are counted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "vendor_terms"
down_revision = "invoices"

_JSON = postgresql.JSONB()
_CHECKS = {
    "reserve_rate": "reserve_rate BETWEEN 0 AND 1",
    "cycle": "cycle IN ('weekly', 'thrice_monthly', 'monthly', 'daily')",
    "cycle_day": "cycle_day BETWEEN 1 AND 7",
    "days": "hold_days >= 0 AND reserve_days >= 0",
    "dates": "valid_to >= valid_from",
}


def upgrade() -> None:
    _terms()
    _positions()


def _terms() -> None:
    _add("vendor_order", "settlement_terms", _JSON, "{}")
    op.add_column("vendor_terms", sa.Column("valid_to", sa.Date(), nullable=True))
    for name, kind, present in (
        ("cycle", sa.String(), "weekly"),
        ("cycle_day", sa.Integer(), "1"),
        ("minimum_payout", _JSON, "{}"),
        ("hold_days", sa.Integer(), "3"),
        ("reserve_rate", sa.Numeric(18, 6), "0.1"),
        ("reserve_days", sa.Integer(), "30"),
        ("reserve_minimum", _JSON, "{}"),
        ("payout_currencies", _JSON, "[]"),
        ("prefinanced", sa.Boolean(), "false"),
    ):
        _add("vendor_terms", name, kind, present)
    for name, condition in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_vendor_terms_{name}"), "vendor_terms", condition)
    op.execute(
        "CREATE OR REPLACE TRIGGER vendor_terms_append_only BEFORE UPDATE OR DELETE ON vendor_terms "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def _add(table: str, name: str, kind: object, present: str) -> None:
    """A column without a default that has this value in the rows that there are."""
    op.add_column(table, sa.Column(name, kind, nullable=False, server_default=present))
    op.alter_column(table, name, server_default=None)


def _positions() -> None:
    op.add_column("account", sa.Column("postings", sa.BigInteger(), nullable=True))
    op.add_column("posting", sa.Column("position", sa.BigInteger(), nullable=True))
    op.execute("ALTER TABLE posting DISABLE TRIGGER posting_append_only")
    op.execute("""
        UPDATE posting SET position = counted.position FROM (
            SELECT journal_id, number, row_number() OVER (PARTITION BY account_id ORDER BY journal_id, number) AS position
            FROM posting JOIN account ON account.id = account_id WHERE balance_minor IS NOT NULL
        ) counted WHERE counted.journal_id = posting.journal_id AND counted.number = posting.number
    """)
    op.execute("ALTER TABLE posting ENABLE TRIGGER posting_append_only")
    op.execute("""
        UPDATE account SET postings = (SELECT count(*) FROM posting WHERE account_id = account.id)
        WHERE balance_minor IS NOT NULL
    """)
    op.drop_index("ix_posting_account", "posting")
    op.create_index(
        "ix_posting_account",
        "posting",
        ["account_id", "journal_id", "number"],
        postgresql_where=sa.text("position IS NULL"),
    )
    op.create_index(
        "uq_posting_position",
        "posting",
        ["account_id", "position"],
        unique=True,
        postgresql_where=sa.text("position IS NOT NULL"),
    )
