"""Where something can be: divisions that a command or a correction names, as they are now or were that day.

History stands when the table of divisions changes: nothing here is asked when records are read.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from events import divisions, errors
from events.values import Value

_BUREAUS = frozenset({"bureau", "bureaus", "host", "owner", "parties", "partners", "to"})
_PLACES = frozenset({"division"})


def check(said: Value, today: date, before: Value | None = None) -> None:
    """Whether there is such a division: a place's today or on a day that is stated beside it.

    Of a street or community the first six digits are known. What stood there `before` a correction may stay.
    Raises Invalid that names the field.
    """
    stood = {*_named(before, _PLACES | _BUREAUS)}
    days = {today, *(value for _, value in said if isinstance(value, date))}
    for field, code in _named(said, _PLACES):
        if (field, code) not in stood and not any(divisions.is_known(code, day) for day in days):
            raise errors.Invalid(f"{field}: there is no such division; choose one from the list", field=field)
    for field, code in _named(said, _BUREAUS):
        if (field, code) not in stood and not divisions.is_known(code):
            raise errors.Invalid(f"{field}: there is no such division; choose one from the list", field=field)


def _named(value: Any, names: frozenset[str], field: str = "") -> Iterator[tuple[str, str]]:
    """The codes in fields of these names, and where each stands: `place.division`, `parties.0`."""
    match value:
        case Value():
            for name, part in value:
                if not isinstance(part, str):
                    yield from _named(part, names, f"{field}.{name}".lstrip("."))
                elif name in names:
                    yield f"{field}.{name}".lstrip("."), part
        case tuple():
            for number, part in enumerate(value):
                if not isinstance(part, str):
                    yield from _named(part, names, f"{field}.{number}")
                elif field.rpartition(".")[2] in names:
                    yield f"{field}.{number}", part
