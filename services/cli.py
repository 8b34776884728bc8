"""The command `yinqiao`: which commands there are, and what their exit codes mean.

0 good; 1 a finding, or something is not there now (the message says what helps); 2 wrong use.
"""

import sys

import typer

from events import errors
from services.commands import node, screen

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
app.command("node")(node.run)


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
