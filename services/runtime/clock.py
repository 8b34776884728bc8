"""The only place that reads the clock; everything else is given a `Clock`."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TypeAlias

from events import errors, values

Clock: TypeAlias = Callable[[], datetime]
"""Answers the moment, with a zone."""
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China's time since 1991: no summer time, so no table of zones is needed."""


def now() -> datetime:
    """The moment, in UTC: the clock of a running node."""
    return datetime.now(UTC)


def text(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds and `Z`, 27 characters, so that text order is time order.

    Raises Invalid for a moment without a zone, or outside the years 1 to 9999.
    """
    if moment.tzinfo is None:
        raise errors.Invalid("a moment needs a time zone")
    try:
        return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except OverflowError:
        raise errors.Invalid("a moment must lie in the years 1 to 9999") from None


def moment(text: str) -> datetime:
    """The moment that `text` wrote. Raises Invalid for anything else."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise errors.Invalid("a time is written YYYY-MM-DDThh:mm:ss.ffffffZ") from None


def day(text: str, field: str) -> date:
    """A day as it stands in an address or a form, YYYY-MM-DD. Raises Invalid that names the field."""
    try:
        found = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  (a day has no zone)
    except ValueError:
        raise errors.Invalid(f"{field}: must be a date, YYYY-MM-DD", field=field) from None
    try:
        return values.meant(found)
    except ValueError as error:
        raise errors.Invalid(f"{field}: {error}", field=field) from None


def local(moment: datetime) -> datetime:
    """The same moment as the clocks in Chongqing and Chengdu show it."""
    return moment.astimezone(SHANGHAI)


def today(clock: Clock) -> date:
    """The date in Chongqing and Chengdu."""
    return local(clock()).date()
