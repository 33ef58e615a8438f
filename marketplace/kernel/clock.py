"""The only clock: everything asks here for the time, so a test can replace it in one place."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_ahead: ContextVar[timedelta] = ContextVar("ahead", default=timedelta())


def now() -> datetime:
    """The present moment, in UTC, aware."""
    return datetime.now(UTC) + _ahead.get()


@contextmanager
def moved(by: timedelta) -> Iterator[None]:
    """Within, and in this thread only, it is so much later (earlier where negative): to tell of another day."""
    token = _ahead.set(by)
    try:
        yield
    finally:
        _ahead.reset(token)


def lies_ahead(day: date) -> bool:
    """Is a day still to come, wherever one is: by more than what time zones make."""
    return day > now().date() + timedelta(days=1)


def business_day(moment: datetime, time_zone: str) -> date:
    """The operator's calendar day of `moment`."""
    return moment.astimezone(ZoneInfo(time_zone)).date()
