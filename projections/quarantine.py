"""What waits, for people: list, show, try again, skip."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from events import errors
from events.event import Key
from projections import waiting
from projections.judge import Cause


class Waiting(NamedTuple):
    """A record that waits in a model; `missing` is what it waits for, as `log:position`."""

    model: str
    log: str
    position: int
    stream: str
    time: str
    type: str
    cause: str
    missing: str | None
    attempts: int
    detail: str
    since: datetime


class Skipped(NamedTuple):
    """A record that is left out for good; kind: skipped, redacted."""

    model: str
    log: str
    position: int
    stream: str
    kind: str
    reason: str
    decided: datetime


_WAITING = """
SELECT model, log, position, stream::text, time, type, cause,
    missing_log || ':' || missing_position AS missing, attempts, detail, since FROM projection.waiting
"""


def waits(
    conn: Connection[Any], *, model: str | None = None, cause: Cause | None = None, limit: int = 1_000
) -> list[Waiting]:
    """What waits, the oldest first."""
    query = f"""{_WAITING} WHERE (%(model)s::text IS NULL OR model = %(model)s)
        AND (%(cause)s::text IS NULL OR cause = %(cause)s)
        ORDER BY since, time, log, position, model LIMIT %(limit)s"""
    with conn.cursor(row_factory=class_row(Waiting)) as cursor:
        return cursor.execute(query.encode(), {"model": model, "cause": cause, "limit": limit}).fetchall()


def show(conn: Connection[Any], key: Key) -> list[Waiting]:
    """Why and where one record waits, and what waits for it. Raises NotFound."""
    query = f"""{_WAITING} WHERE (log = %(log)s AND position = %(position)s)
        OR (missing_log = %(log)s AND missing_position = %(position)s) ORDER BY model, log, position"""
    with conn.cursor(row_factory=class_row(Waiting)) as cursor:
        found = cursor.execute(query.encode(), {"log": key[0], "position": key[1]}).fetchall()
    if not found:
        raise errors.NotFound(f"record {key[0]}:{key[1]} does not wait here", field="record")
    return found


def skipped(conn: Connection[Any], model: str | None = None) -> list[Skipped]:
    """What was left out for good."""
    query = """SELECT model, log, position, stream::text, kind, reason, decided FROM projection.skipped
        WHERE %(model)s::text IS NULL OR model = %(model)s ORDER BY model, log, position"""
    with conn.cursor(row_factory=class_row(Skipped)) as cursor:
        return cursor.execute(query, {"model": model}).fetchall()


def retry(
    conn: Connection[Any],
    *,
    key: Key | None = None,
    model: str | None = None,
    causes: Collection[Cause] = (Cause.UNKNOWN, Cause.FAILED, Cause.FOREIGN),
) -> int:
    """Let records be tried again at the projector's next step; how many were marked."""
    log, position = key or (None, None)
    return conn.execute(
        "UPDATE projection.waiting SET cause = 'held', missing_log = NULL, missing_position = NULL"
        " WHERE cause = ANY (%(causes)s) AND (%(model)s::text IS NULL OR model = %(model)s)"
        " AND (%(log)s::text IS NULL OR (log = %(log)s AND position = %(position)s))",
        {"causes": [c.value for c in causes], "model": model, "log": log, "position": position},
    ).rowcount


def skip(conn: Connection[Any], key: Key, reason: str, *, model: str | None = None) -> int:
    """Leave a record out for good, in one model or in all where it waits; what waits for it goes on.

    The reason is kept and shown; it is in no log. Raises Invalid, NotFound.
    """
    if not reason.strip():
        raise errors.Invalid("say why the record is skipped", field="reason")
    with conn.transaction():
        models = [
            m for (m,) in conn.execute(_SKIP, {**_key(key), "model": model, "reason": reason}).fetchall()
        ]
        if not models:
            raise errors.NotFound(f"record {key[0]}:{key[1]} does not wait here", field="record")
        for name in models:
            waiting.free(conn, name, [key])
    return len(models)


def _key(key: Key) -> dict[str, Any]:
    return {"log": key[0], "position": key[1]}


_SKIP = """
WITH gone AS (
    DELETE FROM projection.waiting WHERE log = %(log)s AND position = %(position)s
        AND (%(model)s::text IS NULL OR model = %(model)s) RETURNING model, log, position, stream
)
INSERT INTO projection.skipped (model, log, position, stream, reason)
SELECT model, log, position, stream, %(reason)s FROM gone RETURNING model
"""
