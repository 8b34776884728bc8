"""What a command shows: tables and progress for people at a terminal, plain lines and JSON for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date, datetime
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table


def document(content: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2, default=_plain))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table at a terminal; elsewhere a line a row, tabs between, so that nothing is cut off."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(map(_plain, row)))
        return
    drawn = Table(*columns)
    for row in rows:
        drawn.add_row(*(escape(_plain(value)) for value in row))
    Console().print(drawn)


def line(text: str) -> None:
    """One line on standard output."""
    typer.echo(text)


def aside(text: str) -> None:
    """One line on standard error: what went wrong, or how it goes on."""
    typer.echo(text, err=True)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while it is a terminal: call with how much is done, and how much there is."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, all_: bar.update(task, completed=done, total=all_)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A sign on standard error, while it is a terminal, that work goes on whose length nobody knows."""
    console = Console(stderr=True)
    with console.status(what) if console.is_terminal else nullcontext():
        yield


def _plain(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime() | date():
            return value.isoformat()
        case float():
            return f"{value:.1f}"
        case dict():
            return ", ".join(f"{name} {number}" for name, number in sorted(value.items()))
    return str(value)
