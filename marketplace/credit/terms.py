"""When an invoice is due: a rule of a kind and a number of days, applied to the day of the invoice; pure."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Self


class TermsKind(StrEnum):
    """How the days are counted; `none`: nothing is bought on account any more."""

    NET = "net"  # so many days after the invoice
    DAYS_END_OF_MONTH = "days_end_of_month"  # the end of the month in which those days end
    END_OF_MONTH_DAYS = "end_of_month_days"  # so many days after the end of the invoice's month
    NONE = "none"


@dataclass(frozen=True, slots=True)
class DueRule:
    """One way to count; `days` from 0."""

    kind: TermsKind
    days: int

    def due_on(self, invoiced_on: date) -> date:
        """The last day on which an invoice of that day is paid in time."""
        later = timedelta(days=self.days)
        if self.kind is TermsKind.NET:
            return invoiced_on + later
        if self.kind is TermsKind.DAYS_END_OF_MONTH:
            return _end_of_month(invoiced_on + later)
        if self.kind is TermsKind.END_OF_MONTH_DAYS:
            return _end_of_month(invoiced_on) + later
        raise ValueError("without terms nothing falls due")

    @property
    def text(self) -> str:
        """As it stands on an order and its invoices."""
        days = f"{self.days} day" if self.days == 1 else f"{self.days} days"
        if self.kind is TermsKind.NET:
            return f"{days} net" if self.days else "due at once"
        if self.kind is TermsKind.DAYS_END_OF_MONTH:
            return f"{days}, then the end of the month" if self.days else "end of the month"
        if self.kind is TermsKind.END_OF_MONTH_DAYS:
            return f"{days} after the end of the month" if self.days else "end of the month"
        return "payment in advance"

    def as_json(self) -> dict[str, Any]:
        """What an order keeps of it."""
        return {"kind": self.kind.value, "days": self.days, "text": self.text}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        return cls(TermsKind(kept["kind"]), kept["days"])


def _end_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
