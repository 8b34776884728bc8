"""A second instance of a model: built beside the live one, compared and switched in; or one of a past day."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from psycopg import Connection, sql

from events import errors
from projections import tables, track
from projections.model import Instance, ReadModel, live
from projections.tables import Table


class LeftOut(NamedTuple):
    """A record that an instance leaves out for good; kind: skipped, redacted."""

    log: str
    position: int
    stream: str
    kind: str


class Difference(NamedTuple):
    """A row that two instances do not agree on; `key` as text, None where one has no such row."""

    table: str
    key: str
    before: str | None
    after: str | None


def beside(model: ReadModel) -> Instance:
    """The instance that is to take the live one's place."""
    return Instance(f"{model.name}_next", model)


def past(model: ReadModel, label: str) -> Instance:
    """The instance of a past vector; `label` of digits and letters tells several apart."""
    if not label.isalnum() or not label.isascii():
        raise errors.Invalid("a label is made of letters and digits", field="label")
    return Instance(f"{model.name}_at_{label.lower()}", model, scratch=True)


def begin(
    conn: Connection[Any],
    instance: Instance,
    until: Mapping[str, int] | None = None,
    left_out: Sequence[LeftOut] | None = None,
) -> None:
    """Make the instance anew, empty, and paused: whoever builds it folds it, not the node's projector.

    What a person decided to skip in the live one, within `until`, is skipped here too, unless it is said what
    is `left_out`.
    """
    with conn.transaction():
        track.drop(conn, instance.name)
        track.create(conn, instance)
        track.set_state(conn, instance.name, "paused")
        if instance.scratch:
            _write_no_log(conn, instance)
        if left_out is not None:
            _leave_out(conn, instance, left_out)
            return
        logs = None if until is None else list(until)
        conn.execute(
            _SKIP_TOO, [instance.name, instance.model.name, logs, list((until or {}).values()), logs]
        )


def _write_no_log(conn: Connection[Any], instance: Instance) -> None:
    for name in tables.load(conn, instance.schema, instance.model.local_tables):
        order = sql.SQL("ALTER TABLE {} SET UNLOGGED")
        conn.execute(order.format(sql.Identifier(instance.schema, name)))


_SKIP_TOO = """
INSERT INTO projection.skipped (model, log, position, stream, kind, reason, decided)
SELECT %s, log, position, stream, kind, reason, decided FROM projection.skipped WHERE model = %s
    AND (%s::text[] IS NULL OR position <= (%s::bigint[])[array_position(%s::text[], log)])
"""


def _leave_out(conn: Connection[Any], instance: Instance, records: Sequence[LeftOut]) -> None:
    for each in records:
        conn.execute(
            "INSERT INTO projection.skipped (model, log, position, stream, kind, reason)"
            " VALUES (%s, %s, %s, %s, %s, 'as it was then')",
            [instance.name, *each],
        )


def drop_indexes(conn: Connection[Any], instance: Instance) -> list[str]:
    """Drop the indexes that folding does not need; the statements that make them again.

    A verbatim model only adds to its local tables and to those whose keys hold a record's position: their
    primary keys go too.
    """
    values = {"schema": instance.schema, "verbatim": instance.model.verbatim}
    rows = conn.execute(_INDEXES, {**values, "local": sorted(instance.model.local_tables)}).fetchall()
    for drop, _ in rows:
        conn.execute(drop.encode())
    return [make for _, make in rows]


_INDEXES = """
SELECT CASE WHEN k.oid IS NULL THEN format('DROP INDEX %%I.%%I', n.nspname, c.relname)
        ELSE format('ALTER TABLE %%I.%%I DROP CONSTRAINT %%I', n.nspname, t.relname, k.conname) END,
    CASE WHEN k.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
        ELSE format('ALTER TABLE %%I.%%I ADD CONSTRAINT %%I ', n.nspname, t.relname, k.conname)
            || pg_get_constraintdef(k.oid) END
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_constraint k ON k.conindid = c.oid
WHERE n.nspname = %(schema)s AND (NOT i.indisprimary OR %(verbatim)s AND (t.relname = ANY (%(local)s)
    OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'position'
        AND a.attnum = ANY (i.indkey))))
ORDER BY t.relname COLLATE "C", c.relname COLLATE "C"
"""


