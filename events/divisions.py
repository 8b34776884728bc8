"""Administrative divisions (GB/T 2260) with the dates they were in force, from `data/divisions.csv`.

A division is in force from `valid_from` on, up to the day before `valid_to`; `day=None` asks without a date.
Names of codes that the table does not hold are the codes themselves: nothing here raises for a stranger.
"""

import csv
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import NamedTuple

CODE_WIDTH = 6


class Division(NamedTuple):
    """One row of the table; `level` is province, prefecture or county."""

    code: str
    name_zh: str
    name_en: str
    parent: str | None
    level: str
    valid_from: date | None
    valid_to: date | None
    successor: str | None

    def in_force(self, day: date) -> bool:
        """Whether the division exists on that day."""
        return (self.valid_from or date.min) <= day < (self.valid_to or date.max)


@cache
def table() -> Mapping[str, Division]:
    """All divisions by code, in the table's order; read at the first call."""
    text = resources.files("events").joinpath("data/divisions.csv").read_text("utf-8")
    rows = (_division(row) for row in csv.DictReader(text.splitlines()))
    return MappingProxyType({row.code: row for row in rows})


def _division(row: Mapping[str, str]) -> Division:
    return Division(
        row["code"], row["name_zh"], row["name_en"], row["parent"] or None, row["level"],
        _day(row["valid_from"]), _day(row["valid_to"]), row["successor"] or None,
    )  # fmt: skip


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def get(code: str) -> Division | None:
    """The division of a code of 6 digits, or of the first 6 of a street's or community's."""
    return table().get(code[:CODE_WIDTH])


def is_known(code: str, day: date | None = None) -> bool:
    """Whether the table holds the code, and it is in force on that day."""
    division = get(code)
    return division is not None and (day is None or division.in_force(day))


def name(code: str, day: date | None = None, lang: str = "zh") -> str:
    """What the division is called in `zh` or `en`; its successor's name on a day when it is gone."""
    division = get(successor(code, day) if day else code)
    if division is None:
        return code
    return division.name_zh if lang == "zh" else division.name_en


def parent(code: str) -> str | None:
    """The division directly above, if there is one."""
    division = get(code)
    return division.parent if division else None


def above(code: str) -> tuple[str, ...]:
    """All divisions above, the nearest first."""
    upper = parent(code)
    return (upper, *above(upper)) if upper else ()


def in_line_of_authority(a: str, b: str) -> bool:
    """Whether one of two divisions stands above the other; a division is not above itself."""
    return a in above(b) or b in above(a)


def successor(code: str, day: date | None = None) -> str:
    """Where the division's duties lie on that day: itself while in force, then the one it went into."""
    division = get(code)
    if division is None or division.successor is None:
        return code
    if day is not None and day < (division.valid_to or date.max):
        return code
    return successor(division.successor, day)
