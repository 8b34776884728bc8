"""The command `yinqiao`."""

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def yinqiao() -> None:
    """银桥 Yinqiao: bureaus for retired cadres work together, each on its own signed log."""


def main() -> None:
    app()
