"""`yinqiao bench`: how quick it is, each figure beside its limit measured in the same run."""

from typing import Annotated

import typer

from services.commands.options import Json


def run(
    quick: Annotated[bool, typer.Option("--quick", help="Within five minutes.")] = False,
    as_json: Json = False,
) -> None:
    """Measure recording, signing, shipping, receiving, projecting and verifying, each beside its limit."""
    from services.bench import command

    command.run(quick=quick, as_json=as_json)
