"""At what was known one asks: a date or a vector on the command line; and how bureaus are named there."""

from collections.abc import Callable
from datetime import date
from importlib import metadata
from typing import Annotated

import typer

from events import errors
from events.alliance import Alliance
from projections.sentences import Names
from projections.track import Vector
from services.auditor import positions
from services.commands import moments
from services.runtime.database import Connection

Date = Annotated[
    str | None, typer.Option("--date", help="As known at the end of this day (YYYY-MM-DD), or at a moment.")
]
Positions = Annotated[str | None, typer.Option("--vector", help="As known at a vector: log:position,…")]
Lang = Annotated[str, typer.Option("--lang", help="The language of sentences: zh or en.")]


def vector(conn: Connection, day: str | None, text: str | None) -> Vector | None:
    """What was asked for; None for now. Logs that a vector leaves out stand at 0. Raises Invalid."""
    if day is not None and text is not None:
        raise errors.Invalid("give --date or --vector, not both", field="vector")
    if text is not None:
        return {log: at for log, at in map(moments.key, text.split(",")) if at}
    return None if day is None else positions.at(conn, moments.end_of_day(day))


def either(conn: Connection, text: str) -> Vector:
    """A date, or a vector, whichever it is; `now` is everything that is covered. Raises Invalid."""
    if text == "now":
        return positions.covered(conn)
    found = vector(conn, None, text) if ":" in text and "T" not in text else vector(conn, text, None)
    return found or {}


def names(alliance: Alliance, day: date) -> Callable[[str], Names]:
    """What names bureaus in a language: by their official names on a day, or else by their codes."""

    def of(lang: str) -> Names:
        def name(code: str) -> str:
            try:
                return alliance.name(code, day, lang)
            except errors.NotFound:
                return code

        return name

    return of


def language(lang: str) -> str:
    """Raises Invalid."""
    if lang not in {"zh", "en"}:
        raise errors.Invalid("--lang is zh or en", field="lang")
    return lang


def code() -> str:
    """The version of this program."""
    return metadata.version("yinqiao")
