"""What is appended stands whole, at the next position, or nothing of it does."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from events import envelope, errors, merkle
from services.ledger import append, logs
from services.ledger.append import Answered, Batch, Claim, Command, Entry, Repeated
from services.runtime.database import Connection
from tests.services.ledger.nodes import LOG, OTHER, TIME, Ledger, entries_of

FREE = "this log is not open for writing at this node"
MOVED = "something the decision rests on has moved on; read it again"


def batch(count: int = 1, log: str = LOG, time: str = TIME, **more: Any) -> Batch:
    """One command that became so many events; streams of up to three."""
    entries = list(entries_of(log, count, time))
    return Batch(log, entries, [Command(str(uuid4()), bytes(32), count)])._replace(**more)


def add(ledger: Ledger, batch: Batch) -> int:
    with ledger.database.connection() as conn:
        return append.append(conn, batch)


def head(ledger: Ledger, log: str = LOG) -> tuple[int, str]:
    with ledger.database.connection() as conn:
        return logs.state(conn, log)[2:]


def refused(ledger: Ledger, batch: Batch, kind: type[Exception], message: str) -> None:
    """It is refused in these words, and leaves every table as it was."""
    before = content(ledger)
    with pytest.raises(kind) as caught:
        add(ledger, batch)
    assert type(caught.value) is kind
    assert str(caught.value) == message
    assert content(ledger) == before


def content(ledger: Ledger) -> list[object]:
    tables = map(sql.Identifier, ("log", "entry", "command", "claim"))
    query = sql.SQL("SELECT * FROM ledger.{0} ORDER BY {0}")
    with ledger.database.connection() as conn:
        return [conn.execute(query.format(table)).fetchall() for table in tables]


def test_records_stand_at_the_next_positions_stamped_and_hashed(ledger: Ledger) -> None:
    first, second = batch(4), batch(3)
    assert [add(ledger, first), add(ledger, second), add(ledger, batch())] == [1, 5, 8]
    entries = [*first.entries, *second.entries]
    values = [envelope.stamp(entry.value, position, TIME) for position, entry in enumerate(entries, 1)]
    with ledger.database.connection() as conn:
        rows = conn.execute(
            "SELECT log, position, own, stream::text, version, leaf, value FROM ledger.entry"
            " WHERE position < 8 ORDER BY position"
        ).fetchall()
    assert rows == [
        (LOG, position, True, entry.stream, entry.version, merkle.leaf_hash(value), value)
        for position, (entry, value) in enumerate(zip(entries, values, strict=True), 1)
    ]
    assert head(ledger) == (8, "open")


def test_time_never_goes_back_whatever_the_clock_says(ledger: Ledger) -> None:
    # given clocks that go back, within a batch and from one to the next
    clocks = [f"2025-05-01T08:00:0{second}.000000Z" for second in (3, 5, 1, 6, 2)]
    entries = [e._replace(time=t) for e, t in zip(entries_of(LOG, 5), clocks, strict=True)]
    add(ledger, batch(5, entries=entries))
    add(ledger, batch(1, time=clocks[0]))
    # then each record has the latest time that was known
    with ledger.database.connection() as conn:
        rows = conn.execute("SELECT value FROM ledger.entry ORDER BY position").fetchall()
        kept = conn.execute("SELECT time FROM ledger.log").fetchone()
    times = [envelope.read(value).time[17:19] for (value,) in rows]  # type: ignore[arg-type]  # bytea
    assert times == ["03", "05", "05", "06", "06", "06"]
    assert kept == (clocks[3],)


def test_each_command_of_a_bulk_is_answered_with_its_own_records(ledger: Ledger) -> None:
    # given one record, then three commands at once that became two, one and three
    add(ledger, batch())
    commands = [Command(f"c{count}", bytes([count]) * 32, count) for count in (2, 1, 3)]
    assert add(ledger, batch(6, commands=commands)) == 2
    # then each is answered with where its records begin, by its own id or that of its first event
    with ledger.database.connection() as conn:
        for command, position in zip(commands, (2, 4, 5), strict=True):
            for ids in ((command.id, "event"), ("another", command.id)):
                found = append.answered(conn, LOG, *ids)
                assert found == Answered(command.digest, position, command.events)
        # and nobody else's is
        assert append.answered(conn, LOG, "c4", "event") is None
        assert append.answered(conn, OTHER, "c2", "event") is None


def test_a_command_is_answered_once_in_a_log(ledger: Ledger) -> None:
    ledger.open(OTHER)
    once = batch()
    add(ledger, once)
    again = batch(2, commands=[Command("new", bytes(32), 1), once.commands[0]])
    refused(ledger, again, Repeated, "the command was answered before")
    assert add(ledger, batch(log=OTHER, commands=once.commands)) == 1


def test_a_command_that_only_its_restored_event_tells_of_is_not_done_again(ledger: Ledger) -> None:
    # given a restored log, where a command stands under the id of its first event
    ledger.open(OTHER)
    first, second = batch(log=OTHER), batch(2)
    event = str(second.entries[1].value[98:134], "ascii")
    add(ledger, first._replace(commands=[Command(event, b"", 1)]))
    # then it is done in another log, and where it stands it is not
    assert add(ledger, second) == 1
    assert add(ledger, batch(commands=[Command(event, b"", 1)])) == 3
    again = second._replace(commands=[Command("asked anew", bytes(32), 2)])
    refused(ledger, again, Repeated, "the command was answered before")


@pytest.mark.parametrize("version", [1, 2])
def test_a_version_of_a_stream_stands_once(ledger: Ledger, version: int) -> None:
    ledger.open(OTHER)
    first = batch(2)
    add(ledger, first)
    same = batch(entries=[first.entries[version - 1]])
    words = "the record has moved on since you read it; read it again"
    refused(ledger, same, errors.Stale, words)
    assert add(ledger, same._replace(log=OTHER)) == 1


def test_what_was_only_read_must_stand_as_it_was_read(ledger: Ledger) -> None:
    # given a stream at version 3, one at 2, and one in another log
    ledger.open(OTHER)
    elsewhere, here = batch(log=OTHER), batch(5)
    add(ledger, elsewhere)
    add(ledger, here)
    three, two, absent = here.entries[0].stream, here.entries[4].stream, elsewhere.entries[0].stream
    # when a decision read them, then or earlier or what never was
    for wrong in ((three, 2), (three, 4), (three, 0), (two, 3), (absent, 1), (str(uuid4()), 1)):
        for expects in ([wrong], [(two, 2), wrong], [wrong, (two, 2)]):
            refused(ledger, batch(expects=expects), errors.Stale, MOVED)
    # then it counts only if none of them has moved
    assert add(ledger, batch(expects=[(three, 3), (two, 2), (absent, 0)])) == 6


def test_what_a_followed_log_says_of_a_stream_is_not_a_version_of_it(ledger: Ledger) -> None:
    add(ledger, first := batch())
    with ledger.database.connection() as conn:
        conn.execute("UPDATE ledger.entry SET own = false")
    assert add(ledger, batch(expects=[(first.entries[0].stream, 0)])) == 2


def test_a_claim_is_held_once_in_a_log(ledger: Ledger) -> None:
    ledger.open(OTHER)
    mine, theirs = str(uuid4()), str(uuid4())
    add(ledger, batch(claims=[Claim("expert", "x", mine), Claim("expert", "y", theirs)]))
    words = "somebody was quicker: what you asked for is taken; choose another"
    wanted = [Claim("expert", "z", theirs), Claim("expert", "x", theirs)]
    refused(ledger, batch(claims=wanted), errors.Taken, words)
    add(ledger, batch(claims=[Claim("expert", "X", theirs), Claim("need", "x", theirs)]))
    add(ledger, batch(log=OTHER, claims=[Claim("expert", "x", theirs)]))
    assert holders(ledger, "x", "y", "X", "z") == [mine, theirs, theirs, None]
    with ledger.database.connection() as conn:
        assert append.holder(conn, LOG, "need", "x") == theirs
        assert append.holder(conn, OTHER, "expert", "x") == theirs


def holders(ledger: Ledger, *keys: str) -> list[str | None]:
    with ledger.database.connection() as conn:
        return [append.holder(conn, LOG, "expert", key) for key in keys]


def test_what_is_released_is_free_at_once_and_nothing_else_is(ledger: Ledger) -> None:
    # given claims that share a kind, a key or neither, here and in another log
    ledger.open(OTHER)
    one, two = str(uuid4()), str(uuid4())
    claims = [Claim("expert", key, one) for key in "xyz"] + [Claim("need", key, one) for key in "xy"]
    add(ledger, batch(claims=claims))
    add(ledger, batch(log=OTHER, claims=claims))
    # when two are released, and one of them is claimed in the same breath
    releases = [("expert", "x"), ("need", "y"), ("expert", "never held")]
    add(ledger, batch(releases=releases, claims=[Claim("expert", "x", two)]))
    # then the others are held as before
    assert holders(ledger, "x", "y", "z") == [two, one, one]
    with ledger.database.connection() as conn:
        assert append.holder(conn, LOG, "need", "x") == one
        assert append.holder(conn, LOG, "need", "y") is None
        assert append.holder(conn, OTHER, "expert", "x") == one
        assert append.holder(conn, OTHER, "need", "y") == one


def test_a_log_is_closed_by_a_last_record_that_counts_all_before_it(ledger: Ledger) -> None:
    ledger.open(OTHER)
    add(ledger, batch(4))
    for wrong in (0, 3, 4, 6):
        refused(ledger, batch(2, closes=wrong), errors.Stale, MOVED)
    assert add(ledger, batch(2, closes=5)) == 5
    assert (head(ledger), head(ledger, OTHER)) == ((6, "closed"), (0, "open"))
    refused(ledger, batch(), errors.NotAllowed, FREE)
    assert add(ledger, batch(log=OTHER)) == 1


@pytest.mark.parametrize("state", ["closed", "stopped"])
def test_only_an_open_log_of_our_own_is_written(ledger: Ledger, state: str) -> None:
    ledger.open(OTHER)
    ledger.follow("510104")
    for log in ("510104", "320500"):
        refused(ledger, batch(log=log), errors.NotAllowed, FREE)
    with ledger.database.connection() as conn:
        conn.execute("UPDATE ledger.log SET state = %s WHERE log = %s", [state, LOG])
    refused(ledger, batch(), errors.NotAllowed, FREE)
    assert add(ledger, batch(log=OTHER)) == 1


def test_who_comes_while_another_writes_waits_and_stands_behind_him(ledger: Ledger) -> None:
    with ThreadPoolExecutor(3) as pool, ledger.database.transaction() as conn:
        assert append.append(conn, batch(2)) == 1
        behind = [pool.submit(add, ledger, batch()) for _ in range(3)]
        _wait_for_waiting(ledger, 3)
    assert sorted(future.result() for future in behind) == [3, 4, 5]


def _wait_for_waiting(ledger: Ledger, count: int) -> None:
    with psycopg.connect(ledger.dsn, autocommit=True) as watch:
        query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while (row := watch.execute(query).fetchone()) and row[0] < count:
            watch.execute("SELECT pg_sleep(0.01)")


def test_what_the_database_does_not_take_is_told_as_to_be_tried_again(ledger: Ledger) -> None:
    words = "the database did not record the command; the same key may be sent again"
    entry = Entry(b"", TIME, "no stream", 1)
    refused(ledger, batch(entries=[entry]), errors.Unavailable, words)


def test_an_answer_without_a_position_is_no_success(ledger: Ledger) -> None:
    with ledger.database.connection() as conn:
        _replace_by_one_that_gives_nothing(conn)
    refused(ledger, batch(), errors.Unavailable, "the append gave no position")


def _replace_by_one_that_gives_nothing(conn: Connection) -> None:
    row = conn.execute("SELECT oid::regprocedure::text FROM pg_proc WHERE proname = 'append'").fetchone()
    signature = str(row[0]) if row else ""
    conn.execute(f"DROP FUNCTION {signature}".encode())
    conn.execute(f"CREATE FUNCTION {signature} RETURNS bigint LANGUAGE sql AS 'SELECT NULL::bigint'".encode())


@pytest.mark.parametrize("time", ["225-05-01T00:00:00.000000Z", "", "2026-03-02T01:00:00.000000+00:00"])
def test_a_time_of_another_width_is_refused_before_it_displaces_bytes(ledger: Ledger, time: str) -> None:
    # given a good record, and one whose time would not fill its place in the prepared bytes
    add(ledger, batch())
    # when it is appended, alone or with a good one
    odd = batch(2)
    odd = odd._replace(entries=[odd.entries[0], odd.entries[1]._replace(time=time)])
    # then nothing of it stands
    refused(ledger, odd, errors.Invalid, "a record's time must have 27 characters")
