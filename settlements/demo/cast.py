"""Who takes part in the demonstration, read from cast.toml."""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marketplace.kernel.access import Role

PASSWORD = "tour-of-kontor"  # noqa: S105 - printed at every start of the demonstration, and of use there only
_FILE = Path(__file__).with_name("cast.toml")


@dataclass(frozen=True, slots=True)
class Someone:
    """A person with one role in one company."""

    name: str
    email: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A company of the demonstration. `side`: operator, vendor, applicant or buyer; the first person registers it."""

    key: str
    side: str
    name: str
    country: str
    vat_id: str
    registration_number: str
    email: str
    phone: str
    address: tuple[str, str, str]  # street, postal code, city
    people: tuple[Someone, ...]
    second_address: tuple[str, str, str] | None = None
    website: str = ""
    goods: str = ""
    commission: str = ""
    commission_by_category: dict[str, str] = field(default_factory=dict)
    question: str = ""  # what the operator asked the applicant

    @property
    def first(self) -> Someone:
        return self.people[0]


@functools.cache
def companies() -> Mapping[str, Member]:
    """{key: company}, the operator first."""
    rows = tomllib.loads(_FILE.read_text("utf-8"))["company"]
    return {row["key"]: _company(row) for row in rows}


def of_side(side: str) -> list[Member]:
    return [company for company in companies().values() if company.side == side]


def _company(row: dict[str, Any]) -> Member:
    people = tuple(Someone(name, email, Role(role)) for name, email, role in row["people"])
    places = {name: tuple(row[name]) for name in ("address", "second_address") if name in row}
    return Member(**(row | places | {"people": people}))
