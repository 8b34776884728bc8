"""Short runs that continue what is stored: proved in memory, then written together, in two round trips.

Whatever is not that plain is for `store.accept_run`, which says what is wrong with it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from events import errors, merkle
from events.alliance import Alliance
from events.holes import Hole
from services.ledger import rows, store, tree
from services.ledger.store import Run, Stored
from services.runtime.database import Connection

MOST = 64
"""So many values, of all logs together, are few."""
Values = dict[str, object]


def accept(conn: Connection, alliance: Alliance, runs: Mapping[str, Run]) -> bool:
    """Store these runs of followed logs; False, with nothing written, when any of them is not plain.

    For `Database.pipelined`: the rows of the logs stay locked until it ends.
    """
    held = _locked(conn, sorted(runs))
    proved = [_proved(conn, alliance, held[log], run) for log, run in runs.items() if log in held]
    plain = [values for values in proved if values is not None]
    if len(plain) < len(runs):
        return False
    for values in plain:
        conn.execute(_STORE, values)
    return True


def _locked(conn: Connection, logs: Sequence[str]) -> dict[str, Stored]:
    rows_: list[Any] = conn.execute(_LOCK, [logs]).fetchall()
    return {row[0]: Stored._make((*row[:5], *store.or_nothing(row[5:] if row[5] else None))) for row in rows_}


# What waited for a lock sees the row as it is then, and its checkpoint as it was: `_proved` compares the two.
_LOCK = """
SELECT l.log, l.own, l.state, l.head, l.time, c.size, c.root, c.note
FROM ledger.log l LEFT JOIN LATERAL (
    SELECT size, root, note FROM ledger.checkpoint WHERE log = l.log ORDER BY size DESC LIMIT 1
) c ON true
WHERE l.log = ANY (%s) ORDER BY l.log FOR NO KEY UPDATE OF l
"""


def _proved(conn: Connection, alliance: Alliance, stored: Stored, run: Run) -> Values | None:
    """What is to be stored; None unless the values are exactly the next ones, all of them right, and open."""
    values = [value for value in run.values if not isinstance(value, Hole)]
    size = run.after + len(values)
    if stored.own or stored.state != "open" or not stored.head == stored.size == run.after:
        return None
    try:
        return _grown(conn, alliance, stored, values, run.note, size)
    except (errors.Damage, errors.Breach):
        return None  # it is looked at again, and what is found then is kept


def _grown(
    conn: Connection, alliance: Alliance, stored: Stored, values: Sequence[bytes], note: str, size: int
) -> Values | None:
    checkpoint = alliance.checkpoint(stored.log, note)
    grown = tree.TREES.at(conn, stored.log, stored.size, stored.root)
    leaves = [merkle.leaf_hash(value) for value in values]
    nodes = grown.extend(leaves)
    if checkpoint.size != size or grown.root() != checkpoint.root:
        return None
    packer = rows.Rows(alliance.id, stored.log, stored.head, stored.time, own=False)
    places = [packer.place(value) for value in values]
    if packer.closed:
        return None
    tree.TREES.keep(grown, checkpoint.root)
    return tree.columns(nodes) | {
        "log": stored.log, "size": size, "root": checkpoint.root, "note": note, "time": packer.time,
        "positions": [position for position, _, _ in places],
        "streams": [stream.decode() for _, stream, _ in places],
        "versions": [version for _, _, version in places],
        "leaves": leaves, "values": list(values),
    }  # fmt: skip


_STORE = f"""
WITH entry AS (
    INSERT INTO ledger.entry (log, position, own, stream, version, leaf, value)
    SELECT %(log)s, e.position, false, e.stream, e.version, e.leaf, e.value FROM unnest(
        %(positions)s::bigint[], %(streams)s::uuid[], %(versions)s::int4[], %(leaves)b::bytea[],
        %(values)b::bytea[]
    ) AS e (position, stream, version, leaf, value)
), node AS ({tree.INSERT}), checkpoint AS (
    INSERT INTO ledger.checkpoint (log, size, root, note) VALUES (%(log)s, %(size)s, %(root)b, %(note)s)
)
UPDATE ledger.log SET head = %(size)s, time = %(time)s WHERE log = %(log)s
"""  # noqa: S608  (two constants)
