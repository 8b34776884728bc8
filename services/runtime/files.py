"""Secrets in files: written whole or not at all, readable by us alone, gone when removed."""

import errno
import os
import stat
from pathlib import Path
from uuid import uuid4

from events import errors

OTHERS = stat.S_IRWXG | stat.S_IRWXO
LIMIT = 65_536


def make_folder(folder: Path) -> None:
    """Make the folder, closed to everybody else; refuse one that is there and open. Raises Invalid."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    refuse_open(folder)


def refuse_open(path: Path) -> None:
    """Raises Invalid when others can use the folder or file, or when it is not ours; NotFound for none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise errors.NotFound(f"there is no {path}") from None
    _refuse_open(path, status)


def _refuse_open(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise errors.Invalid(f"{path} belongs to user {status.st_uid}: chown it to user {os.geteuid()}")
    if status.st_mode & OTHERS:
        mode = "700" if stat.S_ISDIR(status.st_mode) else "600"
        raise errors.Invalid(f"{path} is open to other users: chmod {mode} {path}")


def write_new(path: Path, content: bytes) -> None:
    """Write a new file, mode 0600, durable on return. Raises Conflict when there is one already.

    A crash leaves no half file under this name, at most a `.new` file that nobody reads.
    """
    scratch = path.with_name(f"{path.name}.{uuid4().hex}.new")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(scratch, path)  # unlike a rename it never replaces what is there
    except FileExistsError:
        raise errors.Conflict(f"{path} is there already") from None
    finally:
        scratch.unlink()
    sync(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Write a file anew, durable on return; a crash leaves the old content or the new one."""
    scratch = path.with_name(f"{path.name}.{uuid4().hex}.new")
    write_new(scratch, content)
    scratch.replace(path)
    sync(path.parent)


def read(path: Path) -> bytes:
    """What the file holds. Raises NotFound, and Invalid when it is open to others, a link or too large."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise errors.NotFound(f"there is no file {path}") from None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise errors.Unavailable(f"{path} cannot be read: {error.strerror}") from error
        raise errors.Invalid(f"{path} is a link: put the file itself there") from None
    with os.fdopen(handle, "rb") as file:
        _refuse_open(path, os.fstat(file.fileno()))
        content = file.read(LIMIT + 1)
    if len(content) > LIMIT:
        raise errors.Invalid(f"{path} has more than {LIMIT} bytes")
    return content


def destroy(path: Path) -> None:
    """Overwrite and remove the file, if it is there; after return no crash brings it back.

    Overwriting reaches the disk where the file system writes in place; backups must be short-lived.
    """
    try:
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        return
    path.unlink(missing_ok=True)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Make the folder's list of names durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
