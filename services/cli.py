"""The command `yinqiao`: which commands there are, and what their exit codes mean.

0 good; 1 a finding, or something is not there now (the message says what helps); 2 wrong use.
"""

import sys

import typer

from events import errors
from services.commands import (
    alliance,
    audit,
    bench,
    doctor,
    documents,
    evidence,
    founding,
    history,
    imports,
    keys,
    lineage,
    node,
    play,
    projections,
    quarantine,
    reports,
    screen,
    simulate,
)  # fmt: skip
from services.demo import command as demo

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
app.command("demo")(demo.run)
app.command("node")(node.run)
app.command("import")(imports.run)
app.command("simulate")(simulate.run)
audit.app.command("at")(history.at)
audit.app.command("state")(history.state)
audit.app.command("play")(play.run)
audit.app.command("lineage")(lineage.run)
audit.app.command("reproduce")(reports.reproduce)
audit.app.command("export")(evidence.export)
audit.app.add_typer(reports.app, name="report")
app.add_typer(audit.app, name="audit")
app.add_typer(projections.app, name="projections")
app.add_typer(quarantine.app, name="quarantine")
app.command("doctor")(doctor.run)
app.command("bench")(bench.run)
app.add_typer(keys.app, name="keys")
alliance.app.command("found")(founding.found)
app.add_typer(alliance.app, name="alliance")
app.command("openapi")(documents.openapi)
app.command("asyncapi")(documents.asyncapi)


@app.callback()
def yinqiao() -> None:
    """银桥 Yinqiao: bureaus for retired cadres work together, each on its own signed log."""


def main() -> None:
    """Run the command line; errors of ours become one line and an exit code."""
    try:
        app()
    except errors.YinqiaoError as error:
        screen.aside(f"yinqiao: {error.message}")
        sys.exit(exit_code(error))


def exit_code(error: errors.YinqiaoError) -> int:
    """2 when the asker must change something, 1 when it is a finding or not there now."""
    return 2 if isinstance(error, errors.Refused) else 1
