"""How each log stands in the exchange, as far as this node's own tables tell: for operators and `doctor`."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from psycopg.rows import class_row

from services.ledger import closing
from services.runtime.database import Connection


class Standing(NamedTuple):
    """One log.

    `head` is the last position stored, `covered` the size of the latest checkpoint; of own logs `shipped` is
    how far the topic is known to hold them. `received` is when something new came last. `damage` counts what
    was dropped, by kind; `breach` says what stopped the log, `successors` where a closed one goes on.
    """

    log: str
    own: bool
    state: str
    head: int
    covered: int
    shipped: int | None
    received: datetime | None
    silent_seconds: float | None
    damage: Mapping[str, int]
    breach: str | None
    successors: tuple[str, ...] = ()


def standings(conn: Connection) -> list[Standing]:
    """All logs of this node, by name."""
    with conn.cursor(row_factory=class_row(Standing)) as cursor:
        found = cursor.execute(_STANDINGS).fetchall()
    closed = closing.closings(conn)
    return [s._replace(successors=closed[s.log].succession.logs) if s.log in closed else s for s in found]


_STANDINGS = """
SELECT l.log, l.own, l.state, l.head,
    coalesce((SELECT max(c.size) FROM ledger.checkpoint c WHERE c.log = l.log), 0) AS covered,
    CASE WHEN l.own THEN coalesce(h.whole, 0) END AS shipped, r.last AS received,
    extract(epoch FROM clock_timestamp() - r.last)::float8 AS silent_seconds,
    coalesce((SELECT jsonb_object_agg(d.kind, d.count) FROM exchange.damage d WHERE d.log = l.log), '{}')
        AS damage,
    (SELECT concat(b.kind, ' at ', b.position, ': ', b.detail) FROM ledger.breach b WHERE b.log = l.log
        ORDER BY b.found LIMIT 1) AS breach
FROM ledger.log l LEFT JOIN exchange.hint h USING (log) LEFT JOIN exchange.received r USING (log)
ORDER BY l.log
"""
