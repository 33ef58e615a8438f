"""The first schema: every table, its constraints, and the triggers that keep what must not change."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "first"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    op.execute("""
        CREATE OR REPLACE FUNCTION journal_balances()
         RETURNS trigger
         LANGUAGE plpgsql
        AS $function$
        BEGIN
            IF EXISTS (
                SELECT 1 FROM posting WHERE journal_id = NEW.journal_id GROUP BY currency HAVING sum(amount_minor) <> 0
            ) THEN
                RAISE EXCEPTION 'journal % does not balance', NEW.journal_id USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $function$
    """)
    op.execute("""
        CREATE OR REPLACE FUNCTION postings_balance()
         RETURNS trigger
         LANGUAGE plpgsql
        AS $function$
        BEGIN
            IF EXISTS (SELECT 1 FROM fresh GROUP BY journal_id, currency HAVING sum(amount_minor) <> 0) THEN
                RAISE EXCEPTION 'postings of one journal do not balance' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $function$
    """)
    op.execute("""
        CREATE OR REPLACE FUNCTION refuse_change()
         RETURNS trigger
         LANGUAGE plpgsql
        AS $function$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $function$
    """)
    _tables_1()
    _tables_2()
    _tables_3()
    _tables_4()
    _tables_5()
    _tables_6()
    _tables_7()
    _tables_8()
    _tables_9()
    _tables_10()
    _tables_11()
    _tables_12()
    _tables_13()
    _tables_14()
    _tables_15()
    _tables_16()
    _tables_17()
    _tables_18()
    _tables_19()
    _tables_20()
    _tables_21()
    _tables_22()
    _tables_23()
    _tables_24()
    _tables_25()
    _tables_26()
    _tables_27()
    _tables_28()
    op.execute(
        """CREATE TRIGGER history_append_only BEFORE DELETE OR UPDATE ON history FOR EACH ROW EXECUTE FUNCTION refuse_change()"""
    )
    op.execute(
        """CREATE TRIGGER journal_append_only BEFORE DELETE OR UPDATE ON journal FOR EACH ROW EXECUTE FUNCTION refuse_change()"""
    )
    op.execute(
        """CREATE TRIGGER order_money_append_only BEFORE DELETE OR UPDATE ON order_money FOR EACH ROW EXECUTE FUNCTION refuse_change()"""
    )
    op.execute(
        """CREATE TRIGGER order_step_append_only BEFORE DELETE OR UPDATE ON order_step FOR EACH ROW EXECUTE FUNCTION refuse_change()"""
    )
    op.execute(
        """CREATE TRIGGER posting_append_only BEFORE DELETE OR UPDATE ON posting FOR EACH ROW EXECUTE FUNCTION refuse_change()"""
    )
    op.execute(
        """CREATE CONSTRAINT TRIGGER posting_balances AFTER INSERT ON posting DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.number = 1)) EXECUTE FUNCTION journal_balances()"""
    )
    op.execute(
        """CREATE TRIGGER postings_balance AFTER INSERT ON posting REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION postings_balance()"""
    )


def downgrade() -> None:
    raise RuntimeError("nothing stands before the first schema; drop the database instead")


def _tables_1() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("party", sa.Uuid(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint(
            "kind", "party", "currency", name=op.f("uq_account_kind_party_currency"), postgresql_nulls_not_distinct=True
        ),
    )
    op.create_index("ix_account_party", "account", ["party"], unique=False)
    op.create_table(
        "category",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["category.id"], name=op.f("fk_category_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
        sa.UniqueConstraint("path", name=op.f("uq_category_path")),
    )
    op.create_index(op.f("ix_category_parent_id"), "category", ["parent_id"], unique=False)
    op.create_table(
        "company",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("vat_id", sa.String(), nullable=True),
        sa.Column("vat_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("registration_number", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("is_operator", sa.Boolean(), nullable=False),
        sa.Column("may_sell", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name=op.f("ck_company_country")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
    )
    op.create_index(
        "uq_company_operator", "company", ["is_operator"], unique=True, postgresql_where=sa.text("is_operator")
    )


def _tables_2() -> None:
    op.create_table(
        "history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("from_state", sa.String(), nullable=False),
        sa.Column("to_state", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
    )
    op.create_index("ix_history_row", "history", ["table_name", "row_id", "id"], unique=False)
    op.create_table(
        "journal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["corrects_id"], ["journal.id"], name=op.f("fk_journal_corrects_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
        sa.UniqueConstraint("source", name=op.f("uq_journal_source")),
    )
    op.create_index(
        "ix_journal_order_id", "journal", ["order_id"], unique=False, postgresql_where=sa.text("order_id IS NOT NULL")
    )
    op.create_table(
        "order_number",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=100001), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_number")),
    )
    op.create_table(
        "outbox_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_event")),
    )


def _tables_3() -> None:
    op.create_table(
        "periodic_slot",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", "slot", name=op.f("pk_periodic_slot")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_person_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
    )
    op.create_table(
        "search_document",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("part_number_key", sa.Text(), nullable=False),
        sa.Column("numbers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("category_path", sa.Text(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_search_document")),
    )
    op.create_index(
        "ix_search_document_category",
        "search_document",
        ["category_path"],
        unique=False,
        postgresql_ops={"category_path": "text_pattern_ops"},
    )
    op.create_index("ix_search_document_numbers", "search_document", ["numbers"], unique=False, postgresql_using="gin")
    op.create_index(
        "ix_search_document_part",
        "search_document",
        ["part_number_key"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"part_number_key": "gin_trgm_ops"},
    )
    op.create_index(
        "ix_search_document_there",
        "search_document",
        ["title", "product_id"],
        unique=False,
        postgresql_where=sa.text("NOT gone"),
    )
    op.create_index(
        "ix_search_document_title",
        "search_document",
        ["title"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"title": "gin_trgm_ops"},
    )
    op.create_index("ix_search_document_words", "search_document", ["words"], unique=False, postgresql_using="gin")


def _tables_4() -> None:
    op.create_table(
        "tax_rate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.CheckConstraint("rate BETWEEN 0 AND 1", name=op.f("ck_tax_rate_rate")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_rate")),
        sa.UniqueConstraint("country", "category", "valid_from", name=op.f("uq_tax_rate_country_category_valid_from")),
    )
    op.create_table(
        "webhook_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_event")),
        sa.UniqueConstraint("event_id", name=op.f("uq_webhook_event_event_id")),
    )
    op.create_index("ix_webhook_event_outcome", "webhook_event", ["outcome", "id"], unique=False)


def _tables_5() -> None:
    op.create_table(
        "address",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("line1", sa.String(), nullable=False),
        sa.Column("line2", sa.String(), nullable=False),
        sa.Column("postal_code", sa.String(), nullable=False),
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_address_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_address_company_id_id")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_api_key_company_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_api_key_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_key_secret_hash")),
    )
    op.create_index("ix_api_key_company_id", "api_key", ["company_id"], unique=False)


def _tables_6() -> None:
    op.create_table(
        "delivery_rate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("free_from_minor", sa.BigInteger(), nullable=True),
        sa.Column("free_basis", sa.String(), nullable=False),
        sa.Column("tax_category", sa.String(), nullable=False),
        sa.Column("countries", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("free_basis IN ('group', 'order')", name=op.f("ck_delivery_rate_free_basis")),
        sa.CheckConstraint(
            "price_minor >= 0 AND (free_from_minor IS NULL OR free_from_minor >= 0)",
            name=op.f("ck_delivery_rate_not_negative"),
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_delivery_rate_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_rate")),
    )
    op.create_index(op.f("ix_delivery_rate_vendor_id"), "delivery_rate", ["vendor_id"], unique=False)


def _tables_7() -> None:
    op.create_table(
        "feed",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("encoding", sa.String(), nullable=False),
        sa.Column("delimiter", sa.String(), nullable=False),
        sa.Column("decimal_mark", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("warnings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("stored_as", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "running",
                "finished",
                "failed",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("rows_total", sa.Integer(), nullable=False),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("rows_created", sa.Integer(), nullable=False),
        sa.Column("rows_changed", sa.Integer(), nullable=False),
        sa.Column("rows_unchanged", sa.Integer(), nullable=False),
        sa.Column("rows_bad", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progressed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_feed_created_by")),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_feed_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed")),
        sa.UniqueConstraint("vendor_id", "id", name=op.f("uq_feed_vendor_id_id")),
    )
    op.create_index(
        "ix_feed_under_way",
        "feed",
        ["progressed_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('received', 'running')"),
    )


def _tables_8() -> None:
    op.create_table(
        "idempotency_key",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_idempotency_key_company_id")),
        sa.PrimaryKeyConstraint("company_id", "route", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_at", "idempotency_key", ["at"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("roles", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_invitation_company_id")),
        sa.ForeignKeyConstraint(["invited_by"], ["person.id"], name=op.f("fk_invitation_invited_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index("ix_invitation_company_id", "invitation", ["company_id"], unique=False)


def _tables_9() -> None:
    op.create_table(
        "letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "state",
            sa.Enum("requested", "sent", "refused", name="state", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_letter_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
    )
    op.create_index("ix_letter_company_id", "letter", ["company_id"], unique=False)
    op.create_index("ix_letter_state", "letter", ["state", "id"], unique=False)
    op.create_index("uq_letter_source", "letter", ["source", "email"], unique=True)
    op.create_table(
        "membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('buyer.requester', 'buyer.buyer', 'buyer.approver', 'buyer.administrator', 'vendor.manager', 'vendor.clerk', 'operator.staff')",
            name=op.f("ck_membership_role"),
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_membership_company_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_membership_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint("company_id", "person_id", "role", name=op.f("uq_membership_company_id_person_id_role")),
    )
    op.create_index("ix_membership_person_id", "membership", ["person_id"], unique=False)


def _tables_10() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("company_name", sa.String(), nullable=False),
        sa.Column("placed_by", sa.Uuid(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("prices_include_tax", sa.Boolean(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("delivery_address", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("billing_address", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("formula_state", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("goods_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("delivery_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("owed_minor", sa.BigInteger(), nullable=False),
        sa.Column("pay_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_orders_company_id")),
        sa.ForeignKeyConstraint(["placed_by"], ["person.id"], name=op.f("fk_orders_placed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_orders_company_id_id")),
        sa.UniqueConstraint("id", "currency", name=op.f("uq_orders_id_currency")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    op.create_index("ix_orders_company", "orders", ["company_id", "id"], unique=False)
    op.create_index(
        "ix_orders_unpaid", "orders", ["pay_until"], unique=False, postgresql_where=sa.text("pay_until IS NOT NULL")
    )


def _tables_11() -> None:
    op.create_table(
        "outbox_delivery",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("handler", sa.String(), nullable=False),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["outbox_event.id"], name=op.f("fk_outbox_delivery_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", "handler", name=op.f("pk_outbox_delivery")),
    )
    op.create_index(
        "ix_outbox_delivery_unhandled",
        "outbox_delivery",
        ["dispatched_at"],
        unique=False,
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.create_index(
        "ix_outbox_delivery_waiting",
        "outbox_delivery",
        ["event_id"],
        unique=False,
        postgresql_where=sa.text("dispatched_at IS NULL"),
    )
    op.create_table(
        "posting",
        sa.Column("journal_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("vendor_order_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_posting_amount")),
        sa.ForeignKeyConstraint(["journal_id"], ["journal.id"], name=op.f("fk_posting_journal_id")),
        sa.PrimaryKeyConstraint("journal_id", "number", name=op.f("pk_posting")),
    )
    op.create_index("ix_posting_account", "posting", ["account_id", "journal_id", "number"], unique=False)


def _tables_12() -> None:
    op.create_table(
        "price_list",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("includes_tax", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('contract', 'company', 'campaign', 'public')", name=op.f("ck_price_list_kind")),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_from IS NULL OR valid_from <= valid_to", name=op.f("ck_price_list_dates")
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_price_list_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_list")),
        sa.UniqueConstraint("vendor_id", "id", name=op.f("uq_price_list_vendor_id_id")),
    )
    op.create_index("ix_price_list_vendor_kind", "price_list", ["vendor_id", "kind", "currency"], unique=False)
    op.create_index(
        "uq_price_list_public",
        "price_list",
        ["vendor_id", "currency", "includes_tax"],
        unique=True,
        postgresql_where=sa.text("kind = 'public'"),
    )


def _tables_13() -> None:
    op.create_table(
        "product",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("manufacturer", sa.String(), nullable=False),
        sa.Column("manufacturer_key", sa.String(), nullable=False),
        sa.Column("part_number", sa.String(), nullable=False),
        sa.Column("part_number_key", sa.String(), nullable=False),
        sa.Column("ean", sa.String(), nullable=True),
        sa.Column("category_id", sa.Uuid(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("search_version", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["category_id"], ["category.id"], name=op.f("fk_product_category_id")),
        sa.ForeignKeyConstraint(["created_by"], ["company.id"], name=op.f("fk_product_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
    )
    op.create_index("ix_product_category_id", "product", ["category_id"], unique=False)
    op.create_index("ix_product_part_number_key", "product", ["part_number_key"], unique=False)
    op.create_index("uq_product_ean", "product", ["ean"], unique=True, postgresql_where=sa.text("ean IS NOT NULL"))
    op.create_index(
        "uq_product_part",
        "product",
        ["part_number_key", "manufacturer_key"],
        unique=True,
        postgresql_where=sa.text("part_number_key <> '' AND manufacturer_key <> ''"),
    )


def _tables_14() -> None:
    op.create_table(
        "promotion",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("steps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("vendor_share", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("scope", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("vendor_share BETWEEN 0 AND 1", name=op.f("ck_promotion_vendor_share")),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_promotion_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion")),
        sa.UniqueConstraint("code", name=op.f("uq_promotion_code")),
    )
    op.create_index("ix_promotion_running", "promotion", ["starts_at", "ends_at"], unique=False)
    op.create_index(op.f("ix_promotion_vendor_id"), "promotion", ["vendor_id"], unique=False)
    op.create_table(
        "return_policy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_return_policy_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_policy")),
        sa.UniqueConstraint("profile", "number", name=op.f("uq_return_policy_profile_number")),
    )


def _tables_15() -> None:
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_session_company_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_session_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_session_token_hash")),
    )
    op.create_index("ix_session_person_id", "session", ["person_id"], unique=False)
    op.create_table(
        "vendor_application",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "submitted",
                "questions",
                "approved",
                "declined",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("legal_name", sa.String(), nullable=False),
        sa.Column("registration_number", sa.String(), nullable=False),
        sa.Column("vat_id", sa.String(), nullable=False),
        sa.Column("contact_email", sa.String(), nullable=False),
        sa.Column("website", sa.String(), nullable=False),
        sa.Column("goods", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_vendor_application_company_id")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_vendor_application_created_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_vendor_application_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_application")),
    )
    op.create_index("ix_vendor_application_state", "vendor_application", ["state", "id"], unique=False)
    op.create_index(
        "uq_vendor_application_open",
        "vendor_application",
        ["company_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'submitted', 'questions')"),
    )


def _tables_16() -> None:
    op.create_table(
        "vendor_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("commission_rate", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("commission_by_category", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("commission_rate BETWEEN 0 AND 1", name=op.f("ck_vendor_terms_commission_rate")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_vendor_terms_created_by")),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_vendor_terms_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_terms")),
        sa.UniqueConstraint("vendor_id", "valid_from", name=op.f("uq_vendor_terms_vendor_id_valid_from")),
    )
    op.create_table(
        "cart",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("prices_include_tax", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "ordered", "discarded", name="state", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("delivery_address_id", sa.Uuid(), nullable=True),
        sa.Column("billing_address_id", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("codes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deliveries", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seen_total_minor", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "billing_address_id"],
            ["address.company_id", "address.id"],
            name=op.f("fk_cart_company_id_billing_address_id"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "delivery_address_id"],
            ["address.company_id", "address.id"],
            name=op.f("fk_cart_company_id_delivery_address_id"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "order_id"], ["orders.company_id", "orders.id"], name=op.f("fk_cart_company_id_order_id")
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_cart_company_id")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_cart_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cart")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_cart_company_id_id")),
    )
    op.create_index("ix_cart_company_state", "cart", ["company_id", "state", "id"], unique=False)


def _tables_17() -> None:
    op.create_table(
        "document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_document_product_id")),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_document_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    op.create_index("ix_document_product_id", "document", ["product_id"], unique=False)
    op.create_table(
        "feed_report_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("feed_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("row_number", sa.BigInteger(), nullable=False),
        sa.Column("column", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_feed_report_line_feed_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_report_line")),
        sa.UniqueConstraint(
            "feed_id", "row_number", "column", name=op.f("uq_feed_report_line_feed_id_row_number_column")
        ),
    )


def _tables_18() -> None:
    op.create_table(
        "offer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft", "live", "paused", "ended", name="state", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("pack_size", sa.Integer(), nullable=False),
        sa.Column("min_quantity", sa.Integer(), nullable=False),
        sa.Column("lead_time_days", sa.Integer(), nullable=False),
        sa.Column("tax_category", sa.String(), nullable=False),
        sa.Column("ship_from_country", sa.String(), nullable=False),
        sa.Column("restocking_rate", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "pack_size >= 1 AND min_quantity >= 1 AND lead_time_days >= 0", name=op.f("ck_offer_quantities")
        ),
        sa.CheckConstraint("restocking_rate BETWEEN 0 AND 1", name=op.f("ck_offer_restocking_rate")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_offer_product_id")),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_offer_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
        sa.UniqueConstraint("vendor_id", "id", name=op.f("uq_offer_vendor_id_id")),
        sa.UniqueConstraint("vendor_id", "sku", name=op.f("uq_offer_vendor_id_sku")),
    )
    op.create_index("ix_offer_live", "offer", ["id"], unique=False, postgresql_where=sa.text("state = 'live'"))
    op.create_index("ix_offer_product_id", "offer", ["product_id"], unique=False)


def _tables_19() -> None:
    op.create_table(
        "order_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("free_from_minor", sa.BigInteger(), nullable=True),
        sa.Column("tax", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "order_id"],
            ["orders.company_id", "orders.id"],
            name=op.f("fk_order_delivery_company_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "currency"], ["orders.id", "orders.currency"], name=op.f("fk_order_delivery_order_id_currency")
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_order_delivery_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_delivery")),
    )
    op.create_index("ix_order_delivery_order_id", "order_delivery", ["order_id"], unique=False)
    op.create_table(
        "order_money",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "order_id"],
            ["orders.company_id", "orders.id"],
            name=op.f("fk_order_money_company_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "currency"], ["orders.id", "orders.currency"], name=op.f("fk_order_money_order_id_currency")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_money")),
        sa.UniqueConstraint("source", name=op.f("uq_order_money_source")),
    )
    op.create_index("ix_order_money_order_id", "order_money", ["order_id"], unique=False)


def _tables_20() -> None:
    op.create_table(
        "order_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("vendor_order_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("formula_state", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("valuation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("refund_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "order_id"],
            ["orders.company_id", "orders.id"],
            name=op.f("fk_order_step_company_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_step")),
        sa.UniqueConstraint("order_id", "number", name=op.f("uq_order_step_order_id_number")),
    )


def _tables_21() -> None:
    op.create_table(
        "payment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_number", sa.String(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "authorised",
                "partly_funded",
                "captured",
                "failed",
                "cancelled",
                "expired",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("provider_state", sa.String(), nullable=True),
        sa.Column("charge_id", sa.String(), nullable=True),
        sa.Column("balance_transaction_id", sa.String(), nullable=True),
        sa.Column("captured_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=True),
        sa.Column("net_minor", sa.BigInteger(), nullable=True),
        sa.Column("failure_code", sa.String(), nullable=True),
        sa.Column("failure_message", sa.String(), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_minor > 0 AND captured_minor >= 0", name=op.f("ck_payment_amounts")),
        sa.ForeignKeyConstraint(
            ["company_id", "order_id"], ["orders.company_id", "orders.id"], name=op.f("fk_payment_company_id_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "currency"], ["orders.id", "orders.currency"], name=op.f("fk_payment_order_id_currency")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_payment_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("key", name=op.f("uq_payment_key")),
        sa.UniqueConstraint("order_id", "attempt", name=op.f("uq_payment_order_id_attempt")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_payment_provider_id")),
    )
    op.create_index(
        "ix_payment_waiting",
        "payment",
        ["looked_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('requested', 'authorised', 'partly_funded')"),
    )
    op.create_index(
        "uq_payment_open",
        "payment",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('requested', 'authorised', 'partly_funded')"),
    )


def _tables_22() -> None:
    op.create_table(
        "price_list_company",
        sa.Column("price_list_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_price_list_company_company_id")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "price_list_id"],
            ["price_list.vendor_id", "price_list.id"],
            name=op.f("fk_price_list_company_vendor_id_price_list_id"),
        ),
        sa.PrimaryKeyConstraint("price_list_id", "company_id", name=op.f("pk_price_list_company")),
    )
    op.create_index("ix_price_list_company_company_id", "price_list_company", ["company_id", "vendor_id"], unique=False)
    op.create_table(
        "vendor",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "active", "suspended", "closed", name="state", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["vendor_application.id"], name=op.f("fk_vendor_application_id")),
        sa.ForeignKeyConstraint(["id"], ["company.id"], name=op.f("fk_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor")),
    )


def _tables_23() -> None:
    op.create_table(
        "vendor_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "placed",
                "to_confirm",
                "confirmed",
                "part_shipped",
                "shipped",
                "delivered",
                "closed",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("goods_minor", sa.BigInteger(), nullable=False),
        sa.Column("buyer_owes_minor", sa.BigInteger(), nullable=False),
        sa.Column("payable_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_minor", sa.BigInteger(), nullable=False),
        sa.Column("confirm_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id", "order_id"],
            ["orders.company_id", "orders.id"],
            name=op.f("fk_vendor_order_company_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "currency"], ["orders.id", "orders.currency"], name=op.f("fk_vendor_order_order_id_currency")
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_vendor_order_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_order")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_vendor_order_company_id_id")),
        sa.UniqueConstraint("number", name=op.f("uq_vendor_order_number")),
        sa.UniqueConstraint("order_id", "vendor_id", name=op.f("uq_vendor_order_order_id_vendor_id")),
        sa.UniqueConstraint("vendor_id", "id", name=op.f("uq_vendor_order_vendor_id_id")),
    )
    op.create_index("ix_vendor_order_vendor_state", "vendor_order", ["vendor_id", "state", "id"], unique=False)


def _tables_24() -> None:
    op.create_table(
        "cart_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cart_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("seen_unit_price", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_cart_line_quantity")),
        sa.ForeignKeyConstraint(
            ["company_id", "cart_id"],
            ["cart.company_id", "cart.id"],
            name=op.f("fk_cart_line_company_id_cart_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_cart_line_offer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cart_line")),
        sa.UniqueConstraint("cart_id", "offer_id", name=op.f("uq_cart_line_cart_id_offer_id")),
    )
    op.create_table(
        "offer_stock",
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("on_hand >= 0 AND reserved >= 0", name=op.f("ck_offer_stock_not_negative")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "offer_id"], ["offer.vendor_id", "offer.id"], name=op.f("fk_offer_stock_vendor_id_offer_id")
        ),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_offer_stock")),
    )


def _tables_25() -> None:
    op.create_table(
        "order_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_order_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=True),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("cancelled_quantity", sa.Integer(), nullable=False),
        sa.Column("shipped_quantity", sa.Integer(), nullable=False),
        sa.Column("short_quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("price_source", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tax", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("commission_rate", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("vendor_discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("market_discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_minor", sa.BigInteger(), nullable=False),
        sa.Column("buyer_owes_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "cancelled_quantity + shipped_quantity <= quantity", name=op.f("ck_order_line_not_more_than_ordered")
        ),
        sa.CheckConstraint(
            "quantity >= 1 AND cancelled_quantity >= 0 AND shipped_quantity >= 0", name=op.f("ck_order_line_quantities")
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "vendor_order_id"],
            ["vendor_order.company_id", "vendor_order.id"],
            name=op.f("fk_order_line_company_id_vendor_order_id"),
        ),
        sa.ForeignKeyConstraint(["delivery_id"], ["order_delivery.id"], name=op.f("fk_order_line_delivery_id")),
        sa.ForeignKeyConstraint(
            ["order_id", "currency"], ["orders.id", "orders.currency"], name=op.f("fk_order_line_order_id_currency")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_order_line_product_id")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "offer_id"], ["offer.vendor_id", "offer.id"], name=op.f("fk_order_line_vendor_id_offer_id")
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "vendor_order_id"],
            ["vendor_order.vendor_id", "vendor_order.id"],
            name=op.f("fk_order_line_vendor_id_vendor_order_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
        sa.UniqueConstraint("order_id", "position", name=op.f("uq_order_line_order_id_position")),
        sa.UniqueConstraint("vendor_order_id", "id", name=op.f("uq_order_line_vendor_order_id_id")),
    )
    op.create_index("ix_order_line_vendor_order_id", "order_line", ["vendor_order_id"], unique=False)


def _tables_26() -> None:
    op.create_table(
        "parcel",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_order_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "announced",
                "in_transit",
                "delivered",
                "lost",
                "returned",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("tracking_number", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id", "vendor_order_id"],
            ["vendor_order.company_id", "vendor_order.id"],
            name=op.f("fk_parcel_company_id_vendor_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "vendor_order_id"],
            ["vendor_order.vendor_id", "vendor_order.id"],
            name=op.f("fk_parcel_vendor_id_vendor_order_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel")),
        sa.UniqueConstraint("vendor_order_id", "id", name=op.f("uq_parcel_vendor_order_id_id")),
    )
    op.create_index("ix_parcel_order_id", "parcel", ["order_id"], unique=False)
    op.create_table(
        "price",
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("price_list_id", sa.Uuid(), nullable=False),
        sa.Column("from_quantity", sa.Integer(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.CheckConstraint("from_quantity >= 1 AND unit_price >= 0", name=op.f("ck_price_not_negative")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "offer_id"], ["offer.vendor_id", "offer.id"], name=op.f("fk_price_vendor_id_offer_id")
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "price_list_id"],
            ["price_list.vendor_id", "price_list.id"],
            name=op.f("fk_price_vendor_id_price_list_id"),
        ),
        sa.PrimaryKeyConstraint("offer_id", "price_list_id", "from_quantity", name=op.f("pk_price")),
    )
    op.create_index("ix_price_list_id", "price", ["price_list_id"], unique=False)


def _tables_27() -> None:
    op.create_table(
        "refund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_number", sa.String(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "sent",
                "confirmed",
                "bounced",
                "other_way",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refund_amount")),
        sa.ForeignKeyConstraint(
            ["company_id", "order_id"], ["orders.company_id", "orders.id"], name=op.f("fk_refund_company_id_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "currency"], ["orders.id", "orders.currency"], name=op.f("fk_refund_order_id_currency")
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_refund_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint(
            "cause", "payment_id", name=op.f("uq_refund_cause_payment_id"), postgresql_nulls_not_distinct=True
        ),
    )
    op.create_index("ix_refund_order_id", "refund", ["order_id"], unique=False)
    op.create_index("ix_refund_payment_id", "refund", ["payment_id"], unique=False)
    op.create_index(
        "ix_refund_waiting",
        "refund",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('requested', 'sent')"),
    )
    op.create_table(
        "parcel_line",
        sa.Column("parcel_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_order_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_parcel_line_quantity")),
        sa.ForeignKeyConstraint(
            ["vendor_order_id", "order_line_id"],
            ["order_line.vendor_order_id", "order_line.id"],
            name=op.f("fk_parcel_line_vendor_order_id_order_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["vendor_order_id", "parcel_id"],
            ["parcel.vendor_order_id", "parcel.id"],
            name=op.f("fk_parcel_line_vendor_order_id_parcel_id"),
        ),
        sa.PrimaryKeyConstraint("parcel_id", "order_line_id", name=op.f("pk_parcel_line")),
    )
    op.create_index("ix_parcel_line_order_line_id", "parcel_line", ["order_line_id"], unique=False)


def _tables_28() -> None:
    op.create_table(
        "refund_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("provider_state", sa.String(), nullable=True),
        sa.Column("balance_transaction_id", sa.String(), nullable=True),
        sa.Column("failure_balance_transaction_id", sa.String(), nullable=True),
        sa.Column("failure_code", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_refund_attempt_refund_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_attempt")),
        sa.UniqueConstraint("key", name=op.f("uq_refund_attempt_key")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_refund_attempt_provider_id")),
        sa.UniqueConstraint("refund_id", "number", name=op.f("uq_refund_attempt_refund_id_number")),
    )
    op.create_table(
        "reservation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "held",
                "used",
                "expired",
                "released",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_reservation_quantity")),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_reservation_offer_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_reservation_order_id")),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_line.id"], name=op.f("fk_reservation_order_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
        sa.UniqueConstraint("order_line_id", name=op.f("uq_reservation_order_line_id")),
    )
    op.create_index(
        "ix_reservation_expiring",
        "reservation",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'held' AND expires_at IS NOT NULL"),
    )
    op.create_index("ix_reservation_order_id", "reservation", ["order_id"], unique=False)
