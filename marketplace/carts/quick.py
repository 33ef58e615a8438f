"""A number that a buyer types stands for exactly one offer, or the answer says between which to choose."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.carts import queries
from marketplace.carts.queries import Match
from marketplace.carts.refusals import LinesNotOrderable
from marketplace.catalogue.keys import compact_ean, normalise


@dataclass(frozen=True, slots=True)
class QuickLine:
    """A quantity of what a SKU, or a part number or EAN, stands for; `vendor_id` where several offer it."""

    quantity: int
    sku: str = ""
    part: str = ""
    vendor_id: uuid.UUID | None = None


def offers_meant(lines: Sequence[QuickLine]) -> list[uuid.UUID]:
    """The offer that each line means, in one query. Raises LinesNotOrderable naming the unknown and the ambiguous."""
    matches = queries.matches(
        {line.sku for line in lines if line.sku},
        {normalise(line.part) for line in lines if line.part} - {""},
        {ean for line in lines if line.part and (ean := compact_ean(line.part))},
    )
    found: list[uuid.UUID] = []
    errors: list[dict[str, Any]] = []
    for index, line in enumerate(lines):
        meant = [match for match in matches if _means(line, match)]
        if len(meant) == 1:
            found.append(meant[0].offer_id)
        else:
            errors.append(_not_one(line, meant, index))
    if errors:
        raise LinesNotOrderable(errors=errors)
    return found


def _means(line: QuickLine, match: Match) -> bool:
    if line.vendor_id is not None and match.vendor_id != line.vendor_id:
        return False
    if line.sku:
        return match.sku == line.sku
    ean = compact_ean(line.part)
    key = normalise(line.part)
    return (bool(key) and match.part_number_key == key) or (ean is not None and match.ean == ean)


def _not_one(line: QuickLine, meant: Sequence[Match], index: int) -> dict[str, Any]:
    pointer = f"/lines/{index}/{'sku' if line.sku else 'part'}"
    if not meant:
        return {"pointer": pointer, "reason": "unknown", "detail": "Nothing on sale has this number."}
    return {
        "pointer": pointer,
        "reason": "ambiguous",
        "detail": "Several offers have this number; name the vendor.",
        "candidates": [
            {
                "vendor_id": str(match.vendor_id),
                "vendor_name": match.vendor_name,
                "offer_id": str(match.offer_id),
                "sku": match.sku,
            }
            for match in meant
        ],
    }
