"""Requests and drafts of the alliance document, as files that people hand round."""

from pathlib import Path

from events import errors
from services.commands import screen
from services.runtime import files


def read(path: Path) -> str:
    """Raises Invalid."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.Invalid(f"{path} cannot be read as text: {type(error).__name__}") from None


def write(path: Path, text: str, *, as_json: bool, **more: object) -> None:
    """To a new file, whose path is told, with more of it for programs. Raises Conflict."""
    files.write_new(path, text.encode())
    if as_json:
        screen.document({"file": str(path), **more})
    else:
        screen.line(str(path))
