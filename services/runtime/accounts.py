"""Which account a server of ours runs under when we are root, and which folders that account can use."""

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from events import errors

CANDIDATES = ("postgres", "nobody")
NOT_NEEDED = shutil.ignore_patterns("include", "__pycache__")


@dataclass(frozen=True)
class Account:
    """The account that servers run under; `switch` says whether we must change to it."""

    name: str
    uid: int
    gid: int
    switch: bool

    def popen(self) -> dict[str, Any]:
        """Arguments for `subprocess` that start a program under this account, away from our terminal."""
        own: dict[str, Any] = {"start_new_session": True}
        if self.switch:
            own |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return own

    def owns(self, path: Path) -> None:
        """Hands `path` (not what is below it) to this account, closed to everybody else."""
        path.chmod(0o700 if path.is_dir() else 0o600)
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def can_use(self, folder: Path) -> bool:
        """Whether this account can walk into `folder`."""
        if not self.switch:
            return True
        check = ["test", "-x", str(folder)]
        return subprocess.run(check, check=False, cwd="/", **self.popen()).returncode == 0


def server_account() -> Account:
    """Our own account, or an unprivileged one when we are root: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return Account(str(os.geteuid()), os.geteuid(), os.getegid(), switch=False)
    for name in CANDIDATES:
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return Account(name, found.pw_uid, found.pw_gid, switch=True)
    raise errors.Unavailable(
        f"running as root, and none of the accounts {', '.join(CANDIDATES)} exists: add one"
    )


def new_folder(account: Account, purpose: str) -> Path:
    """A new folder owned by `account`, in a place that it can reach."""
    parent = next(place for place in _parents() if account.can_use(place))
    folder = Path(tempfile.mkdtemp(prefix=f"yinqiao-{purpose}-", dir=parent))
    account.owns(folder)
    return folder


def readable_copy(sources: Sequence[Path], name: str) -> Path:
    """A folder with copies of the folders `sources` that every account can read, made once for each `name`.

    The copy is moved into place when it is complete, so a crash leaves no half copy under that name.
    """
    for parent in _parents():
        target = parent / f"yinqiao-{name}"
        if _is_ours(target) or _copied(sources, target):
            return target
    raise errors.Unavailable(f"no folder to copy {name} to: /var/lib and the temporary folder are closed")


def _copied(sources: Sequence[Path], target: Path) -> bool:
    if target.exists():
        return False  # somebody else's: never run what others can write
    scratch = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    for source in sources:
        shutil.copytree(source, scratch / source.name, ignore=NOT_NEEDED)
    for path in (scratch, *scratch.rglob("*")):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    try:
        scratch.rename(target)
    except OSError:  # another process was quicker
        shutil.rmtree(scratch)
    return _is_ours(target)


def _is_ours(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    status = folder.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _parents() -> list[Path]:
    places = [Path("/var/lib"), Path(tempfile.gettempdir())]
    return [place for place in places if os.access(place, os.W_OK | os.X_OK)]
