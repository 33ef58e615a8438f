"""Disputes with what belongs to them, as the operator reads them."""

from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.kernel.money import Money
from settlements.disputes import queries
from settlements.disputes.models import Dispute
from settlements.disputes.schemas import DisputeOut

_ELSEWHERE = {"amount", "files", "movements"}


def whole(row: Dispute) -> Mapping[str, Any]:
    """A dispute with its files and movements."""
    return all_whole([row])[0]


def all_whole(rows: Sequence[Dispute]) -> list[Mapping[str, Any]]:
    """Disputes with their files and movements, in two queries whatever their number."""
    names = set(DisputeOut().fields) - _ELSEWHERE
    ids = [row.id for row in rows]
    files, movements = queries.files_by_dispute(ids), queries.movements_by_dispute(ids)
    return [
        {name: getattr(row, name) for name in names}
        | {
            "amount": Money(row.amount_minor, row.currency),
            "files": files.get(row.id, []),
            "movements": movements.get(row.id, []),
        }
        for row in rows
    ]
