"""The buffer that handlers write: partial rows, merged, and flushed as a few statements."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeAlias

from psycopg import Connection

from events.event import Record
from projections.tables import Table

_Stream: TypeAlias = tuple[str, str]
_Columns: TypeAlias = dict[str, Any]


class Rows:
    """What one batch writes to the tables of one model.

    What a handler puts counts only after `keep`: a handler that fails halfway leaves nothing behind.
    """

    def __init__(self, tables: dict[str, Table]) -> None:
        self._tables = tables
        self._rows: dict[str, dict[_Stream, dict[tuple[Any, ...], _Columns]]] = {
            name: {} for name, table in tables.items() if not table.local
        }
        self._local: dict[str, list[_Columns]] = {name: [] for name, table in tables.items() if table.local}
        self._keys = {name: table.key for name, table in tables.items()}
        self._dropped: dict[_Stream, None] = {}
        self._pending: list[tuple[str, _Stream, _Columns]] = []

    def put(self, table: str, record: Record[Any], **columns: Any) -> None:
        """Write these columns of the row of the record's stream; key columns beyond it must be among them."""
        self._pending.append((table, (record.log, record.stream), columns))

    def drop_stream(self, record: Record[Any]) -> None:
        """Drop every row of the record's stream; what is put afterwards stays."""
        self._pending.append(("", (record.log, record.stream), {}))

    def keep(self) -> None:
        """The record was handled: what was put since the last call stays."""
        for table, stream, columns in self._pending:
            if table in self._rows:
                self._merge(table, stream, columns)
            elif table:
                self._local[table].append({"log": stream[0], "stream": stream[1], **columns})
            else:
                self._drop(stream)
        self._pending.clear()

    def forget(self) -> None:
        """The record failed: what was put since the last call goes."""
        self._pending.clear()

    def _merge(self, table: str, stream: _Stream, columns: _Columns) -> None:
        of_stream = self._rows[table].setdefault(stream, {})
        key = tuple([columns[name] for name in self._keys[table]])
        row = of_stream.get(key)
        if row is None:
            of_stream[key] = columns
        else:
            row.update(columns)

    def _drop(self, stream: _Stream) -> None:
        self._dropped[stream] = None
        for table in self._rows.values():
            table.pop(stream, None)

    def flush(self, conn: Connection[Any]) -> None:
        """Write everything in the caller's transaction."""
        if self._dropped:
            self._flush_drops(conn)
        for name, streams in self._rows.items():
            for columns, lists in _grouped(streams).items():
                _put(conn, self._tables[name], ("log", "stream", *columns), lists)
        for name, added in self._local.items():
            if added:
                lists = [list(values) for values in zip(*[row.values() for row in added], strict=True)]
                _put(conn, self._tables[name], tuple(added[0]), lists)

    def _flush_drops(self, conn: Connection[Any]) -> None:
        logs, streams = [s[0] for s in self._dropped], [s[1] for s in self._dropped]
        for name in self._rows:
            conn.execute(self._tables[name].drop, [logs, streams])


def _grouped(
    streams: dict[_Stream, dict[tuple[Any, ...], _Columns]],
) -> dict[tuple[str, ...], list[list[Any]]]:
    """Rows with the same columns together, as one list a column, log and stream first."""
    groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for stream, rows in streams.items():
        for row in rows.values():
            groups[tuple(row)].append((*stream, *row.values()))
    return {columns: [list(values) for values in zip(*rows, strict=True)] for columns, rows in groups.items()}


def _put(conn: Connection[Any], table: Table, columns: tuple[str, ...], lists: Iterable[list[Any]]) -> None:
    statement, encoders = table.upsert(columns)
    conn.execute(statement, [encode(values) for encode, values in zip(encoders, lists, strict=True)])
