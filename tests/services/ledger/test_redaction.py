"""Who never had a redacted record comes past it: a hole counts with the decision of its log, not without."""

from collections.abc import Callable

import pytest

from events import catalogue, errors, holes, merkle
from events import tiles as names
from events.holes import Held, Hole
from events.proofs import InclusionProof
from services.auditor import proving
from services.ledger import read, redaction, replay, store, tiles, verify
from services.ledger.store import Run
from services.ledger.tiles import Fetch
from tests.services.ledger import redacted
from tests.services.ledger.nodes import LOG, OTHER, Ledger, alliance, note_over, values_of
from tests.services.ledger.test_tiles import fetch, put

ALL = alliance(LOG, OTHER)
NewLedger = Callable[..., Ledger]


@pytest.fixture
def log() -> list[bytes]:
    """300 records, of which two of one stream and one more are redacted, and two later ones."""
    return [*(found := redacted.decided(values_of(LOG, 300), 17, 18, 299)), *values_of(LOG, 2, len(found))]


@pytest.fixture
def holder(new_ledger: NewLedger, log: list[bytes]) -> Ledger:
    """A node that had them, and carried the decisions out."""
    ledger = new_ledger("holder")
    ledger.follow(LOG)
    put(ledger, log)
    assert redacted.redact(ledger, log[300:303]) == 3
    return ledger


@pytest.fixture
def joiner(new_ledger: NewLedger) -> Ledger:
    ledger = new_ledger("joiner")
    ledger.follow(LOG)
    return ledger


def join(ledger: Ledger, get: Fetch) -> None:
    with ledger.database.transaction() as conn:
        size, root, note = store.latest(conn, LOG)
        run = tiles.proved_entries(get, ALL, LOG, size, root, note)
        if run is not None:
            store.accept_run(conn, ALL, LOG, run)


def rows(ledger: Ledger) -> list[tuple[object, ...]]:
    with ledger.database.connection() as conn:
        query = "SELECT position, stream, version, leaf, value FROM ledger.entry ORDER BY position"
        decided = "SELECT position, decision FROM ledger.redacted ORDER BY position"
        return [*conn.execute(query).fetchall(), *conn.execute(decided).fetchall()]


def test_a_bundle_with_a_redacted_record_is_gone_and_is_served_with_its_holes(
    holder: Ledger, log: list[bytes]
) -> None:
    get = fetch(holder)
    for bundle in names.bundles(len(log)):
        with pytest.raises(errors.Gone):
            get(bundle.path)
        entries = holes.decode(bundle, get(holes.path(bundle)))
        start = bundle.index * 256
        assert [holes.leaf_hash(e) for e in entries] == [
            merkle.leaf_hash(value) for value in log[start : start + bundle.width]
        ]
        gone = [start + n for n, entry in enumerate(entries, 1) if isinstance(entry, Hole)]
        assert gone == ([17, 18] if bundle.index == 0 else [299])
    part = names.Tile(None, 0, 16)  # of an earlier published size
    assert get(part.path) == get(holes.path(part)) == names.encode_bundle(log[:16])
    assert get("tile/0/000")


@pytest.mark.parametrize("ours", [0, 10, 16, 17, 299, 303])
def test_a_late_joiner_holds_what_the_others_hold(
    holder: Ledger, joiner: Ledger, log: list[bytes], ours: int
) -> None:
    # given a node that stopped somewhere before, between or behind the redacted ones
    if ours:
        put(joiner, log[:ours])
    # when it asks, twice
    join(joiner, fetch(holder))
    join(joiner, fetch(holder))
    redacted.redact(joiner, log[300:303])
    # then its rows are the same, and all is proved
    assert rows(joiner) == rows(holder)
    with joiner.database.connection() as conn:
        for report in (verify.verify(conn, ALL, LOG), replay.replay(conn, LOG)):
            assert (report.findings, report.redacted) == ([], 3)
        assert store.tree_root(conn, LOG, len(log)) == store.latest(conn, LOG)[1]
    # and it serves the next one
    assert fetch(joiner)("entries+holes/000") == fetch(holder)("entries+holes/000")


def test_a_record_that_a_holder_took_without_a_decision_is_damage_and_nothing_is_stored(
    holder: Ledger, joiner: Ledger
) -> None:
    with holder.database.connection() as conn:
        conn.execute("UPDATE ledger.entry SET value = '' WHERE position = 5")
    with pytest.raises(errors.Damage, match="record 5 of log"):
        join(joiner, fetch(holder))
    assert rows(joiner) == []


