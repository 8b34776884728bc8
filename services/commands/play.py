"""`yinqiao audit play`: the alliance's history event by event; pause, step and speed at a terminal."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

import typer

from events import errors
from projections import sentences
from projections.sentences import Names
from services.auditor import playing, positions
from services.auditor.playing import Filter, Played
from services.commands import known, options, screen
from services.commands.options import NODE_TOML, Json, SettingsFile
from services.runtime import clock

_HELP = "space: pause · n: next one · +/-: faster, slower · q: end"
_FASTEST = 1_000.0
_PATIENCE = 3_600.0
"""Seconds for which a pause looks for no key."""


def run(  # noqa: PLR0913, PLR0917  (one argument an option)
    start: Annotated[str | None, typer.Option("--from", help="Behind this date or vector.")] = None,
    end: Annotated[str, typer.Option("--to", help="Up to this date or vector.")] = "now",
    after: Annotated[str | None, typer.Option("--after", help="Go on behind this cursor.")] = None,
    bureau: Annotated[str | None, typer.Option("--bureau", help="Only what this bureau recorded.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Only one stream: LOG/UUID.")] = None,
    context: Annotated[str | None, typer.Option("--context", help="Only this context's events.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Only this type, by its full name.")] = None,
    correlation: Annotated[str | None, typer.Option("--correlation", help="Only this correlation.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=0, help="At most so many events.")] = None,
    speed: Annotated[float, typer.Option("--speed", min=0, help="Events a second; 0: no pause.")] = 0.0,
    step: Annotated[bool, typer.Option("--step", help="Begin paused; each n shows one event.")] = False,
    lang: known.Lang = "zh",
    settings: SettingsFile = NODE_TOML,
    as_json: Json = False,
) -> None:
    """Every event as a sentence, basis first and then by time; one JSON object a line with --json."""
    place, chosen = options.place(settings), Filter(bureau, _stream(subject), context, type_, correlation)
    if start is not None and after is not None:
        raise errors.Invalid("give --from or --after, not both", field="after")
    names = known.names(place.alliance, clock.today(clock.now))(known.language(lang))
    with place.connection() as conn, _keys() as key:
        begin = playing.resumed(after) if after is not None else known.either(conn, start) if start else {}
        last = positions.within(known.either(conn, end), positions.covered(conn))
        pace = Pace(key, speed, paused=step)
        for each in pace.of(islice(playing.play(conn, last, begin, chosen), limit)):
            screen.line(_json(each, names, lang) if as_json else _line(each, names, lang))
    if pace.cursor and sys.stderr.isatty():
        screen.aside(f"--after {pace.cursor}")


def _stream(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    log, slash, stream = text.partition("/")
    if not slash:
        raise errors.Invalid("--subject is written LOG/UUID", field="subject")
    return log, stream.lower()


def _line(each: Played, names: Names, lang: str) -> str:
    return f"{each.entry.time.decode()}\t{each.entry.log}:{each.entry.position}\t{_said(each, names, lang)}"


def _json(each: Played, names: Names, lang: str) -> str:
    told = {
        "log": each.entry.log, "position": each.entry.position, "time": each.entry.time.decode(),
        "says": _said(each, names, lang), "cursor": each.cursor,
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=False)


def _said(each: Played, names: Names, lang: str) -> str:
    try:
        return sentences.sentence(each.record(), lang, names)
    except errors.BadRecord as error:
        return f"[{error.kind()}] {error.message}"


Key = Callable[[float], str]
"""Waits so many seconds for a key; empty when none came."""


@dataclass
class Pace:
    """How fast events come, as keys say: paused, one by one, or so many a second (0: at once)."""

    key: Key | None
    speed: float
    paused: bool = False
    cursor: str = ""

    def of(self, events: Iterator[Played]) -> Iterator[Played]:
        """The events, each in its time, until they or the one who looks on end."""
        if self.key is not None:
            screen.aside(_HELP)
        for each in events:
            if not self._wait():
                return
            self.cursor = each.cursor
            yield each

    def _wait(self) -> bool:
        """Wait for the next event's time; False to end."""
        if self.key is None:
            time.sleep(1 / self.speed if self.speed else 0)
            return True
        until = time.monotonic() + (1 / self.speed if self.speed else 0)
        while True:
            left = _PATIENCE if self.paused else max(until - time.monotonic(), 0)
            match self.key(left):
                case "q" | "\x03":
                    return False
                case "n":
                    self.paused = True
                    return True
                case " ":
                    self.paused = not self.paused
                case "+":
                    self.speed = min((self.speed or _FASTEST) * 2, _FASTEST)
                case "-":
                    self.speed = (self.speed or _FASTEST) / 2
                case "" if not self.paused:
                    return True


@contextmanager
def _keys() -> Iterator[Key | None]:
    """Single keys without Enter, at a terminal; None elsewhere."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield None
        return
    import select
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)

    def key(seconds: float) -> str:
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        return os.read(sys.stdin.fileno(), 1).decode(errors="replace") if ready else ""

    try:
        tty.setcbreak(sys.stdin)
        yield key
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
