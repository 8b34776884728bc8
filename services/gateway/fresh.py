"""How fresh a page is: up to which record of each log its read model was folded, and of when."""

from typing import NamedTuple

from projections import track
from services.runtime.database import Connection


class Freshness(NamedTuple):
    """A read model's vector, and the time of the newest record in it (27 characters, '' for none)."""

    model: str
    vector: dict[str, int]
    time: str

    @property
    def events(self) -> int:
        """How many records are in it."""
        return sum(self.vector.values())


def of(conn: Connection, model: str) -> Freshness:
    """The freshness of a read model, in the transaction in which its tables are read."""
    vector = track.vector(conn, model)
    row = conn.execute(_NEWEST, [list(vector), list(vector.values())]).fetchone()
    return Freshness(model, vector, str(row[0]) if row and row[0] else "")


_NEWEST = """
SELECT max(convert_from(substring(e.value FROM 64 FOR 27), 'UTF8') COLLATE "C")
FROM unnest(%s::text[], %s::bigint[]) AS at (log, position)
JOIN ledger.entry e ON e.log = at.log COLLATE "C" AND e.position = at.position
"""


def position(conn: Connection, model: str, log: str) -> int:
    """Up to where a log was folded into a read model."""
    return track.vector(conn, model).get(log, 0)


def reached(conn: Connection, log: str, position: int) -> bool:
    """Whether every running read model has folded the record."""
    row = conn.execute(_BEHIND, [log, position]).fetchone()
    return row is None


_BEHIND = """
SELECT m.name FROM projection.model m LEFT JOIN projection.position p ON p.model = m.name AND p.log = %s
WHERE m.state = 'running' AND coalesce(p.position, 0) < %s LIMIT 1
"""
