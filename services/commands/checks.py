"""`yinqiao audit verify|replay|diff`: whether what is stored is what was signed, here and elsewhere."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from events import errors
from services.auditor import answering, checking, guarding, keeping, remembering, verifications, workers
from services.auditor.checking import Found, How, Outcome
from services.commands import known, options, other, screen
from services.commands.options import NODE_TOML, Json, Place, SettingsFile
from services.ledger import logs
from services.ledger.guard import GuardFile
from services.runtime import clock, database
from services.runtime.database import Connection

Logs = Annotated[list[str] | None, typer.Option("--log", help="Only this log; may stand several times.")]
Start = Annotated[int, typer.Option("--from", min=0, help="Only what comes after this position.")]
Quick = Annotated[bool, typer.Option("--quick", help="Bytes, tree and signatures only, no meaning.")]
Exchange = Annotated[bool, typer.Option("--exchange", help="Compare with the topics, byte for byte.")]
Models = Annotated[bool, typer.Option("--models", help="Build read models anew beside and compare rows.")]
Documents = Annotated[
    list[Path] | None,
    typer.Option("--alliance", help="Another copy of a version of the alliance document, to compare with."),
]
Other = Annotated[
    str, typer.Option("--other", help="A node's name or URL, the DSN of its database, or its settings file.")
]
MANY = 50_000
"""From so many events on it is worth starting processes."""


def verify(
    settings: SettingsFile = NODE_TOML,
    log: Logs = None,
    start: Start = 0,
    quick: Quick = False,
    exchange: Exchange = False,
    models: Models = False,
    alliance: Documents = None,
    as_json: Json = False,
) -> None:
    """Derive everything again from the raw bytes, then decode and fold it. Exit code 1: findings."""
    try:
        place = options.place(settings)
    except errors.Damage as error:  # the settings name another document than the one that stands there
        _tell(Outcome(findings=[Found("", 1, "alliance", error.message)]), as_json=as_json)
        return
    names = log or []
    outcome = _verified(place, names, start, quick=quick)
    with place.connection() as conn:
        _keep(conn, outcome, quick=quick)
        guard_file = GuardFile(place.settings.guard.file)
        outcome.findings += guarding.check(conn, guard_file, names)
        outcome.findings += remembering.check(conn, place.alliance, place.settings.name, guard_file, names)
        outcome.findings += keeping.check(conn)
        if not quick:
            outcome.findings += answering.check(conn, place.alliance, names)
        outcome.findings += other.documents(place.settings.alliance, alliance or ())
        if exchange:
            outcome.findings += other.exchange(conn, place, names)
        if models:
            outcome.findings += other.models(conn, place)
    _tell(outcome, as_json=as_json)


def replay(
    settings: SettingsFile = NODE_TOML, log: Logs = None, start: Start = 0, as_json: Json = False
) -> None:
    """Decode every record and fold every stream as history it can be. Exit code 1: findings."""
    place = options.place(settings)
    with _work(place) as run, place.connection() as conn, screen.progress("replay") as progress:
        outcome = checking.replay_all(conn, place.alliance, log or (), start, How(run, progress))
    _tell(outcome, as_json=as_json)


def diff(there: Other, settings: SettingsFile = NODE_TOML, log: Logs = None, as_json: Json = False) -> None:
    """Compare logs with those of another node, as far as both have them. Exit code 1: they differ."""
    place = options.place(settings)
    with place.connection() as conn, other.node(place, there) as holder:
        outcome = other.diff(conn, holder, log or ())
    _tell(outcome, as_json=as_json)


def _verified(place: Place, names: list[str], start: int, *, quick: bool) -> Outcome:
    with _work(place) as run, place.connection() as conn:
        with screen.progress("verify") as progress:
            outcome = checking.verify_all(conn, place.alliance, names, start, How(run, progress))
        if not quick:
            with screen.progress("replay") as progress:
                outcome.join(checking.replay_all(conn, place.alliance, names, start, How(run, progress)))
    return outcome


def _keep(conn: Connection, outcome: Outcome, *, quick: bool) -> None:
    """For the auditor's pages; where nothing can be written, the findings are told all the same."""
    try:
        verifications.keep_all(conn, outcome.reports, known.code(), clock.now(), replayed=not quick)
    except psycopg.Error as error:
        screen.aside(f"not kept for the pages: {type(error).__name__}")


@contextmanager
def _work(place: Place) -> Iterator[checking.Run | None]:
    """Who does the work: processes of their own when there is much; they begin before anything else does."""
    with place.connection() as conn:
        total = sum(logs.heads(conn).values())
    if total < MANY or (os.cpu_count() or 1) == 1:
        yield None
        return
    with workers.Workers() as started:
        yield partial(started.run, place.dsn, database.PATIENT, place.alliance)


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        screen.document(_document(outcome))
    else:
        screen.table(("log", "position", "kind", "detail"), outcome.findings)
        unknown = f", {outcome.unknown} of unknown types" if outcome.unknown else ""
        found = f"{len(outcome.findings) + outcome.more or 'no'} findings"
        redacted = f", {outcome.redacted} redacted" if outcome.redacted else ""
        screen.line(f"{outcome.logs} logs, {outcome.events} events{unknown}{redacted}: {found}")
    raise typer.Exit(0 if outcome.ok else 1)


def _document(outcome: Outcome) -> dict[str, Any]:
    return {
        "ok": outcome.ok,
        "logs": outcome.logs,
        "events": outcome.events,
        "unknown": outcome.unknown,
        "redacted": outcome.redacted,
        "findings": [{"bureau": found.bureau, **found._asdict()} for found in outcome.findings],
        "more": outcome.more,
    }
