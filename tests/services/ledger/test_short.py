"""A short run goes in at once when it is plain; whatever is not is left to those who look closely."""

from collections.abc import Callable, Sequence

import pytest

from events import merkle
from services.ledger import logs, read, short, store, tree
from services.ledger.store import Run
from tests.services.ledger.nodes import LOG, OTHER, Ledger, alliance, note_over, values_of

ALL = alliance(LOG, OTHER)
VALUES = values_of(LOG, 12)


@pytest.fixture
def reader(new_ledger: Callable[..., Ledger]) -> Ledger:
    """A node that follows both logs."""
    ledger = new_ledger()
    ledger.follow(LOG, OTHER)
    return ledger


def run(values: Sequence[bytes], after: int = 0, note: str | None = None) -> Run:
    return Run(after, values[after:], note or note_over(LOG, list(values)))


def accepted(ledger: Ledger, **runs: Run) -> bool:
    with ledger.database.pipelined() as conn:
        return short.accept(conn, ALL, {name.removeprefix("log"): each for name, each in runs.items()})


def rows(ledger: Ledger) -> list[object]:
    with ledger.database.connection() as conn:
        return [
            conn.execute(f"SELECT {columns} FROM ledger.{table} ORDER BY 1, 2, 3").fetchall()  # noqa: S608  (constants)
            for table, columns in {
                "entry": "*", "node": "*", "log": "*", "checkpoint": "log, size, root, note",
            }.items()
        ]  # fmt: skip


def test_plain_runs_of_several_logs_leave_what_a_close_look_leaves(new_ledger: Callable[..., Ledger]) -> None:
    # given runs of two logs, one over the edge of a tile, at two nodes
    ours, theirs = values_of(LOG, 300), values_of(OTHER, 3)
    first = Run(0, ours[:250], note_over(LOG, ours[:250]))
    second, other = run(ours, 250), Run(0, theirs, note_over(OTHER, theirs))
    quick, close = new_ledger("quick"), new_ledger("close")
    for ledger in (quick, close):
        ledger.follow(LOG, OTHER)
        with ledger.database.transaction() as conn:
            store.accept_run(conn, ALL, LOG, first)
    # when one takes them in at once and the other looks closely
    assert accepted(quick, **{f"log{LOG}": second, f"log{OTHER}": other})
    with close.database.transaction() as conn:
        store.accept_run(conn, ALL, LOG, second)
        store.accept_run(conn, ALL, OTHER, other)
    # then every row is the same, and the tree can be read back
    assert rows(quick) == rows(close)
    with quick.database.connection() as conn:
        assert tree.restore(conn, LOG, 300).root() == merkle.root(map(merkle.leaf_hash, ours))


@pytest.mark.parametrize(
    "strange",
    [
        run(VALUES, 3),
        run(VALUES, note=note_over(LOG, VALUES[:-1])),
        run([*VALUES[:4], VALUES[5], VALUES[4]], note=note_over(LOG, VALUES[:6])),
        run([*VALUES[:4], *values_of(OTHER, 1, after=4)]),
        run([*VALUES[:5], *values_of(LOG, 1, after=5)], note=note_over(LOG, VALUES[:6])),
        run([*VALUES[:4], VALUES[5]]),
        run([*VALUES[:4], b"no envelope"]),
        run(VALUES, note="no note"),
        run(VALUES, note=note_over(LOG, VALUES, by=OTHER)),
    ],
    ids=["gap", "short-note", "swapped", "foreign", "changed", "position", "unreadable", "no-note", "forged"],
)
def test_what_is_not_plain_is_left_and_takes_the_others_with_it(reader: Ledger, strange: Run) -> None:
    before, theirs = rows(reader), values_of(OTHER, 2)
    other = Run(0, theirs, note_over(OTHER, theirs))
    assert not accepted(reader, **{f"log{OTHER}": other, f"log{LOG}": strange})
    assert rows(reader) == before


@pytest.mark.parametrize("state", ["closed", "stopped"])
def test_a_log_that_is_not_open_is_left(reader: Ledger, state: str) -> None:
    with reader.database.connection() as conn:
        conn.execute("UPDATE ledger.log SET state = %s WHERE log = %s", [state, LOG])
    assert not accepted(reader, **{f"log{LOG}": run(VALUES)})


def test_a_run_that_came_before_and_an_own_log_are_left(reader: Ledger) -> None:
    assert accepted(reader, **{f"log{LOG}": run(VALUES)})
    assert not accepted(reader, **{f"log{LOG}": run(VALUES)})
    with reader.database.connection() as conn:
        assert len(list(read.entries(conn, LOG))) == len(VALUES)
        conn.execute("UPDATE ledger.log SET own = true WHERE log = %s", [OTHER])
        assert logs.state(conn, OTHER).own
    theirs = values_of(OTHER, 1)
    assert not accepted(reader, **{f"log{OTHER}": Run(0, theirs, note_over(OTHER, theirs))})