def left_out(conn: Connection[Any], name: str) -> list[LeftOut]:
    """What an instance leaves out, in order."""
    rows = conn.execute(
        "SELECT log, position, stream::text, kind FROM projection.skipped WHERE model = %s"
        " ORDER BY log, position",
        [name],
    ).fetchall()
    return [LeftOut(*row) for row in rows]


def capped(covered: Mapping[str, int], until: Mapping[str, int]) -> dict[str, int]:
    """The part of what is covered that lies within a past vector."""
    return {log: min(at, until.get(log, 0)) for log, at in covered.items()}


def compare(conn: Connection[Any], before: Instance, after: Instance, limit: int = 100) -> list[Difference]:
    """The rows on which two instances at the same vector differ, at most `limit` a table."""
    old = tables.load(conn, before.schema, before.model.local_tables)
    new = tables.load(conn, after.schema, after.model.local_tables)
    found: list[Difference] = []
    for name in sorted(old.keys() | new.keys()):
        if name not in old or name not in new or old[name].types != new[name].types:
            found.append(Difference(name, "", "other columns" if name in old else None, None))
        elif not old[name].local:
            found += _compare(conn, old[name], new[name], limit)
    return found


def _compare(conn: Connection[Any], old: Table, new: Table, limit: int) -> list[Difference]:
    key = [sql.Identifier(c) for c in ("log", "stream", *old.key)]
    query = sql.SQL(
        "SELECT {name}, concat_ws(' ', {key}), b::text, a::text FROM {old} b FULL JOIN {new} a USING ({key})"
        " WHERE b IS DISTINCT FROM a LIMIT {limit}"
    ).format(
        name=sql.Literal(old.name), key=sql.SQL(", ").join(key), old=old.path, new=new.path, limit=limit
    )  # fmt: skip
    return [Difference(*row) for row in conn.execute(query).fetchall()]


def compare_waiting(
    conn: Connection[Any], before: Instance, after: Instance, limit: int = 100
) -> list[Difference]:
    """The records that only one of two instances at the same vector has passed without folding them."""
    rows = conn.execute(_WAITING, [before.name, after.name, limit]).fetchall()
    return [Difference("waiting", *row) for row in rows]


_WAITING = """
SELECT concat_ws(' ', log, stream, position), b.cause, a.cause
FROM (SELECT log, stream, position, cause FROM projection.waiting WHERE model = %s) b
FULL JOIN (SELECT log, stream, position, cause FROM projection.waiting WHERE model = %s) a
    USING (log, stream, position)
WHERE a.cause IS NULL OR b.cause IS NULL ORDER BY log, position LIMIT %s
"""


def switch(conn: Connection[Any], model: ReadModel) -> None:
    """Put the next instance in the live one's place, in one transaction; the old one goes.

    Local tables, such as arrival numbers that pages hold, stay as they were when the version is the same.
    """
    now, then = live(model), beside(model)
    with conn.transaction():
        new = track.lock(conn, then.name)
        old = next((s for s in track.states(conn) if s.name == now.name), None)
        if old is not None and old.version == new.version:
            _keep_local(conn, now, then)
        track.drop(conn, now.name)
        conn.execute(
            "UPDATE projection.model SET name = %s, state = 'running' WHERE name = %s", [now.name, then.name]
        )
        order = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
        conn.execute(order.format(sql.Identifier(then.schema), sql.Identifier(now.schema)))


def _keep_local(conn: Connection[Any], now: Instance, then: Instance) -> None:
    for table in sorted(now.model.local_tables):
        conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(then.schema, table)))
        order = sql.SQL("ALTER TABLE {} SET SCHEMA {}")
        conn.execute(order.format(sql.Identifier(now.schema, table), sql.Identifier(then.schema)))
