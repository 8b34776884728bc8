"""`yinqiao bench`: how quick it is, each figure beside its limit measured in the same run."""

from typing import Annotated

import typer

from services.commands.options import Json


def run(
    quick: Annotated[bool, typer.Option("--quick", help="Within five minutes.")] = False,
    archive: Annotated[bool, typer.Option("--archive", help="Only over a million records.")] = False,
    as_json: Json = False,
) -> None:
    """Measure recording, signing, shipping, receiving, projecting and verifying, each beside its limit.

    Then, unless it is to be quick, verify, replay and prove in an archive of a million records.
    """
    if quick and archive:
        raise typer.BadParameter("give --quick or --archive, not both")
    from services.bench import command

    command.run(quick=quick, only_archive=archive, as_json=as_json)
