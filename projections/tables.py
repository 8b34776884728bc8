"""A read model's tables as the database describes them, and the statements that write many rows at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from psycopg import Connection, sql
from pydantic_core import to_json

Encoder: TypeAlias = Callable[[Sequence[Any]], str]


@dataclass
class Table:
    """One table: its columns with their types, the key beyond (log, stream), its statements, made once."""

    schema: str
    name: str
    types: dict[str, str]
    key: tuple[str, ...]
    local: bool
    _statements: dict[tuple[tuple[str, ...], bool], tuple[bytes, list[Encoder]]] = field(default_factory=dict)

    def insert(self, columns: tuple[str, ...], *, fresh: bool) -> tuple[bytes, list[Encoder]]:
        """The statement that writes rows of these columns, one array each, and the arrays' encoders.

        `fresh` rows are new for certain; others take the place of what their keys hold already.
        """
        found = self._statements.get((columns, fresh))
        if found is None:
            found = self._compose(columns, fresh=fresh), [encoder(self.types[c]) for c in columns]
            self._statements[columns, fresh] = found
        return found

    def _compose(self, columns: tuple[str, ...], *, fresh: bool) -> bytes:
        names = [sql.Identifier(c) for c in columns]
        kinds = [self.types[c] for c in columns]
        values = sql.SQL(", ").join(
            sql.SQL("u.{}::{}").format(n, sql.SQL(k)) if _travels_as_text(k) else sql.SQL("u.{}").format(n)
            for n, k in zip(names, kinds, strict=True)
        )
        arrays = sql.SQL(", ").join(
            sql.SQL("%s::text[]" if _travels_as_text(k) else f"%s::{k}[]") for k in kinds
        )
        return (
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM unnest({}) AS u ({}){}")
            .format(
                self.path,
                _list(names),
                values,
                arrays,
                _list(names),
                sql.SQL("") if fresh else self._conflict(columns),
            )
            .as_bytes()
        )

    def _conflict(self, columns: tuple[str, ...]) -> sql.Composable:
        key = ("log", "stream", *self.key)
        rest = [sql.Identifier(c) for c in columns if c not in key]
        change = sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(c) for c in rest)
        what = sql.SQL("UPDATE SET {}").format(change) if rest else sql.SQL("NOTHING")
        return sql.SQL(" ON CONFLICT ({}) DO {}").format(_list([sql.Identifier(c) for c in key]), what)

    @property
    def path(self) -> sql.Identifier:
        """The qualified name."""
        return sql.Identifier(self.schema, self.name)

    @property
    def drop(self) -> bytes:
        """The statement that drops the rows of streams: arrays of logs and streams."""
        return (
            sql.SQL(
                "DELETE FROM {} t USING unnest(%s::text[], %s::uuid[]) AS u (log, stream)"
                " WHERE t.log = u.log AND t.stream = u.stream"
            )
            .format(self.path)
            .as_bytes()
        )


def _list(names: Sequence[sql.Identifier]) -> sql.Composed:
    return sql.SQL(", ").join(names)


_TABLES = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum),
    array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum),
    coalesce((SELECT array_agg(k.attname::text ORDER BY array_position(i.indkey::int[], k.attnum::int))
        FROM pg_index i JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = ANY (i.indkey)
        WHERE i.indrelid = c.oid AND i.indisprimary), '{}')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'r' AND c.relnamespace = to_regnamespace(%s)
GROUP BY c.oid, c.relname ORDER BY c.relname COLLATE "C"
"""


def load(conn: Connection[Any], schema: str, local: frozenset[str] = frozenset()) -> dict[str, Table]:
    """The tables of a schema by name, in order of their names.

    Raises ValueError when a key breaks the rule. While an instance is built, some have none.
    """
    found = {}
    for name, columns, kinds, key in conn.execute(_TABLES, [schema]).fetchall():
        if name not in local and key and tuple(key[:2]) != ("log", "stream"):
            raise ValueError(f"{schema}.{name}: its primary key must begin with log, stream")
        types = dict(zip(columns, kinds, strict=True))
        found[name] = Table(schema, name, types, tuple(key[2:]), name in local)
    return found


def encoder(kind: str) -> Encoder:
    """What writes a column of this type as the text of a PostgreSQL array."""
    if kind.endswith("[]"):
        return _lists
    return _ENCODERS.get(kind, _quoted)


def _travels_as_text(kind: str) -> bool:
    return kind.endswith("[]")


def _bare(values: Sequence[Any]) -> str:
    """Values whose text needs no quotes: numbers, days, ids."""
    if None in values:
        return "{" + ",".join(["NULL" if v is None else str(v) for v in values]) + "}"
    return "{" + ",".join(map(str, values)) + "}"


def _quoted(values: Sequence[Any]) -> str:
    """Texts; nearly always there is nothing in them that needs escaping."""
    if None in values:
        return "{" + ",".join(["NULL" if v is None else _quote(v) for v in values]) + "}"
    inside = '","'.join(values)
    if "\\" in inside or inside.count('"') != 2 * (len(values) - 1):
        return "{" + ",".join(map(_quote, values)) + "}"
    return '{"' + inside + '"}' if values else "{}"


def _quote(text: str) -> str:
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _json(values: Sequence[Any]) -> str:
    return _quoted([None if v is None else to_json(v).decode() for v in values])


def _lists(values: Sequence[Any]) -> str:
    return _quoted([None if v is None else _quoted(v) for v in values])


_ENCODERS: dict[str, Encoder] = {
    **dict.fromkeys(
        (
            "smallint", "integer", "bigint", "numeric", "boolean", "uuid", "date",
        ),
        _bare,
    ),
    **dict.fromkeys(("json", "jsonb"), _json),
}  # fmt: skip
