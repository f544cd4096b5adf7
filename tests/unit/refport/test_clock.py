from datetime import UTC, datetime, timedelta

from refport.clock import FrozenClock, SystemClock


def test_the_systems_clock_tells_the_time_in_utc() -> None:
    now = SystemClock().now()

    assert timedelta(0) == now.utcoffset()
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_frozen_clock_stands_still() -> None:
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)

    assert at == FrozenClock(at).now() == FrozenClock(at).now()
