"""The only clock: everything asks here for the time, so a test can replace it in one place."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The present moment, in UTC, aware."""
    return datetime.now(UTC)


def business_day(moment: datetime, time_zone: str) -> date:
    """The operator's calendar day of `moment`."""
    return moment.astimezone(ZoneInfo(time_zone)).date()
