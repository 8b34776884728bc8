"""Statements that travel together are one transaction, and a pause in it is seen by the server."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from events import errors
from services.runtime.database import Database

A = "INSERT INTO thing VALUES ('a')"


@pytest.fixture
def pool(database: str) -> Iterator[Database]:
    opened = Database(database, size=2).open()
    with opened.connection() as conn:
        conn.execute("CREATE TABLE thing (name text PRIMARY KEY)")
    yield opened
    opened.close()


def names(pool: Database) -> list[str]:
    with pool.connection() as conn:
        return [str(name) for (name,) in conn.execute("SELECT name FROM thing ORDER BY name").fetchall()]


def test_what_is_sent_together_stands_together(pool: Database) -> None:
    with pool.pipelined() as conn:
        conn.execute("INSERT INTO thing VALUES ('a')")
        count = conn.execute("SELECT count(*) FROM thing")
        conn.execute("INSERT INTO thing VALUES ('b')")
        assert count.fetchone() == (1,)
    assert names(pool) == ["a", "b"]


def send(pool: Database, *statements: str, then: Callable[[], object] = lambda: None) -> None:
    with pool.pipelined() as conn:
        for statement in statements:
            cursor = conn.execute(statement.encode())
            if statement.startswith("SELECT"):
                cursor.fetchone()
        then()


def test_an_error_of_the_caller_leaves_nothing_behind(pool: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        send(pool, A, then=lambda: 1 // 0)
    assert names(pool) == []


def test_what_the_server_refuses_comes_up_at_the_end_and_takes_all_with_it(pool: Database) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        send(pool, A, A, "INSERT INTO thing VALUES ('b')")
    assert names(pool) == []


def test_what_the_server_refuses_comes_up_where_an_answer_is_read(pool: Database) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        send(pool, A, A, "SELECT 1", then=lambda: pytest.fail("nothing comes after it"))
    assert names(pool) == []


def test_a_session_whose_answers_were_read_is_idle_for_the_server(pool: Database) -> None:
    # given the time limit of a session that pauses in a transaction
    with pool.pipelined() as conn:
        conn.execute("INSERT INTO thing VALUES ('a')")
        assert conn.execute("SELECT 1").fetchall() == [(1,)]
        # then the server counts it
        with psycopg.connect(pool.dsn) as other:
            states = other.execute(
                "SELECT state FROM pg_stat_activity WHERE pid = %s", [conn.info.backend_pid]
            ).fetchall()
        assert states == [("idle in transaction",)]


def test_a_connection_that_was_lost_meanwhile_is_said_at_the_end(pool: Database) -> None:
    # given work that rests on tables which a dying server empties
    with pool.unbroken():
        assert names(pool) == []

    def lost() -> list[str]:
        with pool.unbroken() as guard, psycopg.connect(pool.dsn, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [guard.info.backend_pid])
            return names(pool)

    # when the sessions end in the middle, then it has no result
    with pytest.raises(errors.Unavailable):
        lost()
