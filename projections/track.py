"""Which read models there are in a database, in what state, and how far each has come."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from importlib import resources
from typing import Any, NamedTuple, TypeAlias

from psycopg import Connection, sql
from psycopg.rows import class_row

from events import errors
from projections.model import Instance

Vector: TypeAlias = dict[str, int]
"""One position a log; a log that is not in it stands at 0."""


def schema() -> str:
    """The text that creates the machinery's own tables."""
    return resources.files("projections").joinpath("schema.sql").read_text(encoding="utf-8")


class State(NamedTuple):
    """An instance as the database knows it; `state` is running or paused."""

    name: str
    model: str
    version: int
    state: str
    moved: datetime


def states(conn: Connection[Any]) -> list[State]:
    """All instances, by name."""
    with conn.cursor(row_factory=class_row(State)) as cursor:
        return cursor.execute(
            'SELECT name, model, version, state, moved FROM projection.model ORDER BY name COLLATE "C"'
        ).fetchall()


def lock(conn: Connection[Any], name: str) -> State:
    """Keep everybody else from folding or switching it while the transaction lasts. Raises NotFound."""
    with conn.cursor(row_factory=class_row(State)) as cursor:
        query = "SELECT name, model, version, state, moved FROM projection.model WHERE name = %s FOR UPDATE"
        found = cursor.execute(query, [name]).fetchone()
    if found is None:
        raise errors.NotFound(f"there is no read model {name} here", field="model")
    return found


def create(conn: Connection[Any], instance: Instance) -> None:
    """Make its empty tables and register it at position 0 of every log."""
    schema = sql.Identifier(instance.schema)
    with conn.transaction():
        conn.execute(
            "INSERT INTO projection.model (name, model, version) VALUES (%s, %s, %s)",
            [instance.name, instance.model.name, instance.model.version],
        )
        conn.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        before = conn.execute("SELECT current_setting('search_path')").fetchone()
        conn.execute("SELECT set_config('search_path', %s, true)", [instance.schema])
        conn.execute(instance.model.sql.encode())
        conn.execute("SELECT set_config('search_path', %s, true)", before)
        if without := conn.execute(_WITHOUT_KEY, [instance.schema]).fetchall():
            raise ValueError(f"{instance.schema}: tables without a primary key: {without}")


_WITHOUT_KEY = """
SELECT relname::text FROM pg_class c WHERE relkind = 'r' AND relnamespace = to_regnamespace(%s)
    AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
"""


def drop(conn: Connection[Any], name: str) -> None:
    """Remove an instance with all it knows; nothing happens when there is none."""
    with conn.transaction():
        conn.execute("DELETE FROM projection.model WHERE name = %s", [name])
        conn.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(f"model_{name}")))


def vector(conn: Connection[Any], name: str) -> Vector:
    """The positions of an instance."""
    query = 'SELECT log, position FROM projection.position WHERE model = %s ORDER BY log COLLATE "C"'
    return dict(conn.execute(query, [name]).fetchall())


def vectors(conn: Connection[Any], names: Collection[str]) -> dict[str, Vector]:
    """The positions of several instances, one question for all."""
    found: dict[str, Vector] = {name: {} for name in names}
    rows = conn.execute(
        "SELECT model, log, position FROM projection.position WHERE model = ANY (%s)"
        ' ORDER BY log COLLATE "C"',
        [list(names)],
    ).fetchall()
    for name, log, position in rows:
        found[name][log] = position
    return found


def move(conn: Connection[Any], names: Iterable[str], ends: Mapping[str, int]) -> None:
    """Set the positions of logs, for several instances at once."""
    conn.execute(
        "INSERT INTO projection.position (model, log, position)"
        " SELECT m.name, p.log, p.position FROM unnest(%s::text[]) AS m (name),"
        " unnest(%s::text[], %s::bigint[]) AS p (log, position)"
        " ON CONFLICT (model, log) DO UPDATE SET position = EXCLUDED.position",
        [list(names), list(ends), list(ends.values())],
    )
    conn.execute(
        "UPDATE projection.model SET moved = clock_timestamp() WHERE name IN"
        " (SELECT name FROM projection.model WHERE name = ANY (%s) ORDER BY name FOR NO KEY UPDATE)",
        [list(names)],
    )


def set_state(conn: Connection[Any], name: str, state: str) -> None:
    """Pause or resume. Raises NotFound."""
    if not conn.execute("UPDATE projection.model SET state = %s WHERE name = %s", [state, name]).rowcount:
        raise errors.NotFound(f"there is no read model {name} here", field="model")
