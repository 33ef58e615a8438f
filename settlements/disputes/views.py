"""A dispute with what belongs to it, as the operator reads it."""

from collections.abc import Mapping
from typing import Any

from marketplace.kernel.money import Money
from settlements.disputes import queries
from settlements.disputes.models import Dispute
from settlements.disputes.schemas import DisputeOut

_ELSEWHERE = {"amount", "files", "movements"}


def whole(row: Dispute) -> Mapping[str, Any]:
    """A dispute with its files and movements."""
    view = {name: getattr(row, name) for name in DisputeOut().fields if name not in _ELSEWHERE}
    return view | {
        "amount": Money(row.amount_minor, row.currency),
        "files": queries.files_of(row.id),
        "movements": queries.movements_of(row.id),
    }
