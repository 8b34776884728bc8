"""Times are 27 characters that sort; the date is the one in China."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from events import errors
from services.runtime import clock

AT = datetime(2025, 12, 31, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment",
    [
        AT,
        AT.replace(microsecond=7),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        clock.now(),
    ],
)
def test_a_moment_is_written_in_27_characters_and_read_back(moment: datetime) -> None:
    assert len(clock.text(moment)) == 27
    assert clock.moment(clock.text(moment)) == moment


def test_the_same_moment_in_another_zone_is_the_same_text() -> None:
    assert clock.text(AT.astimezone(timezone(timedelta(hours=-5)))) == "2025-12-31T16:00:00.000000Z"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(errors.Invalid, match="time zone"):
        clock.text(datetime(2025, 1, 1))  # noqa: DTZ001  (that is the case)


def test_a_moment_outside_the_years_of_the_calendar_is_refused() -> None:
    with pytest.raises(errors.Invalid, match="years"):
        clock.text(datetime(1, 1, 1, tzinfo=clock.SHANGHAI))


@pytest.mark.parametrize(
    "text", ["", "2025-01-01", "2025-02-29T00:00:00.000000Z", "2025-01-01T00:00:00.000000+08:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(errors.Invalid, match="written"):
        clock.moment(text)


def test_midnight_and_the_new_year_come_to_china_at_16_hours_utc() -> None:
    assert clock.today(lambda: AT - timedelta(microseconds=1)) == date(2025, 12, 31)
    assert clock.today(lambda: AT) == date(2026, 1, 1)
