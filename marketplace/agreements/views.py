"""Terms as their parties read them: the rates of single categories by the paths that these have now."""

import uuid
from collections.abc import Sequence
from typing import Any

from marketplace.agreements.minimums import usual_minimum
from marketplace.agreements.models import VendorTerms
from marketplace.catalogue.queries import category_paths

Json = dict[str, Any]


def terms(rows: Sequence[VendorTerms]) -> list[Json]:
    """Each of these terms, in one query however many they are."""
    paths = category_paths(uuid.UUID(own) for row in rows for own in row.commission_by_category)
    return [_facts(row) | {"commission_by_category": _by_path(row, paths)} for row in rows]


def least_paid(row: Json, currency: str) -> dict[str, int]:
    """The least that is paid out, in minor units: in the currencies agreed, else in the vendor's and those named."""
    agreed = row["minimum_payout"]
    currencies = row["payout_currencies"] or dict.fromkeys([currency, *agreed])
    return {one: agreed.get(one, usual_minimum(one)) for one in currencies}


def _facts(row: VendorTerms) -> Json:
    return {column.key: getattr(row, column.key) for column in VendorTerms.__table__.columns}


def _by_path(row: VendorTerms, paths: dict[uuid.UUID, str]) -> dict[str, str]:
    found = {paths.get(uuid.UUID(own), own): rate for own, rate in row.commission_by_category.items()}
    return dict(sorted(found.items()))
