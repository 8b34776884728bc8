"""What a step of the projector asks first, all of it in one round trip: who may fold, and what is new."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from projections import track
from projections.source import Entry, Place
from projections.track import Vector
from services.projector.source import LedgerSource
from services.runtime.database import Connection

MOST = 64
"""So many entries, of all logs together, are a few."""


class Stand(NamedTuple):
    """The one vector at which all instances stand, calm, and when each of them moved there."""

    vector: Vector
    moved: Mapping[str, datetime]


def stand(conn: Connection, instances: Sequence[tuple[str, int]]) -> Stand | None:
    """None when there is no such vector, or no calm: something waits or was skipped."""
    names = [name for name, _ in instances]
    if conn.execute(_UNEASY, [names, names]).fetchone() != (False,):
        return None
    first, *others = track.vectors(conn, names).values()
    if any(vector != first for vector in others):
        return None
    return Stand(first, {state.name: state.moved for state in track.states(conn) if state.name in names})


class News(NamedTuple):
    """How things stand in the caller's transaction.

    `moved`: when each running instance, now locked, moved last. `calm`: nothing waits and nothing was skipped
    in any of those asked for. `ends`: how far each log is covered; `reachable`: those whose records can still
    come. `entries`: what is new, in replay order, and no more than `MOST` + 1 of a log; `before`: by log and
    position the version before each in its stream.
    """

    moved: Mapping[str, datetime]
    calm: bool
    ends: Mapping[str, int]
    reachable: frozenset[str]
    entries: list[Entry]
    before: Mapping[tuple[str, int], int]


def ask(conn: Connection, instances: Sequence[tuple[str, int]], after: Vector) -> News:
    """The news for instances, given by name and version, that stand at one vector."""
    names = [name for name, _ in instances]
    running = conn.execute(_RUNNING, [names, [version for _, version in instances]])
    with conn.cursor(binary=True) as cursor:
        values = {"logs": list(after), "positions": list(after.values()), "most": MOST + 1, "names": names}
        rows: list[Any] = cursor.execute(_NEW, values).fetchall()
    moved: Any = {name: at for name, at, _ in running.fetchall()}
    found = [row for row in rows if row[3] is not None]
    return News(
        moved,
        bool(rows) and not rows[0][7],
        {row[0]: row[1] for row in rows},
        frozenset(row[0] for row in rows if row[2]),
        sorted((Entry(row[0], *row[3:6]) for row in found), key=lambda entry: entry.order),
        {(row[0], row[3]): row[6] for row in found},
    )


# The lock comes first: what is asked after it sees all that was committed before it was had.
# A crash of the server may take back whole batches, which are then folded again.
_RUNNING = """
SELECT m.name, m.moved, (SELECT set_config('synchronous_commit', 'off', true))
FROM projection.model m JOIN unnest(%s::text[], %s::int[]) AS w (name, version)
ON m.name = w.name AND m.version = w.version
WHERE m.state = 'running' ORDER BY m.name FOR NO KEY UPDATE OF m SKIP LOCKED
"""
_UNEASY = """
SELECT EXISTS (SELECT FROM projection.waiting WHERE model = ANY (%s))
    OR EXISTS (SELECT FROM projection.skipped WHERE model = ANY (%s))
"""
# The version before: own and received entries apart, because each of the two partial indexes serves one.
_NEW = b"""
SELECT l.log, c.covered, l.state <> 'stopped', e.position, e.value, e.leaf, coalesce(e.before, 0),
    EXISTS (SELECT FROM projection.waiting WHERE model = ANY (%(names)s))
    OR EXISTS (SELECT FROM projection.skipped WHERE model = ANY (%(names)s))
FROM ledger.log l
LEFT JOIN unnest(%(logs)s::text[], %(positions)s::bigint[]) AS v (log, position) ON v.log = l.log COLLATE "C"
CROSS JOIN LATERAL (
    SELECT least(coalesce((SELECT max(size) FROM ledger.checkpoint WHERE log = l.log), 0),
        (SELECT size FROM ledger.closed WHERE log = l.log)) AS covered
) AS c
LEFT JOIN LATERAL (
    SELECT n.position, n.value, n.leaf, (
        SELECT p.version FROM (
            SELECT p.position, p.version FROM ledger.entry p
            WHERE p.own AND p.log = n.log AND p.stream = n.stream AND p.position < n.position
            UNION ALL
            SELECT p.position, p.version FROM ledger.entry p
            WHERE NOT p.own AND p.log = n.log AND p.stream = n.stream AND p.position < n.position
        ) p ORDER BY p.position DESC LIMIT 1
    ) AS before
    FROM ledger.entry n
    WHERE n.log = l.log AND n.position > coalesce(v.position, 0) AND n.position <= c.covered
    ORDER BY n.position LIMIT %(most)s
) AS e ON true
"""


class Told(LedgerSource):
    """The ledger as the machinery reads it, with the answers that the news brought."""

    def __init__(self, conn: Connection, news: News) -> None:
        super().__init__(conn)
        self.conn, self.news = conn, news

    def versions_before(self, places: Sequence[Place]) -> list[int]:
        """As the news has it; where a place is none of its entries, such as a closed log's end, as it is."""
        if any((place.log, place.position) not in self.news.before for place in places):
            return super().versions_before(places)
        return [self.news.before[place.log, place.position] for place in places]
