"""Working days of mainland China, with the weekends that the State Council swaps for holidays.

The swaps of a year are announced in the autumn before. For years that `chinese_calendar` does not know yet
the statutory holidays count, and weekends that may be swapped later are weekends; who fixes a deadline in an
event writes the day down, so it does not move when the announcement comes.
"""

from datetime import date, timedelta
from functools import cache, lru_cache

import chinese_calendar

from events import errors

LIMIT = 2_000
_SATURDAY = 5


@lru_cache(maxsize=16_384)
def is_workday(day: date) -> bool:
    """Whether offices work on that day."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:  # a year that it does not know
        return day.weekday() < _SATURDAY and day not in _statutory(day.year)


def add(day: date, n: int) -> date:
    """The n-th working day after `day`; n=0 is `day` itself. Raises Invalid unless 0 <= n <= 2000."""
    if not 0 <= n <= LIMIT:
        raise errors.Invalid(f"0 to {LIMIT} working days can be added, not {n}")
    while n:
        day += timedelta(days=1)
        n -= is_workday(day)
    return day


@cache
def _statutory(year: int) -> frozenset[date]:
    import holidays

    return frozenset(holidays.country_holidays("CN", years=year, expand=False))
