"""The provider's balance against the books: each movement has one journal, and what has none is a row with a reason."""
