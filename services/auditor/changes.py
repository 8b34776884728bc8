"""Two instances of a read model side by side, row by row, streamed."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from psycopg import sql

from events import errors
from projections import tables
from projections.model import Instance
from projections.tables import Table
from services.auditor import differences
from services.auditor.differences import Difference
from services.runtime.database import Connection

_PAGE = 500


class Changed(NamedTuple):
    """A row that differs; `before` or `after` is None where there is no such row.

    `key` holds log, stream and the further key columns.
    """

    model: str
    table: str
    key: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def fields(self) -> list[Difference]:
        """The columns that differ."""
        return list(differences.fields(self.before, self.after))


def changes(conn: Connection, before: Instance, after: Instance) -> Iterator[Changed]:
    """Every row on which two instances of a model differ, by table and key; streamed, memory stays flat.

    Both are read at one moment, the live one too. The connection is in no transaction until this ends. Raises
    Unavailable when one of them is of another version.
    """
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        conn.execute("SET LOCAL statement_timeout = 0")
        conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        old = tables.load(conn, before.schema, before.model.local_tables)
        new = tables.load(conn, after.schema, after.model.local_tables)
        if {n: t.types for n, t in old.items()} != {n: t.types for n, t in new.items()}:
            raise errors.Unavailable(f"the tables of {before.model.name} are of another version: rebuild it")
        for name, table in old.items():
            if not table.local:
                yield from _changes(conn, before.model.name, table, new[name])


def _changes(conn: Connection, model: str, old: Table, new: Table) -> Iterator[Changed]:
    key = ("log", "stream", *old.key)
    rest = [name for name in old.types if name not in key]
    with conn.cursor(f"changes_{old.name}") as cursor:
        cursor.itersize = _PAGE
        cursor.execute(_query(old, new, key, rest))
        for found, before, after in cursor:
            yield Changed(model, old.name, _named(found), _named(before), _named(after))  # type: ignore[arg-type]  # a key is never nothing


def _named(content: Any) -> dict[str, Any] | None:
    return None if content is None else dict(content)


def _query(old: Table, new: Table, key: Sequence[str], rest: Sequence[str]) -> sql.Composed:
    using = sql.SQL(", ").join(map(sql.Identifier, key))
    return sql.SQL(
        "SELECT {key}, {before}, {after} FROM {old} b FULL JOIN {new} a USING ({using})"
        " WHERE b IS DISTINCT FROM a ORDER BY {using}"
    ).format(
        key=_object(key, None), before=_side("b", rest), after=_side("a", rest), old=old.path, new=new.path,
        using=using,
    )  # fmt: skip


def _side(side: str, columns: Sequence[str]) -> sql.Composed:
    """The other columns of one side as JSON; NULL where it has no such row."""
    return sql.SQL("CASE WHEN {}.log IS NOT NULL THEN {} END").format(
        sql.Identifier(side), _object(columns, side)
    )


def _object(columns: Sequence[str], side: str | None) -> sql.Composed:
    parts = [
        sql.SQL("{}, {}").format(
            sql.Literal(name), sql.Identifier(name) if side is None else sql.Identifier(side, name)
        )
        for name in columns
    ]
    return sql.SQL("jsonb_build_object({})").format(sql.SQL(", ").join(parts))
