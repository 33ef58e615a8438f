"""How near two words are is told by the database, of words without digits: no other is corrected."""

from alembic import op

revision = "words_that_are_near"
down_revision = "products_by_beginning_of_name"


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS fuzzystrmatch")
    op.execute("DELETE FROM search_word WHERE word ~ '[[:digit:][:punct:]]'")
