"""Mappings of feeds are rows: the two that came with the code are everybody's, and a feed keeps the one it is read by."""

import json
import tomllib
import uuid
from pathlib import Path

from alembic import op
from sqlalchemy import text

revision = "stored_mappings"
down_revision = "search_kinds"

SEED = Path(__file__).parents[2] / "vendors" / "feeds" / "mappings.toml"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE feed_mapping (
            id UUID NOT NULL,
            vendor_id UUID,
            name VARCHAR NOT NULL,
            format VARCHAR NOT NULL,
            note VARCHAR NOT NULL,
            content JSONB NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE NOT NULL,
            updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
            version INTEGER NOT NULL,
            CONSTRAINT pk_feed_mapping PRIMARY KEY (id),
            CONSTRAINT uq_feed_mapping_vendor_id_name UNIQUE NULLS NOT DISTINCT (vendor_id, name),
            CONSTRAINT ck_feed_mapping_format CHECK (format IN ('table', 'jsonl')),
            CONSTRAINT fk_feed_mapping_vendor_id FOREIGN KEY(vendor_id) REFERENCES company (id)
        )
    """)
    plant()
    op.execute("ALTER TABLE feed RENAME COLUMN mapping TO mapping_name")
    op.execute("ALTER TABLE feed ADD COLUMN mapping JSONB, ADD COLUMN skipped JSONB DEFAULT '{}' NOT NULL")
    op.execute("ALTER TABLE feed ALTER COLUMN skipped DROP DEFAULT")
    op.execute("""
        UPDATE feed SET mapping = jsonb_build_object('id', m.id, 'name', m.name, 'version', m.version, 'format', m.format,
            'content', m.content)
        FROM feed_mapping m WHERE m.name = feed.mapping_name
    """)
    op.execute("ALTER TABLE feed DROP COLUMN mapping_name")


def plant() -> None:
    for name, content in tomllib.loads(SEED.read_text()).items():
        facts = {
            "id": uuid.uuid4(),
            "name": name,
            "format": content.pop("format"),
            "note": content.pop("note"),
            "content": json.dumps(content),
        }
        op.get_bind().execute(
            text("""
                INSERT INTO feed_mapping (id, name, format, note, content, created_at, updated_at, version)
                VALUES (:id, :name, :format, :note, :content, now(), now(), 1)
                ON CONFLICT (vendor_id, name) DO NOTHING
            """),
            facts,
        )
