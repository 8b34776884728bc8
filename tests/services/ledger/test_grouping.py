"""Group commit: those who come together share a transaction, and nobody's refusal is another's."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from events import errors
from services.ledger import append
from services.ledger.append import Batch, Claim, Command, Repeated
from services.ledger.grouping import Grouping
from tests.services.ledger.nodes import LOG, Ledger, entries_of

_Start = Callable[[Batch], "Future[int]"]


def a_batch(command: str | None = None, **more: Any) -> Batch:
    """A new stream of one event."""
    batch = Batch(LOG, list(entries_of(LOG, 1)), [Command(command or str(uuid4()), bytes(32), 1)])
    return batch._replace(**more)


@contextmanager
def crowd(ledger: Ledger) -> Iterator[_Start]:
    """While it lasts the log's row is locked: who is started first waits for it, the others for the first."""
    grouping = Grouping(ledger.database)
    with ThreadPoolExecutor(16) as pool, ledger.database.transaction() as conn:
        conn.execute("SELECT FROM ledger.log WHERE log = %s FOR UPDATE", [LOG])

        def start(batch: Batch) -> Future[int]:
            future = pool.submit(grouping.append, batch)
            time.sleep(0.1)
            return future

        yield start


def transactions(ledger: Ledger) -> dict[int, str]:
    """Which transaction wrote each position."""
    with ledger.database.connection() as conn:
        rows = conn.execute("SELECT position, xmin::text FROM ledger.entry ORDER BY position").fetchall()
    return dict(rows)  # type: ignore[arg-type]  # the table's own types


def test_those_who_come_while_one_commits_share_the_next_transaction(ledger: Ledger) -> None:
    with crowd(ledger) as start:
        futures = [start(a_batch()) for _ in range(4)]
    assert [future.result() for future in futures] == [1, 2, 3, 4]
    by = transactions(ledger)
    assert by[1] != by[2] == by[3] == by[4]


def test_many_at_once_all_stand_once_and_in_order_of_their_positions(ledger: Ledger) -> None:
    grouping, batches = Grouping(ledger.database), [a_batch() for _ in range(200)]
    with ThreadPoolExecutor(8) as pool:
        positions = list(pool.map(grouping.append, batches))
    assert sorted(positions) == list(range(1, 201))
    with ledger.database.connection() as conn:
        rows = conn.execute("SELECT position, stream::text FROM ledger.entry").fetchall()
        commands = conn.execute("SELECT position, command FROM ledger.command").fetchall()
    assert dict(rows) == {p: b.entries[0].stream for p, b in zip(positions, batches, strict=True)}  # type: ignore[arg-type]
    assert dict(commands) == {p: b.commands[0].id for p, b in zip(positions, batches, strict=True)}  # type: ignore[arg-type]


def test_a_refusal_is_its_own_command_s_alone(ledger: Ledger) -> None:
    taken, repeated = a_batch(claims=[Claim("expert", "x", str(uuid4()))]), a_batch("again")
    with ledger.database.connection() as conn:
        append.append(conn, taken)
        append.append(conn, repeated)
    stale = a_batch(expects=[(taken.entries[0].stream, 7)])
    with crowd(ledger) as start:
        first = start(a_batch())
        second_taken = start(a_batch(claims=[Claim("expert", "x", str(uuid4()))]))
        second_repeated, second_stale, good = start(a_batch("again")), start(stale), start(a_batch())
    assert first.result() == 3
    assert good.result() == 4
    for future, kind in (
        (second_taken, errors.Taken),
        (second_repeated, Repeated),
        (second_stale, errors.Stale),
    ):
        with pytest.raises(kind):
            future.result()
    assert len(transactions(ledger)) == 4


def test_the_same_command_twice_at_the_same_moment_stands_once(ledger: Ledger) -> None:
    with crowd(ledger) as start:
        futures = [start(a_batch()), start(a_batch("twice")), start(a_batch("twice"))]
    assert futures[1].result() == 2
    with pytest.raises(Repeated):
        futures[2].result()


def test_who_read_a_stream_that_another_moves_is_judged_behind_it(ledger: Ledger) -> None:
    moves = a_batch()
    reads = a_batch(expects=[(moves.entries[0].stream, 0)])
    with crowd(ledger) as start:
        futures = [start(a_batch()), start(moves), start(reads)]
    assert futures[1].result() == 2
    with pytest.raises(errors.Stale):
        futures[2].result()


def test_what_is_released_by_one_is_not_taken_by_another_in_the_same_breath(ledger: Ledger) -> None:
    held = a_batch(claims=[Claim("expert", "x", str(uuid4()))])
    with ledger.database.connection() as conn:
        append.append(conn, held)
    with crowd(ledger) as start:
        start(a_batch())
        wants = start(a_batch(claims=[Claim("expert", "x", str(uuid4()))]))
        releases = start(a_batch(releases=[("expert", "x")]))
    with pytest.raises(errors.Taken):
        wants.result()
    assert releases.result() == 3


def test_a_log_that_is_closed_meanwhile_takes_nobody(ledger: Ledger) -> None:
    with ledger.database.connection() as conn:
        conn.execute("UPDATE ledger.log SET state = 'stopped'")
    with crowd(ledger) as start:
        futures = [start(a_batch()) for _ in range(3)]
    for future in futures:
        with pytest.raises(errors.NotAllowed):
            future.result()
