"""`yinqiao doctor`: look a node over; every finding names its remedy."""

import typer

from services.commands import options, screen
from services.commands.options import NODE_TOML, Json, SettingsFile
from services.node.checks.finding import Finding, Level, Subject
from services.runtime import clock


def run(settings: SettingsFile = NODE_TOML, as_json: Json = False) -> None:
    """Check settings, keys, database, guard, exchange, clock, logs, read models. Exit code 1: one is bad."""
    from services.node.checks import every

    place = options.place(settings)
    place.alliance.node(place.settings.name)  # NotFound when the alliance has no such node
    with screen.waiting("doctor"):
        found = list(every.run(Subject(place.settings, place.alliance, clock.now)))
    ok = all(finding.level is not Level.BAD for finding in found)
    _tell(found, ok=ok, as_json=as_json)
    raise typer.Exit(0 if ok else 1)


def _tell(found: list[Finding], *, ok: bool, as_json: bool) -> None:
    if as_json:
        screen.document({"ok": ok, "findings": [finding._asdict() for finding in found]})
    else:
        screen.table(Finding._fields, [(f.check, f.level.value, f.detail, f.remedy) for f in found])
