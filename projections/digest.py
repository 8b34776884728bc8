"""One number for the whole state of a read model, the same at every node that follows the same logs.

SHA-256 over these lines, each ended by a line feed (contracts.md, "Digest of a read model"):

    yinqiao-read-model/v1
    <model> <version>
    vector <log>:<position> …          sorted; logs at 0 left out
    waiting <log>:<position> …         sorted
    skipped <log>:<position> …         sorted
    redacted <log>:<position> …        sorted
    table <name> <column> …            for each table that is not local, by name, columns in their order,
    <rows as COPY text, ordered by the primary key, text by COLLATE "C", times in UTC>
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from psycopg import Connection, sql

from events.event import Key
from projections import tables, track
from projections.model import Instance
from projections.tables import Table

_SETTINGS = {
    "timezone": "UTC", "datestyle": "ISO, YMD", "intervalstyle": "postgres", "bytea_output": "hex",
    "extra_float_digits": "1",
}  # fmt: skip


def digest(conn: Connection[Any], instance: Instance) -> str:
    """The digest in hex.

    Opens a transaction of its own so that vector and rows are of one moment: give it a connection that is in
    none.
    """
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return within(conn, instance)


def within(conn: Connection[Any], instance: Instance) -> str:
    """As `digest`, in the caller's transaction."""
    for name, value in _SETTINGS.items():
        conn.execute("SELECT set_config(%s, %s, true)", [name, value])
    total = hashlib.sha256()
    for line in _head(conn, instance):
        total.update(line.encode() + b"\n")
    for table in tables.load(conn, instance.schema, instance.model.local_tables).values():
        if not table.local:
            total.update(f"table {' '.join([table.name, *table.types])}\n".encode())
            _add_rows(conn, table, total)
    return total.hexdigest()


def _head(conn: Connection[Any], instance: Instance) -> list[str]:
    vector = track.vector(conn, instance.name)
    return [
        "yinqiao-read-model/v1",
        f"{instance.model.name} {instance.model.version}",
        _line("vector", [(log, at) for log, at in vector.items() if at]),
        _line(
            "waiting", _keys(conn, "SELECT log, position FROM projection.waiting WHERE model = %s", instance)
        ),
        _line("skipped", _keys(conn, _LEFT_OUT + " AND kind = 'skipped'", instance)),
        _line("redacted", _keys(conn, _LEFT_OUT + " AND kind = 'redacted'", instance)),
    ]


_LEFT_OUT = "SELECT log, position FROM projection.skipped WHERE model = %s"


def _keys(conn: Connection[Any], query: str, instance: Instance) -> list[Key]:
    return conn.execute(query.encode(), [instance.name]).fetchall()


def _line(word: str, keys: Iterable[Key]) -> str:
    return " ".join([word, *[f"{log}:{position}" for log, position in sorted(keys)]])


def _add_rows(conn: Connection[Any], table: Table, total: "hashlib._Hash") -> None:
    order = sql.SQL(", ").join(
        sql.SQL('{} COLLATE "C"' if table.types[c] in {"text", "character varying"} else "{}").format(
            sql.Identifier(c)
        )
        for c in ("log", "stream", *table.key)
    )
    query = sql.SQL("COPY (SELECT * FROM {} ORDER BY {}) TO STDOUT").format(table.path, order)
    with conn.cursor() as cursor, cursor.copy(query) as rows:
        for part in rows:
            total.update(part)
