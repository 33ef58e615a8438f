"""Search: a new shape of the embedded index (empty until it is made anew, which the index does by itself), what waits for
the index outside, the operator's rules, what was searched, and products' texts in other languages."""

from alembic import op

revision = "search"
down_revision = "transfers"


def upgrade() -> None:
    op.execute("DROP TABLE search_document")
    op.execute("""
        CREATE TABLE product_text (
            product_id UUID NOT NULL,
            language VARCHAR NOT NULL,
            name VARCHAR NOT NULL,
            description VARCHAR NOT NULL,
            CONSTRAINT pk_product_text PRIMARY KEY (product_id, language),
            CONSTRAINT ck_product_text_language CHECK (language IN ('fr', 'es', 'zh', 'ru')),
            CONSTRAINT fk_product_text_product_id FOREIGN KEY(product_id) REFERENCES product (id)
        )
    """)
    op.execute("""
        CREATE TABLE search_document (
            product_id UUID NOT NULL,
            version BIGINT NOT NULL,
            gone BOOLEAN NOT NULL,
            title TEXT NOT NULL,
            part_number_key TEXT NOT NULL,
            numbers TEXT[] NOT NULL,
            deletions TEXT[] NOT NULL,
            category_path TEXT NOT NULL,
            vendors UUID[] NOT NULL,
            in_stock BOOLEAN NOT NULL,
            lead_days INTEGER,
            pairs TEXT[] NOT NULL,
            measures TEXT[] NOT NULL,
            scales TEXT[] NOT NULL,
            words TSVECTOR NOT NULL,
            CONSTRAINT pk_search_document PRIMARY KEY (product_id)
        )
    """)
    op.execute("CREATE INDEX ix_search_document_category ON search_document (category_path text_pattern_ops)")
    op.execute("CREATE INDEX ix_search_document_deletions ON search_document USING gin (deletions)")
    op.execute("CREATE INDEX ix_search_document_numbers ON search_document USING gin (numbers)")
    op.execute("CREATE INDEX ix_search_document_part ON search_document USING gin (part_number_key gin_trgm_ops)")
    op.execute("CREATE INDEX ix_search_document_part_key ON search_document (part_number_key text_pattern_ops)")
    op.execute("CREATE INDEX ix_search_document_there ON search_document (title, product_id) WHERE NOT gone")
    op.execute("CREATE INDEX ix_search_document_words ON search_document USING gin (words)")
    op.execute("""
        CREATE TABLE search_word (
            word TEXT NOT NULL,
            documents INTEGER NOT NULL,
            CONSTRAINT pk_search_word PRIMARY KEY (word)
        )
    """)
    op.execute("CREATE INDEX ix_search_word_word ON search_word USING gin (word gin_trgm_ops)")
    op.execute("""
        CREATE TABLE search_pending (
            product_id UUID NOT NULL,
            since TIMESTAMP WITH TIME ZONE NOT NULL,
            asked BIGINT NOT NULL,
            CONSTRAINT pk_search_pending PRIMARY KEY (product_id)
        )
    """)
    op.execute("CREATE INDEX ix_search_pending_since ON search_pending (since)")
    op.execute("""
        CREATE TABLE search_refusal (
            product_id UUID NOT NULL,
            reason TEXT NOT NULL,
            at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT pk_search_refusal PRIMARY KEY (product_id)
        )
    """)
    op.execute("""
        CREATE TABLE search_hidden_vendor (
            vendor_id UUID NOT NULL,
            CONSTRAINT pk_search_hidden_vendor PRIMARY KEY (vendor_id),
            CONSTRAINT fk_search_hidden_vendor_vendor_id FOREIGN KEY(vendor_id) REFERENCES company (id)
        )
    """)
    op.execute("""
        CREATE TABLE search_rule (
            id UUID NOT NULL,
            kind VARCHAR NOT NULL,
            words TEXT[] NOT NULL,
            one_way BOOLEAN NOT NULL,
            category_path TEXT NOT NULL,
            weight DOUBLE PRECISION NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE NOT NULL,
            updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
            version INTEGER NOT NULL,
            CONSTRAINT pk_search_rule PRIMARY KEY (id),
            CONSTRAINT ck_search_rule_kind CHECK (kind IN ('synonym', 'boost')),
            CONSTRAINT ck_search_rule_weight CHECK (weight > 0 AND weight <= 10),
            CONSTRAINT ck_search_rule_boost_has_category CHECK (kind = 'synonym' OR category_path <> '')
        )
    """)
    op.execute("""
        CREATE TABLE search_query (
            id UUID NOT NULL,
            company_id UUID,
            words TEXT NOT NULL,
            found INTEGER NOT NULL,
            at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT pk_search_query PRIMARY KEY (id)
        )
    """)
    op.execute("CREATE INDEX ix_search_query_at ON search_query (at)")
    op.execute("CREATE INDEX ix_search_query_company ON search_query (company_id, at)")
    op.execute("""
        CREATE TABLE search_visit (
            query_id UUID NOT NULL,
            product_id UUID NOT NULL,
            company_id UUID NOT NULL,
            at TIMESTAMP WITH TIME ZONE NOT NULL,
            ordered_at TIMESTAMP WITH TIME ZONE,
            CONSTRAINT pk_search_visit PRIMARY KEY (query_id, product_id)
        )
    """)
    op.execute("CREATE INDEX ix_search_visit_product ON search_visit (company_id, product_id, at)")
