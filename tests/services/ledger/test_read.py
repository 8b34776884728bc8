"""What is read back is what was stored; the tree in SQL gives the same proofs as one in memory."""

from collections.abc import Callable
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events import errors, merkle
from services.ledger import logs, read, store, tree
from services.ledger.tree import Tree
from tests.services.ledger.nodes import LOG, OTHER, Ledger, alliance, note_over

ALL = alliance(LOG, OTHER)
NewLedger = Callable[..., Ledger]


def test_entries_come_in_pages_from_any_position(ledger: Ledger) -> None:
    ledger.append(2300)
    with ledger.database.connection() as conn:
        assert [e.position for e in read.entries(conn, LOG)] == list(range(1, 2301))
        assert [e.position for e in read.entries(conn, LOG, 1999)] == list(range(2000, 2301))
        assert [e.position for e in read.entries(conn, LOG, 5, 1500)] == list(range(6, 1506))
        assert list(read.entries(conn, LOG, 2300)) == list(read.entries(conn, LOG, 0, 0)) == []


def test_records_and_streams_are_decoded(ledger: Ledger, new_ledger: NewLedger) -> None:
    # given an own log whose last record is not covered, and the same log at a reader
    ledger.append(9)
    ledger.checkpointer().round()
    ledger.append(1)
    with ledger.database.connection() as conn:
        values = [entry.value for entry in read.entries(conn, LOG)]
        record = read.record(conn, (LOG, 5))
        history = read.history(conn, LOG, record.stream)
        (tail,) = read.history(conn, LOG, read.record(conn, (LOG, 10)).stream)
        assert [r.version for r in history] == [1, 2, 3]
        assert history[1] == record
        assert record.leaf == merkle.leaf_hash(values[4])
        assert tail.position == 10
        assert read.covered(conn) == {LOG: 9}
        with pytest.raises(errors.NotFound):
            read.record(conn, (LOG, 11))
    reader = new_ledger("reader")
    reader.follow(LOG)
    with reader.database.transaction() as conn:
        store.accept(conn, ALL, LOG, values[:9], note_over(LOG, values[:9]))
        assert read.history(conn, LOG, record.stream) == history
        assert read.history(conn, LOG, tail.stream) == []


def test_a_date_is_a_vector(ledger: Ledger) -> None:
    ledger.open(OTHER, "510104")
    for day, count in ((1, 4), (2, 300), (2, 5), (9, 7)):
        ledger.append(count, time=f"2025-05-{day:02}T00:00:00.000000Z")
    ledger.append(3, OTHER, time="2025-05-03T00:00:00.000000Z")
    ledger.checkpointer(LOG, OTHER).round()
    ledger.append(2, time="2025-05-09T00:00:00.000000Z")
    expected = {"2025-04-30": (0, 0), "2025-05-01": (4, 0), "2025-05-02": (309, 0), "2025-05-03": (309, 3),
                "2025-05-09": (316, 3), "2026-01-01": (316, 3)}  # fmt: skip
    with ledger.database.connection() as conn:
        for date, (mine, others) in expected.items():
            vector = {LOG: mine, OTHER: others, "510104": 0}
            assert read.vector_at(conn, f"{date}T00:00:00.000000Z") == vector


def test_a_log_is_own_or_followed_and_opened_once(ledger: Ledger) -> None:
    ledger.open(LOG)
    ledger.follow(OTHER)
    with pytest.raises(errors.Invalid):
        ledger.follow(LOG)
    with pytest.raises(errors.Invalid):
        ledger.open(OTHER)
    with ledger.database.connection() as conn:
        assert logs.heads(conn) == {LOG: 0, OTHER: 0}
        assert logs.states(conn) == [(LOG, True, 0, "open"), (OTHER, False, 0, "open")]
        with pytest.raises(errors.NotFound):
            logs.state(conn, "510104")


@given(st.lists(st.integers(0, 600), max_size=6))
def test_a_tree_grows_alike_however_it_is_cut_and_notices_full_tiles(cuts: list[int]) -> None:
    leaves = [merkle.leaf_hash(str(i).encode()) for i in range(sum(cuts))]
    grown, nodes, start = Tree(), [], 0
    for cut in cuts:
        grown = Tree.restore(grown.size, grown.hashes)
        nodes += grown.extend(leaves[start : start + cut])
        start += cut
    assert (grown.size, grown.root()) == (len(leaves), merkle.root(leaves))
    assert [n.number for n in nodes] == list(range(len(leaves) // 256))
    assert all(n.hash == merkle.root(leaves[n.number * 256 : n.number * 256 + 256]) for n in nodes)


def test_nodes_of_higher_levels_are_noticed_too() -> None:
    grown = Tree()
    nodes = grown.extend([bytes(32)] * (65_536 * 2 + 300))
    assert [(n.level, n.number) for n in nodes if n.level > 1] == [(2, 0), (2, 1)]
    assert nodes[-1] == (1, 512, merkle.root([bytes(32)] * 256))
    assert next(n.hash for n in nodes if n.level == 2) == merkle.root([bytes(32)] * 65_536)


@pytest.fixture
def big(new_ledger: NewLedger) -> tuple[Ledger, merkle.Subtree, list[bytes]]:
    """A log of 66,300 made-up leaves, more than one tile of level 1, as the tables would hold it."""
    ledger = new_ledger()
    ledger.follow(LOG)
    leaves = [merkle.leaf_hash(str(i).encode()) for i in range(66_300)]
    grown = Tree()
    with ledger.database.transaction() as conn:
        with conn.cursor().copy("COPY ledger.entry (log, position, own, leaf, value) FROM STDIN") as copy:
            for position, leaf in enumerate(leaves, 1):
                copy.write_row((LOG, position, False, leaf, b""))
        conn.execute(tree.INSERT, {"log": LOG} | tree.columns(grown.extend(leaves)))
    return ledger, merkle.subtrees(leaves), leaves


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_proofs_from_sql_are_those_of_the_tree_in_memory(
    big: tuple[Ledger, merkle.Subtree, list[bytes]], data: st.DataObject
) -> None:
    ledger, memory, leaves = big
    size = data.draw(st.integers(1, len(leaves)))
    position, old = data.draw(st.integers(1, size)), data.draw(st.integers(0, size))
    with ledger.database.connection() as conn:
        inclusion = tree.inclusion(conn, LOG, position, size)
        consistency = tree.consistency(conn, LOG, old, size)
        root = tree.restore(conn, LOG, size).root()
    assert inclusion == merkle.inclusion_proof(position - 1, size, memory)
    assert consistency == merkle.consistency_proof(old, size, memory)
    merkle.verify_inclusion(position - 1, size, leaves[position - 1], inclusion, root)


def test_a_proof_takes_few_milliseconds(big: tuple[Ledger, merkle.Subtree, list[bytes]]) -> None:
    ledger, _, leaves = big
    with ledger.database.connection() as conn:
        took = []
        for position in (1, 30_000, 66_299):
            start = perf_counter()
            tree.inclusion(conn, LOG, position, len(leaves))
            took.append(perf_counter() - start)
    assert min(took) < 0.05


def test_a_hole_in_the_stored_tree_is_damage(big: tuple[Ledger, merkle.Subtree, list[bytes]]) -> None:
    ledger, _, _ = big
    with ledger.database.connection() as conn:
        conn.execute("DELETE FROM ledger.entry WHERE position = 66200")
        with pytest.raises(errors.Damage):
            tree.restore(conn, LOG, 66_300)
        with pytest.raises(errors.Invalid):
            tree.inclusion(conn, LOG, 5, 4)
