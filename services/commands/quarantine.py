"""`yinqiao quarantine`: what read models have set aside; try it again, or leave it out for good."""

from typing import Annotated, Any

import typer

from projections import quarantine
from projections.judge import Cause
from services.commands import moments, options, screen
from services.commands.options import NODE_TOML, Json, SettingsFile

app = typer.Typer(no_args_is_help=True, help="Records that are set aside: list, show, retry, skip.")
Record = Annotated[str, typer.Argument(help="The record, written log:position.")]
Model = Annotated[str | None, typer.Option("--model", help="Only in this read model.")]
_COLUMNS = ("model", "record", "cause", "waits for", "attempts", "since", "type", "detail")


@app.command("list")
def list_(
    settings: SettingsFile = NODE_TOML,
    model: Model = None,
    cause: Annotated[Cause | None, typer.Option("--cause", help="Only for this cause.")] = None,
    skipped: Annotated[bool, typer.Option("--skipped", help="What was left out for good.")] = False,
    as_json: Json = False,
) -> None:
    """What waits, the oldest first, at most 1,000; with --skipped what was left out for good."""
    with options.place(settings).connection() as conn:
        if skipped:
            _tell_skipped(quarantine.skipped(conn, model), as_json=as_json)
        else:
            _tell(quarantine.waits(conn, model=model, cause=cause), as_json=as_json)


@app.command()
def show(record: Record, settings: SettingsFile = NODE_TOML, as_json: Json = False) -> None:
    """Why and where one record waits, and what waits for it."""
    with options.place(settings).connection() as conn:
        _tell(quarantine.show(conn, moments.key(record)), as_json=as_json)


@app.command()
def retry(
    record: Annotated[str | None, typer.Argument(help="The record; all without.")] = None,
    settings: SettingsFile = NODE_TOML,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Let records be tried again at the node's next step."""
    chosen = moments.key(record) if record else None
    with options.place(settings).connection() as conn:
        count = quarantine.retry(conn, key=chosen, model=model)
    if as_json:
        screen.document({"retried": count})
    else:
        screen.line(f"{count} to be tried again")


@app.command()
def skip(
    record: Record,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept and shown, and is in no log.")],
    settings: SettingsFile = NODE_TOML,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Leave a record out for good; what waits for it goes on. Every digest shows it."""
    with options.place(settings).connection() as conn:
        count = quarantine.skip(conn, moments.key(record), reason, model=model)
    if as_json:
        screen.document({"skipped": count})
    else:
        screen.line(f"skipped in {count} read models")


def _tell(found: list[quarantine.Waiting], *, as_json: bool) -> None:
    if as_json:
        screen.document([{**w._asdict(), "bureau": w.log[:6]} for w in found])
        return
    screen.table(_COLUMNS, [_row(w) for w in found])


def _row(w: quarantine.Waiting) -> tuple[Any, ...]:
    return (w.model, f"{w.log}:{w.position}", w.cause, w.missing, w.attempts, w.since, w.type, w.detail)


def _tell_skipped(found: list[quarantine.Skipped], *, as_json: bool) -> None:
    if as_json:
        screen.document([s._asdict() for s in found])
        return
    rows = [(s.model, f"{s.log}:{s.position}", s.kind, s.decided, s.reason) for s in found]
    screen.table(("model", "record", "kind", "decided", "reason"), rows)
