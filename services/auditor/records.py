"""Many single records of the ledger at once, readable or not."""

from collections.abc import Collection
from typing import Any, NamedTuple

from events import catalogue, envelope, errors
from events.event import Event, Key, Record
from services.runtime.database import Connection


class Held(NamedTuple):
    """A record that is held here; `record` is None where this version cannot read it, or its bytes are gone.

    `type` and what follows are empty when it is no envelope at all, as of what is `gone`: redacted.
    """

    key: Key
    type: str
    stream: str
    time: str
    record: Record[Event] | None
    gone: bool = False


def load(conn: Connection, keys: Collection[Key]) -> dict[Key, Held]:
    """The records of these keys; those that are not held here are left out."""
    lists = [[log for log, _ in keys], [position for _, position in keys]]
    with conn.cursor(binary=True) as cursor:
        rows: list[Any] = cursor.execute(_LOAD, lists).fetchall()
    return {(log, position): _held((log, position), value, leaf) for log, position, value, leaf in rows}


def _held(key: Key, value: bytes, leaf: bytes) -> Held:
    if not value:
        return Held(key, "", "", "", None, gone=True)
    try:
        record = catalogue.decode(value, leaf)
    except errors.BadRecord:
        return _unread(key, value)
    return Held(key, record.type, record.stream, record.time, record)


def _unread(key: Key, value: bytes) -> Held:
    try:
        e = envelope.read(value)
    except errors.Damage:
        return Held(key, "", "", "", None)
    return Held(key, e.type, e.stream, e.time, None)


_LOAD = """
SELECT e.log, e.position, e.value, e.leaf
FROM unnest(%s::text[], %s::bigint[]) AS k (log, position)
JOIN ledger.entry e ON e.log = k.log COLLATE "C" AND e.position = k.position
"""
