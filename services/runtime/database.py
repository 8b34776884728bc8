"""PostgreSQL connections with deadlines, and migrations: plain SQL, in order, once, checked."""

import hashlib
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from events import errors

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]
_Row = TypeVar("_Row")
_OPTIONS = (
    "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s -c timezone=UTC"
)
PATIENT = "-c timezone=UTC -c lock_timeout=10s -c statement_timeout=0"
"""For a connection of its own on which long statements may run."""
_MIGRATION_LOCK = 7_100_001
_TRUSTED = 1.0
"""Seconds for which a connection that served is not pinged."""


def connect(dsn: str, *, autocommit: bool = True, options: str = _OPTIONS) -> Connection:
    """One connection whose silence is noticed. Raises Unavailable."""
    try:
        return psycopg.connect(dsn, autocommit=autocommit, options=options, **_LIVENESS)
    except psycopg.OperationalError as error:
        raise errors.Unavailable("the database cannot be reached") from error


@contextmanager
def translated() -> Iterator[None]:
    """A server that is away or too busy, before or in the middle of a statement, is Unavailable."""
    try:
        yield
    except (PoolTimeout, psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise errors.Unavailable("the database cannot be reached or is too busy") from error


@contextmanager
def expecting_tables() -> Iterator[None]:
    """As `translated`, where nobody made sure of the tables before: without them it is Unavailable, too."""
    try:
        with translated():
            yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise errors.Unavailable(f"the database has no tables of a node: {NO_TABLES}") from error


NO_TABLES = "start the node once, or correct dsn in node.toml if this is the wrong database"
_LIVENESS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 4000,
}


class _Cursor(psycopg.Cursor[_Row]):
    """A cursor that, in `Database.pipelined`, has all answered that was sent before its answer is read."""

    def fetchone(self) -> _Row | None:
        self._settle()
        return super().fetchone()

    def fetchall(self) -> list[_Row]:
        self._settle()
        return super().fetchall()

    def _settle(self) -> None:
        line = self.connection.line if isinstance(self.connection, _Pooled) else None
        if line is not None and self.pgresult is None:
            line.sync()


class _Pooled(psycopg.Connection[tuple[object, ...]]):
    """A connection that remembers when it served last, in monotonic seconds, and its pipeline."""

    used = -_TRUSTED
    line: psycopg.Pipeline | None = None

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.cursor_factory = _Cursor


def _check(conn: _Pooled) -> None:
    """Ping a connection before it serves, unless it served just now and nothing came since.

    A session that was ended says so by itself, and every command would otherwise wait for one more answer.
    """
    if time.monotonic() - conn.used > _TRUSTED or select.select([conn], [], [], 0)[0]:
        ConnectionPool.check_connection(conn)


class Database:
    """A bounded pool on one database; every wait ends in `Unavailable` instead of lasting."""

    def __init__(self, dsn: str, *, size: int = 8) -> None:
        self.dsn = dsn
        self._pool = ConnectionPool(
            dsn,
            min_size=1,
            max_size=size,
            max_waiting=200,
            timeout=4,
            reconnect_timeout=2,  # its pauses double: after a longer one the next asker tries at once
            kwargs={"autocommit": True, "options": _OPTIONS, **_LIVENESS},
            connection_class=_Pooled,
            check=_check,
            open=False,
        )

    def open(self) -> "Database":
        """Start the pool; it heals by itself while the server is away."""
        self._pool.open()
        return self

    def close(self) -> None:
        """Give all connections back."""
        self._pool.close()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection in autocommit mode; open transactions on it explicitly. Raises Unavailable."""
        with translated(), self._pool.connection() as conn:
            try:
                yield conn
            finally:
                conn.used = time.monotonic()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection inside one transaction: all or nothing. Raises Unavailable."""
        with self.connection() as conn, conn.transaction():
            yield conn

    @contextmanager
    def unbroken(self) -> Iterator[Connection]:
        """A connection that must live until the end: else what others wrote meanwhile may be gone.

        For tables that are not logged, which a server that died has emptied. Raises Unavailable.
        """
        with self.connection() as conn:
            yield conn
            conn.execute("SELECT")

    @contextmanager
    def pipelined(self) -> Iterator[Connection]:
        """As `transaction`, but no statement waits before an answer is read. Raises Unavailable.

        What the server has against one comes up at the next answer that is read, or at the end. After the
        last answer send all the rest at once: only a session that owes none is ended if its process freezes.
        """
        with self.connection() as conn:
            pooled = cast("_Pooled", conn)
            try:
                with conn.pipeline() as pooled.line:
                    conn.execute("BEGIN")
                    yield conn
                    conn.execute("COMMIT")
            except BaseException:
                with suppress(psycopg.Error):  # what was raised first counts; the pool drops a broken one
                    conn.rollback()
                raise
            finally:
                pooled.line = None


@dataclass(frozen=True)
class Migration:
    """One step of the schema; its text never changes after release."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrate(dsn: str, migrations: Sequence[Migration], note: Callable[[str], None] = lambda _: None) -> None:
    """Bring the database to the last migration, under a lock, one transaction a step.

    Raises Invalid when a step that was applied has another text now.
    """
    with connect(dsn, options="-c timezone=UTC") as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
        conn.execute(
            "CREATE TABLE IF NOT EXISTS public.migration (name text PRIMARY KEY, checksum text NOT NULL,"
            " applied timestamptz NOT NULL DEFAULT clock_timestamp())",
        )
        rows = conn.execute("SELECT name, checksum FROM public.migration").fetchall()
        done = {str(name): str(checksum) for name, checksum in rows}
        for step in migrations:
            if done.get(step.name, step.checksum) != step.checksum:
                raise errors.Invalid(f"migration {step.name} was changed after it was applied")
            if step.name not in done:
                note(step.name)
                _apply(conn, step)


def _apply(conn: Connection, step: Migration) -> None:
    with conn.transaction():
        conn.execute(step.sql.encode())
        conn.execute("INSERT INTO public.migration VALUES (%s, %s)", [step.name, step.checksum])
