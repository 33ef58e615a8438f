"""The schema that the migrations make is that of the models: columns, constraints, indexes, triggers, extensions."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import create_engine, text

import wsgi
from marketplace.kernel import migrations
from marketplace.kernel.db import db
from marketplace.kernel.settings import Settings
from tests.conftest import close

_COLUMNS = """
    SELECT table_name || '.' || column_name, data_type, character_maximum_length, is_nullable, column_default,
           is_identity, generation_expression
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""
_CONSTRAINTS = """
    SELECT conrelid::regclass::text || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version' AND contype <> 'n'
"""
_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
_TRIGGERS = (
    "SELECT tgrelid::regclass::text || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
)
_FUNCTIONS = """
    SELECT proname, md5(regexp_replace(prosrc, '\\s+', ' ', 'g')) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
"""
_EXTENSIONS = "SELECT extname, '' FROM pg_extension"


def described(url: str) -> dict[str, dict[str, Any]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        result = {}
        for name in ("_COLUMNS", "_CONSTRAINTS", "_INDEXES", "_TRIGGERS", "_FUNCTIONS", "_EXTENSIONS"):
            rows = connection.execute(text(globals()[name]))
            result[name] = {row[0]: tuple(row[1:]) for row in rows}
    engine.dispose()
    return result


def test_migrations_make_the_schema_of_the_models(
    own_database: str, make_empty_database: Callable[[], str], make_settings: Callable[..., Settings]
) -> None:
    migrated = make_empty_database()
    app: Flask = wsgi.create_app(make_settings(migrated))
    with app.app_context():
        migrations.upgrade()
        assert len(migrations.newest()) == 1
        assert migrations.present() == migrations.newest()
        assert app.test_client().get("/ready").json == {"checks": {"database": "ok", "queue": "ok"}, "status": "ok"}
        db.session.remove()
    close(app)
    wanted, made = described(own_database), described(migrated)
    for kind, things in wanted.items():
        assert made[kind] == things, kind
