"""Names for scratch instances, each guarded by a lock of a connection: what nobody holds is swept away."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

from projections import rebuild, track
from projections.model import ReadModel
from services.runtime.database import Connection, Database

_NAME = re.compile(r"[a-z]+_at_s[0-9a-f]{12}")


@contextmanager
def label(database: Database, models: Sequence[ReadModel]) -> Iterator[str]:
    """A label of our own for `projections.rebuild.past`; what was built under it is dropped at the end.

    Killed before, the lock ends with the connection, and the next to come sweeps. Raises Unavailable.
    """
    chosen = f"s{uuid4().hex[:12]}"
    names = [rebuild.past(model, chosen).name for model in models]
    with database.unbroken() as conn:
        sweep(conn)
        for name in names:
            conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        try:
            yield chosen
        finally:
            for name in names:
                _drop(conn, name)


def sweep(conn: Connection) -> list[str]:
    """Drop the scratch instances whose builder is gone; their names."""
    found = [s.name for s in track.states(conn) if _NAME.fullmatch(s.name) and _lock(conn, s.name)]
    for name in found:
        _drop(conn, name)
    return found


def _lock(conn: Connection, name: str) -> bool:
    row = conn.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchone()
    return bool(row and row[0])


def _drop(conn: Connection, name: str) -> None:
    track.drop(conn, name)
    conn.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
