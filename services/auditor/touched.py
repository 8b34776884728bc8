"""From an event to what it touched: rows of every read model, and figures of saved reports."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from psycopg import sql

from events import errors
from events.event import Key
from projections import model, models, tables, timeline, track
from projections.model import ReadModel
from projections.tables import Table
from services.auditor import lineage, records, reports, states
from services.auditor.records import Held
from services.auditor.reports import Touched
from services.runtime.database import Connection


class Row(NamedTuple):
    """A row of a read model that a record wrote, or helped to write; `key` beyond log and stream."""

    model: str
    table: str
    log: str
    stream: str
    key: dict[str, Any]
    fields: dict[str, Any]


def rows(conn: Connection, key: Key) -> Iterator[Row]:
    """The rows of a record's stream in every read model that has folded it.

    Where a table keeps each record apart, only this record's own, or those of the record that it corrects.
    Raises NotFound.
    """
    held = records.load(conn, [key]).get(key)
    if held is None or not held.stream:
        raise errors.NotFound(f"record {key[0]}:{key[1]} is not held at this node", field="position")
    changed = states.changed(held.record.data) if held.record else None
    positions = [at for at in (key[1], changed) if at is not None]
    for each in models.MODELS:
        if _folded(conn, each, key):
            yield from _rows(conn, each, (key[0], held.stream), positions)


def _folded(conn: Connection, which: ReadModel, key: Key) -> bool:
    """Whether the live instance is of this version, and holds the record."""
    state = next((s for s in track.states(conn) if s.name == which.name), None)
    if state is None or state.version != which.version:
        return False
    row = conn.execute(_FOLDED, {"model": which.name, "log": key[0], "position": key[1]}).fetchone()
    return bool(row and row[0])


_FOLDED = """
SELECT EXISTS (SELECT FROM projection.position p
        WHERE p.model = %(model)s AND p.log = %(log)s AND p.position >= %(position)s)
    AND NOT EXISTS (SELECT FROM projection.waiting w
        WHERE w.model = %(model)s AND w.log = %(log)s AND w.position = %(position)s)
    AND NOT EXISTS (SELECT FROM projection.skipped s
        WHERE s.model = %(model)s AND s.log = %(log)s AND s.position = %(position)s)
"""


def _rows(conn: Connection, which: ReadModel, stream: tuple[str, str], positions: list[int]) -> Iterator[Row]:
    live = model.live(which)
    for table in tables.load(conn, live.schema, which.local_tables).values():
        if not table.local:
            for (content,) in conn.execute(_of_stream(table), [*stream, positions]).fetchall():
                yield _row(which.name, table, content)


def _row(name: str, table: Table, content: Any) -> Row:
    fields = dict(content)
    log, stream = fields.pop("log"), fields.pop("stream")
    return Row(name, table.name, log, stream, {k: fields.pop(k) for k in table.key}, fields)


def _of_stream(table: Table) -> sql.Composed:
    apart = "t.position = ANY (%s)" if "position" in table.key else "%s::bigint[] IS NOT NULL"
    return sql.SQL("SELECT to_jsonb(t) FROM {} t WHERE t.log = %s AND t.stream = %s::text::uuid AND ").format(
        table.path
    ) + sql.SQL(apart)


class Told(NamedTuple):
    """A figure of a report that a record touched; `through`: by way of a record that rests on it."""

    figure: Touched
    through: Key | None


def figures(conn: Connection, key: Key) -> Iterator[Told]:
    """The figures of saved reports that count the record's stream, or that of a record which rests on it.

    Each report must have known the record. Raises NotFound.
    """
    held = records.load(conn, [key]).get(key)
    if held is None:
        raise errors.NotFound(f"record {key[0]}:{key[1]} is not held at this node", field="position")
    seen = set()
    for told in (*_touched(conn, held, None), *_through(conn, key)):
        if (which := (told.figure.report, told.figure.figure)) not in seen:
            seen.add(which)
            yield told


def _touched(conn: Connection, held: Held, through: Key | None) -> Iterator[Told]:
    if held.stream:
        for touched in reports.touched(conn, (held.key[0], held.stream), held.key[1]):
            yield Told(touched, through)


def _through(conn: Connection, key: Key) -> Iterator[Told]:
    with lineage.of_timeline(conn):
        citing = [source for source, _ in timeline.resting_on(conn, [key], lineage.LIMIT)]
    for source, held in sorted(records.load(conn, citing).items()):
        yield from _touched(conn, held, source)
