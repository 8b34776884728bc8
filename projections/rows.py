"""The buffer that handlers write: partial rows, merged, and flushed as a few statements."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any, TypeAlias

from psycopg import Connection

from events.event import Record
from projections.tables import Table

Stream: TypeAlias = tuple[str, str]
"""Log and stream."""
_Columns: TypeAlias = dict[str, Any]
_Key: TypeAlias = tuple[Any, ...]
"""Log, stream, and the key columns beyond."""


class Rows:
    """What one batch writes to the tables of one model."""

    def __init__(
        self, tables: dict[str, Table], begun: Collection[Stream] = (), *, local: bool = True
    ) -> None:
        """`begun` are streams that had no rows before; without `local`, local tables are not written."""
        self._tables, self._begun, self._local = tables, begun, local
        self._puts: dict[str, dict[_Key, _Columns]] = {name: {} for name in tables}
        self._adds: dict[tuple[str, tuple[str, ...]], list[_Key]] = defaultdict(list)
        self._keys = {name: table.key for name, table in tables.items()}
        self._dropped: dict[tuple[str, str], None] = {}

    def put(self, table: str, record: Record[Any], **columns: Any) -> None:
        """Write these columns of a row of the record's stream; key columns beyond it must be among them."""
        rows = self._puts[table]
        key = (record.log, record.stream, *[columns[name] for name in self._keys[table]])
        known = rows.get(key)
        if known is None:
            rows[key] = columns
        else:
            known.update(columns)

    def add(self, table: str, record: Record[Any], **columns: Any) -> None:
        """Write a row that no other record writes, because its key holds this record's position. Quicker."""
        self._adds[table, tuple(columns)].append((record.log, record.stream, *columns.values()))

    def drop_stream(self, stream: Stream) -> None:
        """Drop every row of a stream; what is written afterwards stays."""
        self._dropped[stream] = None
        for rows in self._puts.values():
            for key in [key for key in rows if key[:2] == stream]:
                del rows[key]
        for (table, _), added in self._adds.items():
            if not self._tables[table].local:
                added[:] = [row for row in added if row[:2] != stream]

    def flush(self, conn: Connection[Any]) -> None:
        """Write everything in the caller's transaction."""
        if self._dropped:
            self._flush_drops(conn)
        for name, rows in self._puts.items():
            for (columns, fresh), group in _grouped(rows, self._begun).items():
                self._write(conn, self._tables[name], columns, group, fresh=fresh)
        for (name, columns), group in self._adds.items():
            if group and (self._local or not self._tables[name].local):
                self._write(conn, self._tables[name], columns, group, fresh=True)

    def _write(
        self, conn: Connection[Any], table: Table, columns: tuple[str, ...], rows: list[_Key], *, fresh: bool
    ) -> None:
        statement, encoders = table.insert(("log", "stream", *columns), fresh=fresh)
        lists = zip(encoders, zip(*rows, strict=True), strict=True)
        conn.execute(statement, [encode(values) for encode, values in lists])

    def _flush_drops(self, conn: Connection[Any]) -> None:
        logs, streams = zip(*self._dropped, strict=True)
        for table in self._tables.values():
            if not table.local:
                conn.execute(table.drop, [list(logs), list(streams)])


def _grouped(
    rows: dict[_Key, _Columns], begun: Collection[Stream]
) -> dict[tuple[tuple[str, ...], bool], list[_Key]]:
    """Rows with the same columns together, those of begun streams apart."""
    groups: dict[tuple[tuple[str, ...], bool], list[_Key]] = defaultdict(list)
    for key, row in rows.items():
        stream = key[:2]
        groups[tuple(row), stream in begun].append((*stream, *row.values()))
    return groups


class Draft(Rows):
    """Takes what one record writes, so that a handler that fails halfway leaves nothing behind."""

    def __init__(self) -> None:
        super().__init__({})
        self._said: list[tuple[str, str, Any, _Columns]] = []

    def put(self, table: str, record: Record[Any], **columns: Any) -> None:
        self._said.append(("put", table, record, columns))

    def add(self, table: str, record: Record[Any], **columns: Any) -> None:
        self._said.append(("add", table, record, columns))

    def drop_stream(self, stream: Stream) -> None:
        self._said.append(("drop", "", stream, {}))

    def into(self, rows: Rows) -> None:
        """Write it after all."""
        for word, table, about, columns in self._said:
            match word:
                case "put":
                    rows.put(table, about, **columns)
                case "add":
                    rows.add(table, about, **columns)
                case _:
                    rows.drop_stream(about)
