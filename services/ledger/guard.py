"""The guard file: what this node signed last, kept outside the database, so that a rollback is noticed.

contracts.md, "Guard file": the format, an identity line (system identifier, timeline, OID of the
database), then `<log> <size> <root>`, sorted. A size never goes down, whoever writes last.
"""

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from psycopg import Cursor

from events import errors, keys
from events.values import LOG
from services.runtime import files
from services.runtime.database import Connection

FORMAT = "yinqiao-guard/v1"
_IDENTITY = re.compile(r"[0-9]+ [0-9]+ [0-9]+")
_HEAD = re.compile(rf"({LOG}) ([1-9][0-9]{{0,15}}) ([A-Za-z0-9+/]{{43}}=)")
_PATIENCE = 10.0


class Head(NamedTuple):
    """The largest checkpoint that may have left: its size and root."""

    size: int
    root: bytes


@dataclass(frozen=True)
class Guard:
    """Which database it guards, and the heads that the database must contain, by log."""

    identity: str
    heads: Mapping[str, Head] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The file, always the same for the same content."""
        heads = (f"{log} {head.size} {keys.encode(head.root)}\n" for log, head in sorted(self.heads.items()))
        return f"{FORMAT}\n{self.identity}\n{''.join(heads)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read exactly what `text` writes. Raises Damage for anything else."""
        lines = text.split("\n")
        guard = cls("".join(lines[1:2]), dict(_head(line) for line in lines[2:-1]))
        if not _IDENTITY.fullmatch(guard.identity) or guard.text != text:
            raise errors.Damage("not a guard file of this version")
        return guard

    def size(self, log: str) -> int:
        """How far the log was signed and guarded: notes up to this size may leave."""
        return self.heads[log].size if log in self.heads else 0


def _head(line: str) -> tuple[str, Head]:
    match = _HEAD.fullmatch(line)
    root = match and keys.decode(match[3])
    if not match or not root:
        raise errors.Damage("a line of the guard file is no `<log> <size> <root>`")
    return match[1], Head(int(match[2]), root)


class GuardFile:
    """The file itself; every write is fsynced, renamed into place, and its folder fsynced."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Guard | None:
        """What it says; None when there is none. Raises ReadOnly when it cannot be read."""
        try:
            return Guard.parse(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, errors.Damage) as error:
            raise errors.ReadOnly(
                f"the guard file {self.path} cannot be read: move it away and confirm"
            ) from error

    def advance(self, identity: str, heads: Mapping[str, Head]) -> Guard:
        """Make the file hold at least these heads, durable on return, and never a smaller one than it does.

        A process that was frozen since it committed may come late: what it brings then changes nothing.
        Raises ReadOnly when the file guards another database or holds another root for one of the sizes.
        """
        with self._locked():
            before = self.read() or Guard(identity)
            if before.identity != identity:
                raise errors.ReadOnly("the guard file is that of another database; confirm this node")
            after = Guard(identity, {**before.heads, **_advanced(before.heads, heads)})
            if after != before or not self.path.exists():
                self._write(after)
            return after

    def replace(self, guard: Guard) -> None:
        """Write what was confirmed, whatever stood there."""
        with self._locked():
            self._write(guard)

    def _write(self, guard: Guard) -> None:
        scratch = self.path.with_name(self.path.name + ".new")
        with scratch.open("w", encoding="utf-8") as file:
            file.write(guard.text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self.path)
        files.sync(self.path.parent)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time. Raises Unavailable when another process does not let go."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(self.path.name + ".lock").open("a") as lock:
            _wait(lock.fileno())
            yield


def _wait(lock: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise errors.Unavailable("another process holds the guard file") from None
            time.sleep(0.01)


def _advanced(before: Mapping[str, Head], heads: Mapping[str, Head]) -> dict[str, Head]:
    """Those of `heads` that are new. Raises ReadOnly when a size comes with another root."""
    for log, head in heads.items():
        if log in before and before[log].size == head.size and before[log].root != head.root:
            raise errors.ReadOnly(f"the guard file holds another root for log {log} at size {head.size}")
    return {log: head for log, head in heads.items() if log not in before or before[log].size < head.size}


def identity(conn: Connection) -> str:
    """Of the database behind a connection: system identifier, timeline, OID.

    A restored dump has another OID, a restored cluster or a promoted standby another timeline.
    """
    return _first_column(conn.execute(_WHO))[0]


_WHO = """
SELECT concat_ws(
    ' ', s.system_identifier, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int, d.oid
) FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()
"""


def check(conn: Connection, guard: Guard | None) -> None:
    """Raises ReadOnly, naming the cause, unless the database contains all that the guard file stands for.

    No guard file is right only while the node has signed nothing.
    """
    asked(conn, guard)()


def asked(conn: Connection, guard: Guard | None) -> Callable[[], None]:
    """Ask what `check` asks, in a pipeline if there is one; what it gives reads the answers, and raises."""
    if guard is None:
        signed = conn.execute(_SIGNED)
        return lambda: _refuse_unguarded(_first_column(signed))
    found = conn.execute(_ASKED, _columns(guard.heads))
    return lambda: _refuse(guard, *found.fetchall()[0])


def _refuse_unguarded(signed: list[str]) -> None:
    if signed:
        raise errors.ReadOnly(f"log {signed[0]} has checkpoints here, but there is no guard file")


def _refuse(guard: Guard, now: object, lost: Any) -> None:
    if now != guard.identity:
        raise errors.ReadOnly(f"the guard file is that of database {guard.identity}, this is {now}")
    if lost:
        log, head = lost[0], guard.heads[lost[0]]
        raise errors.ReadOnly(f"log {log} was signed up to {head.size}, and the database does not hold that")


_SIGNED = "SELECT log FROM ledger.log WHERE own AND log IN (SELECT log FROM ledger.checkpoint) ORDER BY log"


def missing(conn: Connection, heads: Mapping[str, Head]) -> list[str]:
    """The logs whose head, size and root, is not in the database."""
    return _first_column(conn.execute(_MISSING, _columns(heads)))


def _columns(heads: Mapping[str, Head]) -> list[object]:
    return [list(heads), [h.size for h in heads.values()], [h.root for h in heads.values()]]


def _first_column(cursor: Cursor[tuple[object, ...]]) -> list[str]:
    return [str(row[0]) for row in cursor.fetchall()]


_MISSING = """
SELECT g.log FROM unnest(%s::text[], %s::bigint[], %b::bytea[]) AS g (log, size, root) WHERE NOT EXISTS (
    SELECT FROM ledger.checkpoint c JOIN ledger.log l USING (log)
    JOIN ledger.entry e ON e.log = c.log AND e.position = c.size
    WHERE c.log = g.log COLLATE "C" AND c.size = g.size AND c.root = g.root AND l.head >= g.size
) ORDER BY g.log
"""
_ASKED = f"SELECT ({_WHO}), ARRAY ({_MISSING})"
