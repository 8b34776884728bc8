"""How records and days are written on the command line."""

import re
from datetime import date, datetime, time

from events import errors
from events.event import Key
from events.values import LOG
from services.runtime import clock

_KEY = re.compile(rf"({LOG}):(0|[1-9][0-9]{{0,15}})")


def key(text: str) -> Key:
    """A record, or the end of a log, written `500116:17`. Raises Invalid."""
    match = _KEY.fullmatch(text.strip())
    if match is None:
        raise errors.Invalid(f"{text[:40]!r} is not written log:position, for example 500116:17")
    return match[1], int(match[2])


def end_of_day(text: str) -> str:
    """A day's last moment in Chongqing and Chengdu, 27 characters, or a moment written so. Raises Invalid."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return clock.text(clock.moment(text))
    return clock.text(datetime.combine(day, time.max, clock.SHANGHAI))
