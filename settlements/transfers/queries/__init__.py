"""Every SELECT of this room. What is read decides about money, so rows that the session holds are read again."""

from settlements.transfers.queries import proofs as _proofs  # noqa: F401  registers them
from settlements.transfers.queries.transfers import Standing, of_cause, standing_of

__all__ = ["Standing", "of_cause", "standing_of"]
