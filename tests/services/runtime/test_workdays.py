"""Deadlines count the days on which offices work."""

from datetime import date, timedelta

import pytest

from events import errors
from services.runtime import workdays


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2024, 2, 4), True),  # Sunday, swapped for Spring Festival
        (date(2024, 2, 12), False),
        (date(2024, 9, 29), True),  # Sunday, swapped for National Day
        (date(2024, 10, 7), False),
        (date(2024, 10, 12), True),  # Saturday, swapped
        (date(2025, 1, 26), True),  # Sunday, swapped for Spring Festival
        (date(2025, 9, 28), True),  # Sunday, swapped for National Day
        (date(2025, 10, 8), False),  # Wednesday, day off
        (date(2025, 10, 11), True),  # Saturday, swapped
        (date(2025, 10, 18), False),  # a Saturday like any other
        (date(2026, 2, 14), True),  # Saturday, swapped for Spring Festival
        (date(2026, 2, 23), False),  # Monday, day off
        (date(2026, 10, 10), True),  # Saturday, swapped for National Day
        (date(2026, 11, 23), True),  # a Monday like any other
    ],
)
def test_swapped_weekends_are_working_days_and_days_off_are_not(day: date, *, works: bool) -> None:
    assert workdays.is_workday(day) is works


def test_a_year_not_announced_yet_has_its_statutory_holidays_and_weekends() -> None:
    assert not workdays.is_workday(date(2031, 10, 1))  # Wednesday, National Day
    assert not workdays.is_workday(date(2031, 1, 23))  # Thursday, Spring Festival
    assert not workdays.is_workday(date(2031, 10, 11))  # Saturday
    assert workdays.is_workday(date(2031, 10, 13))


def test_ten_working_days_over_national_day_2025() -> None:
    # 28 (Sunday), 29, 30 September; 9, 10, 11 (Saturday), 13, 14, 15, 16 October
    assert workdays.add(date(2025, 9, 26), 10) == date(2025, 10, 16)


def test_a_deadline_may_cross_into_a_year_not_announced_yet() -> None:
    assert workdays.add(date(2026, 12, 30), 2) == date(2027, 1, 4)


@pytest.mark.parametrize("year", [1900, 1949, 2003, 2027, 2099, 2100, 2199])
def test_no_year_that_a_bureau_can_mean_fails(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    assert 235 <= sum(map(workdays.is_workday, days)) <= 262


def test_zero_days_stay_and_nonsense_is_refused() -> None:
    assert workdays.add(date(2025, 10, 1), 0) == date(2025, 10, 1)
    for n in (-1, 10**9):
        with pytest.raises(errors.Invalid, match="working days"):
            workdays.add(date(2025, 10, 1), n)