def test_a_hole_with_another_leaf_hash_is_damage(holder: Ledger, joiner: Ledger, log: list[bytes]) -> None:
    leaf, get = merkle.leaf_hash(log[16]), fetch(holder)

    def lying(path: str) -> bytes:
        content = get(path)
        return content.replace(leaf, merkle.leaf_hash(b"other")) if path.startswith("entries") else content

    with pytest.raises(errors.Damage, match="position 17 "):
        join(joiner, lying)


@pytest.mark.parametrize(
    "other",
    [
        {"leaf": "A" * 43 + "="},
        {"position": 6},
        {"log": OTHER},
        {"stream": "00000000-0000-0000-0000-000000000001"},
    ],
    ids=["leaf", "position", "log", "stream"],
)
def test_a_decision_about_another_record_removes_nothing(joiner: Ledger, other: dict[str, str | int]) -> None:
    log = values_of(LOG, 9)
    log.extend(redacted.stamped(9, redacted.decision(log, 5, **other)))
    put(joiner, log)
    assert redacted.redact(joiner, log[9:]) == 0
    # and no hole counts by it, unless it names the very bytes
    run: list[Held] = [*log]
    run[4] = Hole(merkle.leaf_hash(log[4]))
    seen = redaction.Holes(LOG)
    seen.see(0, run)
    with joiner.database.connection() as conn:
        if "stream" not in other:
            with pytest.raises(errors.Damage, match="without a decision"):
                seen.store(conn, 0)


def test_a_decision_itself_cannot_be_redacted(joiner: Ledger) -> None:
    log = redacted.decided(values_of(LOG, 3), 2)
    log = redacted.decided(log, 4)
    put(joiner, log)
    assert redacted.redact(joiner, log[4:]) == 0
    assert redacted.redact(joiner, log[3:]) == 1
    with joiner.database.connection() as conn:
        assert verify.verify(conn, ALL, LOG).findings == []
        assert isinstance(
            read.record(conn, (LOG, 4)).data, catalogue.EVENTS["yinqiao.alliance.record-redacted.v1"]
        )


def test_a_closed_log_has_no_hole_after_it(joiner: Ledger) -> None:
    with joiner.database.transaction() as conn:
        conn.execute("UPDATE ledger.log SET state = 'closed'")
        run = Run(0, [Hole(merkle.leaf_hash(b"x"))], note_over(LOG, [b"x"]))
        with pytest.raises(errors.Reopened):
            store.accept_run(conn, ALL, LOG, run)


def test_what_was_known_on_a_day_is_found_where_records_are_redacted(joiner: Ledger) -> None:
    # given ten records, one a minute, then the decisions to redact three of them, one the first
    times = [f"2025-05-01T08:{minute:02d}:00.000000Z" for minute in range(10)]
    log = [value for n, time in enumerate(times) for value in values_of(LOG, 1, n, time)]
    log = redacted.decided(log, 1, 5, 6)
    put(joiner, log[:10])
    with joiner.database.transaction() as conn:
        before = [read.vector_at(conn, time)[LOG] for time in times]
        assert before == list(range(1, 11))
        conn.execute("UPDATE ledger.entry SET value = '' WHERE position IN (1, 5, 6)")
        # then each day goes as far as before, or over the redacted ones that follow
        assert [read.vector_at(conn, time)[LOG] for time in times] == [1, 2, 3, 6, 6, 6, 7, 8, 9, 10]
        assert read.vector_at(conn, "2024-01-01T00:00:00.000000Z")[LOG] == 1


def test_the_leaf_of_a_redacted_record_is_proved_and_names_the_decision(
    holder: Ledger, log: list[bytes]
) -> None:
    with holder.database.connection() as conn:
        found = proving.prove(conn, ALL, None, LOG, 17)
        assert (found.value, found.redacted, found.leaf) == (b"", 301, merkle.leaf_hash(log[16]))
        assert InclusionProof.parse(found.file).check(log[16]) == ALL.checkpoint(LOG, found.note)
        with pytest.raises(errors.Gone):
            read.record(conn, (LOG, 17))
        # but not where somebody took the bytes
        conn.execute("UPDATE ledger.entry SET value = '' WHERE position = 20")
        with pytest.raises(errors.Damage):
            proving.prove(conn, ALL, None, LOG, 20)
