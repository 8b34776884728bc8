"""What the exchange remembers between runs: where it stood on each topic, and what it dropped."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.runtime.database import Connection


class Hint(NamedTuple):
    """Where to go on reading a topic, true under that identity only.

    For an own log the topic holds, below `next`, every record up to `whole` in order, from where it was begun
    on; the first `clean` records that were redacted never stood on it.
    """

    log: str
    identity: str
    next: int
    whole: int = 0
    clean: int = 0


def load(conn: Connection, logs: Iterable[str]) -> dict[str, Hint]:
    """The hints there are."""
    rows = conn.execute(
        "SELECT log, identity, next, whole, clean FROM exchange.hint WHERE log = ANY(%s)", [list(logs)]
    ).fetchall()
    return {hint.log: hint for hint in (Hint(*row) for row in rows)}  # type: ignore[arg-type]  # the table's own types


def save(conn: Connection, hints: Iterable[Hint]) -> None:
    """Remember them."""
    columns = [list(column) for column in zip(*hints, strict=True)]
    if columns:
        conn.execute(_SAVE, columns)


_SAVE = """
INSERT INTO exchange.hint (log, identity, next, whole, clean)
SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT (log) DO UPDATE SET identity = excluded.identity, next = excluded.next, whole = excluded.whole,
    clean = excluded.clean, moved = excluded.moved
"""


def received(conn: Connection, logs: Iterable[str]) -> None:
    """Something new of these logs was stored."""
    conn.execute(_RECEIVED, [list(logs)])


_RECEIVED = """
INSERT INTO exchange.received (log) SELECT unnest(%s::text[])
ON CONFLICT (log) DO UPDATE SET last = excluded.last
"""


def arrived(conn: Connection, hints: Iterable[Hint], logs: Iterable[str]) -> None:
    """As `save` and `received`, in one statement."""
    columns = [list(column) for column in zip(*hints, strict=True)]
    if columns:
        conn.execute(f"WITH hint AS ({_SAVE}) {_RECEIVED}", [*columns, list(logs)])
    else:
        received(conn, logs)


def damage(conn: Connection, counts: Mapping[tuple[str, str], int]) -> None:
    """Add to what was dropped, by (log, kind)."""
    rows = [(log, kind, count) for (log, kind), count in sorted(counts.items())]
    if rows:
        conn.execute(_DAMAGE, [list(column) for column in zip(*rows, strict=True)])


_DAMAGE = """
INSERT INTO exchange.damage AS d (log, kind, count)
SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[])
ON CONFLICT (log, kind) DO UPDATE SET count = d.count + excluded.count, last = excluded.last
"""
