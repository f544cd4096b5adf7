"""Times at the boundary."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from adapters.http.times import in_utc, instant, read_time
from refport_core.errors import InvalidRequest


def test_times_are_written_in_utc_with_milliseconds() -> None:
    berlin = timezone(timedelta(hours=1))

    assert "2026-01-31T12:00:00.000Z" == instant(datetime(2026, 1, 31, 13, tzinfo=berlin))
    assert "2026-01-31T12:00:00.999Z" == instant(datetime(2026, 1, 31, 12, 0, 0, 999999, tzinfo=UTC))
    assert instant(None) is None


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-31T12:00:00.000Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T13:00:00.5+01:00", datetime(2026, 1, 31, 12, 0, 0, 500000, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_are_read_with_any_offset(text: str, time: datetime) -> None:
    assert time == read_time(text, "asOf")
    assert UTC is read_time(text, "asOf").tzinfo


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-01-31", "2026-01-31T12:00:00", "1769860800", "2026-02-30T12:00:00Z", "2026-01-31T25:00:00Z"],
)
def test_what_is_no_time_with_an_offset_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^asOf is an ISO 8601 time"):
        read_time(text, "asOf")


@pytest.mark.parametrize("year", [1, 1969, 9000, 9999])
def test_years_that_no_sum_of_times_survives_are_refused(year: int) -> None:
    time = datetime(year, 12 if year > 2000 else 1, 31, 23, tzinfo=timezone(timedelta(hours=14 if year == 1 else -12)))

    with pytest.raises(InvalidRequest, match="1970 to 8999"):
        in_utc(time, "occurredAt")
