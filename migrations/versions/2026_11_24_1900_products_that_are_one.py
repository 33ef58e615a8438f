"""Products become one: whom a product was merged into, what moved with it, what is proposed, and what waits to be compared."""

from alembic import op

revision = "products_that_are_one"
down_revision = "terms_by_category_id"


def upgrade() -> None:
    op.execute("ALTER TABLE product ADD COLUMN merged_into UUID")
    op.execute("""
        ALTER TABLE product
            ADD CONSTRAINT ck_product_merged_into CHECK (merged_into <> id),
            ADD CONSTRAINT fk_product_merged_into FOREIGN KEY(merged_into) REFERENCES product (id)
    """)
    op.execute("CREATE INDEX ix_product_merged_into ON product (merged_into) WHERE merged_into IS NOT NULL")
    op.execute("""
        CREATE TABLE product_merge (
            merged_id UUID NOT NULL,
            survivor_id UUID NOT NULL,
            person_id UUID,
            facts JSONB NOT NULL,
            at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT pk_product_merge PRIMARY KEY (merged_id),
            CONSTRAINT fk_product_merge_merged_id FOREIGN KEY(merged_id) REFERENCES product (id),
            CONSTRAINT fk_product_merge_survivor_id FOREIGN KEY(survivor_id) REFERENCES product (id),
            CONSTRAINT fk_product_merge_person_id FOREIGN KEY(person_id) REFERENCES person (id)
        )
    """)
    op.execute("CREATE INDEX ix_product_merge_survivor_id ON product_merge (survivor_id)")
    op.execute(
        "CREATE OR REPLACE TRIGGER product_merge_append_only BEFORE UPDATE OR DELETE ON product_merge "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute("""
        CREATE TABLE product_proposal (
            id UUID NOT NULL,
            one_id UUID NOT NULL,
            other_id UUID NOT NULL,
            score DOUBLE PRECISION NOT NULL,
            reasons TEXT[] NOT NULL,
            state VARCHAR(40) NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE NOT NULL,
            version INTEGER NOT NULL,
            CONSTRAINT pk_product_proposal PRIMARY KEY (id),
            CONSTRAINT uq_product_proposal_one_id_other_id UNIQUE (one_id, other_id),
            CONSTRAINT ck_product_proposal_order CHECK (one_id < other_id),
            CONSTRAINT ck_product_proposal_score CHECK (score BETWEEN 0 AND 1),
            CONSTRAINT ck_product_proposal_state CHECK (state IN ('open', 'accepted', 'rejected')),
            CONSTRAINT fk_product_proposal_one_id FOREIGN KEY(one_id) REFERENCES product (id),
            CONSTRAINT fk_product_proposal_other_id FOREIGN KEY(other_id) REFERENCES product (id)
        )
    """)
    op.execute("CREATE INDEX ix_product_proposal_open ON product_proposal (score, id) WHERE state = 'open'")
    op.execute("CREATE INDEX ix_product_proposal_other_id ON product_proposal (other_id)")
    op.execute("""
        CREATE TABLE product_naming (
            product_id UUID NOT NULL,
            digest TEXT NOT NULL,
            since TIMESTAMP WITH TIME ZONE,
            CONSTRAINT pk_product_naming PRIMARY KEY (product_id)
        )
    """)
    op.execute("CREATE INDEX ix_product_naming_since ON product_naming (since) WHERE since IS NOT NULL")
