"""Read models of past positions in scratch schemas, which are gone when they are no longer used."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

from projections import track
from projections.model import Instance, ReadModel
from projections.rebuild import LeftOut
from projections.track import Vector
from services.projector import rebuild
from services.runtime.database import Connection, Database

_NAME = re.compile(r"[a-z]+_at_s[0-9a-f]{12}")


class Scratch:
    """Builds read models for the length of a `with`; see services.auditor.asking.Build.

    `progress` is called with how many records were folded, and how many there are. Each instance is guarded
    by a lock of its connection, so that what a killed process left behind is known and swept away.
    """

    def __init__(self, database: Database, progress: Callable[[int, int], object] = lambda *_: None) -> None:
        self._database, self._progress = database, progress

    @contextmanager
    def __call__(
        self, model: ReadModel, until: Vector, left_out: Sequence[LeftOut] | None = None
    ) -> Iterator[Instance]:
        """The model as it stands at a vector. Raises Invalid when the vector is not covered here."""
        label = f"s{uuid4().hex[:12]}"
        name = f"{model.name}_at_{label}"
        with self._database.unbroken() as guard:
            sweep(guard)
            guard.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
            try:
                yield rebuild.past(self._database, model, label, until, self._progress, left_out)
            finally:
                track.drop(guard, name)
                guard.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def sweep(conn: Connection) -> list[str]:
    """Drop the scratch instances whose builder is gone; their names."""
    found = [s.name for s in track.states(conn) if _NAME.fullmatch(s.name) and _lock(conn, s.name)]
    for name in found:
        track.drop(conn, name)
        conn.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
    return found


def _lock(conn: Connection, name: str) -> bool:
    row = conn.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchone()
    return bool(row and row[0])
