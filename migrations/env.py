"""Runs migrations one at a time, each in its own transaction, and gives up rather than block the marketplace."""

from alembic import context
from sqlalchemy import func, select, text

from marketplace.kernel.db import Row, db

LOCK_TIMEOUT, STATEMENT_TIMEOUT = "5s", "15min"
_ONE_AT_A_TIME = 7_304_216_500  # any number: the advisory lock of everyone who migrates


def run() -> None:
    """Upgrade or downgrade the database of this app."""
    engine = db.engine
    with engine.connect() as connection:
        connection.execute(select(func.pg_advisory_lock(_ONE_AT_A_TIME)))
        connection.execute(text("SELECT set_config('lock_timeout', :t, false)"), {"t": LOCK_TIMEOUT})
        connection.execute(text("SELECT set_config('statement_timeout', :t, false)"), {"t": STATEMENT_TIMEOUT})
        connection.commit()
        context.configure(
            connection=connection, target_metadata=Row.metadata, transaction_per_migration=True, compare_type=True
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.execute(select(func.pg_advisory_unlock(_ONE_AT_A_TIME)))
        connection.commit()
    engine.dispose()


run()
