"""The terms of return beside the formula's: reasons, time limits and deficits; a version is never edited, so an order
keeps those of the version it names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from marketplace.kernel.lazily import lazily
from marketplace.pricing.policy import Fault

holidays: Any = lazily("holidays")


class Reason(StrEnum):
    """Why a buyer sends goods back."""

    CHANGE_OF_MIND = "change_of_mind"
    VISIBLE_DEFECT = "visible_defect"
    HIDDEN_DEFECT = "hidden_defect"
    WRONG_ITEM = "wrong_item"
    CARRIER_DAMAGE = "carrier_damage"
    NOT_RECEIVED = "not_received"
    LISTING_ERROR = "listing_error"


class DeficitRule(StrEnum):
    """What becomes of what a buyer would have to pay on top after a return."""

    CARRY = "carry"  # taken off the next refund of the order
    INVOICE = "invoice"  # asked for, with a day until when
    WAIVE = "waive"  # let go, up to a limit


FAULT_OF = {
    Reason.CHANGE_OF_MIND: Fault.BUYER,
    Reason.VISIBLE_DEFECT: Fault.VENDOR,
    Reason.HIDDEN_DEFECT: Fault.VENDOR,
    Reason.WRONG_ITEM: Fault.VENDOR,
    Reason.CARRIER_DAMAGE: Fault.CARRIER,
    Reason.NOT_RECEIVED: Fault.CARRIER,
    Reason.LISTING_ERROR: Fault.OPERATOR,
}
EVIDENCE_WANTED = {
    Reason.CHANGE_OF_MIND: "",
    Reason.VISIBLE_DEFECT: "A photo of the defect, and the serial or batch number.",
    Reason.HIDDEN_DEFECT: "A photo or a test report, and the serial or batch number.",
    Reason.WRONG_ITEM: "A photo of the goods and of the label, beside the order.",
    Reason.CARRIER_DAMAGE: "Photos of packaging, label and damage, and the delivery note with the reservation.",
    Reason.NOT_RECEIVED: "The delivery note or the carrier's answer.",
    Reason.LISTING_ERROR: "A link or a copy of what was listed wrongly.",
}
_DEFAULT: dict[str, Any] = {
    "windows": {
        "change_of_mind": {"days": 14, "working": False},
        "visible_defect": {"days": 2, "working": True},
        "hidden_defect": {"days": 365, "working": False},
        "wrong_item": {"days": 5, "working": True},
        "carrier_damage": {"days": 7, "working": False},
        "not_received": {"days": 30, "working": False},
        "listing_error": {"days": 30, "working": False},
    },
    "discovery_days": 10,
    "answer_working_days": 3,
    "evidence_working_days": 5,
    "send_days": 14,
    "arrive_days": 14,
    "inspect_working_days": 5,
    "replace_working_days": 5,
    "settle_hours": 24,
    "appeal_days": 14,
    "remind_hours": 24,
    "deficit_days": 14,
    "deficit": "carry",
    "waive_below_minor": {"EUR": 500},
}
# Where a version does not say it.
USUAL = {name: _DEFAULT[name] for name in ("arrive_days", "replace_working_days", "deficit_days")}
DEFAULT_TERMS: dict[str, dict[str, Any]] = {
    "b2b": _DEFAULT,
    "consumer": _DEFAULT | {"deficit": "waive", "waive_below_minor": {}},
}


@dataclass(frozen=True, slots=True)
class ReturnTerms:
    """One version's terms of return, read."""

    content: Mapping[str, Any]

    @property
    def appeal(self) -> timedelta:
        return timedelta(days=self.content["appeal_days"])

    @property
    def send(self) -> timedelta:
        return timedelta(days=self.content["send_days"])

    @property
    def arrive(self) -> timedelta:
        """How long after they were announced goods count as on their way: then as arrived, whoever recorded it."""
        return timedelta(days=self.content.get("arrive_days", USUAL["arrive_days"]))

    @property
    def settle(self) -> timedelta:
        """How long a decision that differs from the claim waits before it is settled by itself."""
        return timedelta(hours=self.content["settle_hours"])

    @property
    def discovery(self) -> timedelta:
        """How long after he discovered a hidden defect the buyer may tell of it."""
        return timedelta(days=self.content["discovery_days"])

    @property
    def remind(self) -> timedelta:
        return timedelta(hours=self.content["remind_hours"])

    @property
    def deficit(self) -> DeficitRule:
        return DeficitRule(self.content["deficit"])

    @property
    def deficit_days(self) -> int:
        """How long the buyer has to pay what he is asked for; versions of before it was said keep the usual time."""
        return int(self.content.get("deficit_days", USUAL["deficit_days"]))

    def never(self, reason: Reason) -> bool:
        """Are returns for this reason not taken at all?"""
        return bool(self.content["windows"][reason.value]["days"] == 0)

    def until(self, reason: Reason, delivered_at: datetime, country: str) -> datetime:
        """The last moment at which goods delivered then may be returned for this reason."""
        window = self.content["windows"][reason.value]
        if window["working"]:
            return working_days_later(delivered_at, window["days"], country)
        return delivered_at + timedelta(days=window["days"])

    def answer_by(self, moment: datetime, country: str) -> datetime:
        return working_days_later(moment, self.content["answer_working_days"], country)

    def evidence_by(self, moment: datetime, country: str) -> datetime:
        return working_days_later(moment, self.content["evidence_working_days"], country)

    def inspect_by(self, moment: datetime, country: str) -> datetime:
        return working_days_later(moment, self.content["inspect_working_days"], country)

    def replace_by(self, moment: datetime, country: str) -> datetime:
        """Until when a replacement is shipped; versions of before it was said keep the usual time."""
        days = self.content.get("replace_working_days", USUAL["replace_working_days"])
        return working_days_later(moment, days, country)

    def waives(self, deficit_minor: int, currency: str) -> bool:
        """Is a deficit let go: always where the rule says so without a limit, else up to the limit of the currency."""
        limit = self.content["waive_below_minor"].get(currency)
        if self.deficit is DeficitRule.WAIVE:
            return limit is None or deficit_minor <= limit
        return False

    def asks_for(self, deficit_minor: int, currency: str) -> bool:
        """Is a deficit asked for at once: not what would be let go in the end."""
        return self.deficit is DeficitRule.INVOICE and deficit_minor > 0 and not self.is_small(deficit_minor, currency)

    def is_small(self, deficit_minor: int, currency: str) -> bool:
        """Is a carried deficit small enough to be let go once nothing more can come back?"""
        return deficit_minor <= self.content["waive_below_minor"].get(currency, 0)


def working_days_later(moment: datetime, days: int, country: str) -> datetime:
    """The same time so many working days later, by the holidays of a country (weekends alone where it has no list)."""
    calendar, later = _calendar(country), moment
    while days:
        later += timedelta(days=1)
        if later.weekday() < 5 and later.date() not in calendar:
            days -= 1
    return later


@lru_cache(256)
def _calendar(country: str) -> Any:
    """The holidays of a country, which fill in their years as they are asked for."""
    return holidays.country_holidays(country) if country in holidays.list_supported_countries() else {}
