"""The clock can be moved for a while, and for one thread only."""

from datetime import UTC, datetime, timedelta
from threading import Thread

from marketplace.kernel import clock

DAY = timedelta(days=1)


def test_it_is_another_day_within_and_today_afterwards():
    before = clock.now()
    with clock.moved(-DAY):
        within = clock.now()
        with clock.moved(DAY):
            ahead = clock.now()

    assert before - DAY <= within < before
    assert ahead >= before + DAY
    assert before <= clock.now() <= datetime.now(UTC)


def test_other_threads_keep_their_day():
    seen = []
    with clock.moved(-DAY):
        other = Thread(target=lambda: seen.append(clock.now()))
        other.start()
        other.join()
        assert seen[0] - clock.now() >= DAY - timedelta(seconds=5)


def test_business_days_follow_the_operators_calendar():
    assert clock.business_day(datetime(2026, 6, 30, 22, 30, tzinfo=UTC), "Europe/Berlin").isoformat() == "2026-07-01"
