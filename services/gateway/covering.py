"""What proves one record: its frozen bytes, its leaf, and the first checkpoint that covers it."""

import base64
from typing import NamedTuple

from events import errors
from services.ledger import closing, redaction, tree
from services.runtime.database import Connection


class Proof(NamedTuple):
    """The bytes, the leaf hash, and, once covered: size, note and the inclusion path (hashes as base64).

    `redacted` is the position of the decision by which the bytes are gone, `void` the size at which the log
    was closed, of a record that stands beyond.
    """

    value: bytes
    leaf: str
    size: int | None
    note: str | None
    path: list[str]
    redacted: int | None = None
    void: int | None = None


def of(conn: Connection, log: str, position: int) -> Proof:
    """Raises NotFound."""
    with conn.cursor(binary=True) as cursor:
        row = cursor.execute(
            "SELECT value, leaf FROM ledger.entry WHERE log = %s AND position = %s", [log, position]
        ).fetchone()
    if row is None:
        raise errors.NotFound(f"record {log}:{position} is not held at this node")
    value, leaf = bytes(row[0]), bytes(row[1])  # type: ignore[call-overload]  # the table's own types
    gone = None if value else redaction.decided(conn, log, position, leaf)
    closed = closing.of(conn, log)
    void = closed.size if closed is not None and position > closed.size else None
    covered = None if void else _covered(conn, log, position)
    if covered is None:
        return Proof(value, _text(leaf), None, None, [], gone, void)
    size, note = covered
    path = [_text(found) for found in tree.inclusion(conn, log, position, size)]
    return Proof(value, _text(leaf), size, note, path, gone)


def _covered(conn: Connection, log: str, position: int) -> tuple[int, str] | None:
    """Size and note of the first checkpoint that covers the position."""
    return conn.execute(  # type: ignore[return-value]  # the table's own types
        "SELECT size, note FROM ledger.checkpoint WHERE log = %s AND size >= %s ORDER BY size LIMIT 1",
        [log, position],
    ).fetchone()


def _text(hash_: bytes) -> str:
    return base64.b64encode(hash_).decode()
