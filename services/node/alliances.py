"""The alliance document on disk: version 1 is believed by its digest, each later one by its signatures."""

from pathlib import Path

from events import alliance, errors
from events.alliance import Alliance


def load(file: Path, digest: str) -> Alliance:
    """The newest version: `alliance.note` is version 1, `alliance-2.note` and so on stand beside it.

    Raises Invalid when version 1 is not there, and whatever `events.alliance` has against a version.
    """
    try:
        found = alliance.first(file.read_text("utf-8"), digest)
    except OSError as error:
        raise errors.Invalid(f"{file} cannot be read: put the alliance document there") from error
    while (later := version(file, found.version + 1)).exists():
        found = alliance.successor(found, later.read_text("utf-8"))
    return found


def version(file: Path, number: int) -> Path:
    """Where a version of the document stands."""
    return file if number == 1 else file.with_name(f"{file.stem}-{number}{file.suffix}")
