"""What is received goes in whole and proved, or not at all."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events import checkpoints, envelope, errors, merkle
from services.ledger import logs, read, store, tree
from services.ledger.store import Run
from tests.services.ledger.nodes import ALLIANCE, LOG, OTHER, Ledger, alliance, note_over, signer, values_of

ALL = alliance(LOG, OTHER)


@pytest.fixture
def reader(new_ledger: Callable[..., Ledger]) -> Ledger:
    """A node that follows both logs."""
    ledger = new_ledger()
    ledger.follow(LOG, OTHER)
    return ledger


def accept(ledger: Ledger, values: list[bytes], note: str, log: str = LOG) -> None:
    with ledger.database.transaction() as conn:
        store.accept(conn, ALL, log, values, note)


def stored(ledger: Ledger, log: str = LOG) -> list[bytes]:
    with ledger.database.connection() as conn:
        return [entry.value for entry in read.entries(conn, log)]


def covered(ledger: Ledger) -> dict[str, int]:
    with ledger.database.connection() as conn:
        return read.covered(conn)


def test_a_run_that_its_note_proves_is_stored_byte_for_byte(reader: Ledger) -> None:
    values = values_of(LOG, 700)
    accept(reader, values[:300], note_over(LOG, values[:300]))
    accept(reader, values[300:], note_over(LOG, values))
    assert stored(reader) == values
    assert covered(reader) == {LOG: 700, OTHER: 0}
    with reader.database.connection() as conn:
        assert logs.state(conn, LOG) == (LOG, False, 700, "open")
        assert [entry.leaf for entry in read.entries(conn, LOG, 699)] == [merkle.leaf_hash(values[-1])]
        assert tree.restore(conn, LOG, 700).root() == merkle.root(map(merkle.leaf_hash, values))


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 700)), max_size=6))
def test_repeats_in_any_order_and_overlap_change_nothing(
    new_ledger: Callable[..., Ledger], deliveries: list[tuple[int, int]]
) -> None:
    # given a log and, before anything else, its first ten records
    ledger, values = _fresh(new_ledger), values_of(LOG, 700)
    accept(ledger, values[:10], note_over(LOG, values[:10]))
    # when runs come again, overlapping, and some too early
    head = 10
    for start, end in ((min(d), max(d)) for d in deliveries):
        if start <= head:
            accept(ledger, values[start:end], note_over(LOG, values[:end]))
            head = max(head, end)
        else:
            with pytest.raises(errors.Damage):
                accept(ledger, values[start:end], note_over(LOG, values[:end]))
    # then there is one copy of each, as far as there was no gap
    assert stored(ledger) == values[:head]
    assert covered(ledger)[LOG] == head


_NUMBER = iter(range(10_000))


def _fresh(new_ledger: Callable[..., Ledger]) -> Ledger:
    ledger = new_ledger(f"fresh{next(_NUMBER)}")
    ledger.follow(LOG, OTHER)
    return ledger


@pytest.mark.parametrize("harm", ["changed", "swapped", "missing", "short", "long", "junk"])
def test_bytes_that_do_not_lead_to_the_root_are_damage_and_leave_nothing(reader: Ledger, harm: str) -> None:
    values = values_of(LOG, 1200)
    note = note_over(LOG, values)
    bad = {
        "changed": [*values[:5], values[5].replace(b"FIELD", b"field")[:-2] + b" }", *values[6:]],
        "swapped": [*values[:5], values[6], values[5], *values[7:]],
        "missing": [*values[:5], *values[6:]],
        "short": values[:-1],
        "long": [*values, values[-1]],
        "junk": [*values[:5], b"\xff\x00", *values[6:]],
    }[harm]
    with pytest.raises(errors.Damage):
        accept(reader, bad, note)
    assert stored(reader) == []
    accept(reader, values, note)
    assert stored(reader) == values


def test_damage_in_one_log_leaves_the_callers_transaction_usable(reader: Ledger) -> None:
    mine, others = values_of(LOG, 1500), values_of(OTHER, 5)
    with reader.database.transaction() as conn:
        with pytest.raises(errors.Damage):
            store.accept(conn, ALL, LOG, [*mine[:-1], b"junk"], note_over(LOG, mine))
        store.accept(conn, ALL, OTHER, others, note_over(OTHER, others))
    assert (stored(reader), stored(reader, OTHER)) == ([], others)


def test_a_note_of_another_key_log_or_alliance_is_damage(reader: Ledger) -> None:
    values = values_of(LOG, 3)
    root = merkle.root(map(merkle.leaf_hash, values))
    stranger = signer("510104")
    forged = checkpoints.sign_checkpoint(checkpoints.Checkpoint(stranger.name, 3, root), stranger)
    for note in (forged, note_over(LOG, values, by=OTHER), note_over(LOG, values).replace("\n3\n", "\n4\n")):
        with pytest.raises(errors.Damage):
            accept(reader, values, note)
    assert stored(reader) == []


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (lambda v: b"\xff no envelope", errors.WrongSource),
        (lambda v: v.replace(b"//chuanyu/500116", b"//chuanyu/510100"), errors.WrongSource),
        (lambda v: v.replace(b"//chuanyu/", b"//another/"), errors.WrongSource),
        (lambda v: v.replace(b"0000000000006", b"0000000000007"), errors.WrongPosition),
        (lambda v: v.replace(b'"time":"2025', b'"time":"2024'), errors.WrongPosition),
    ],
)
def test_a_covered_value_that_does_not_belong_there_is_a_breach_with_evidence(
    reader: Ledger, bad: Callable[[bytes], bytes], kind: type[errors.Breach]
) -> None:
    # given a log whose own key covers a value that is not its record number 6
    values = values_of(LOG, 2100)
    values[5] = bad(values[5])
    note = note_over(LOG, values)
    # when it is received
    with pytest.raises(kind) as found:
        accept(reader, values, note)
    # then nothing is stored, and the evidence is at hand
    assert found.value.position == 6
    assert found.value.evidence == (values[5], note.encode())
    assert stored(reader) == []


def test_junk_that_the_root_does_not_cover_is_damage_and_no_breach(reader: Ledger) -> None:
    values = values_of(LOG, 2100)
    with pytest.raises(errors.Damage):
        accept(reader, [*values[:5], b"junk", *values[6:]], note_over(LOG, values))


def test_two_histories_under_one_key_are_a_fork_with_both_notes(reader: Ledger) -> None:
    # given ten stored records, and another history of the first six signed by the same key
    mine, others = values_of(LOG, 10), values_of(LOG, 6)
    note, rival = note_over(LOG, mine), note_over(LOG, others)
    accept(reader, mine, note)
    # when the other history comes
    with pytest.raises(errors.Fork) as found:
        accept(reader, others, rival)
    # then both notes are evidence, and stopping the log keeps them
    assert found.value.evidence == (note.encode(), rival.encode())
    logs.stop(reader.database, LOG, found.value)
    logs.stop(reader.database, LOG, found.value)
    with reader.database.connection() as conn:
        kept = conn.execute("SELECT log, position, kind, evidence FROM ledger.breach").fetchall()
    assert kept == [(LOG, 6, "fork", [note.encode(), rival.encode()])]
    # and the stopped log takes nothing more, while others go on
    more = [*mine, *values_of(LOG, 2, after=10)]
    with pytest.raises(errors.Conflict):
        accept(reader, more[10:], note_over(LOG, more))
    theirs = values_of(OTHER, 1)
    accept(reader, theirs, note_over(OTHER, theirs), OTHER)


def test_another_past_that_goes_on_longer_is_damage_until_tiles_tell(reader: Ledger) -> None:
    mine, others = values_of(LOG, 6), values_of(LOG, 9)
    accept(reader, mine, note_over(LOG, mine))
    with pytest.raises(errors.Damage):
        accept(reader, others[6:], note_over(LOG, others))


def test_more_than_memory_should_hold_comes_one_by_one(reader: Ledger) -> None:
    values = values_of(LOG, 3500)
    with reader.database.transaction() as conn:
        store.accept_run(conn, ALL, LOG, Run(0, iter(values), note_over(LOG, values)))
    assert stored(reader) == values


def test_an_own_log_is_not_received_and_an_unknown_one_not_known(ledger: Ledger) -> None:
    values = values_of(LOG, 1)
    with pytest.raises(errors.Invalid):
        accept(ledger, values, note_over(LOG, values))
    theirs = values_of(OTHER, 1)
    with pytest.raises(errors.NotFound):
        accept(ledger, theirs, note_over(OTHER, theirs), OTHER)


def test_unknown_types_are_stored_like_any_other(reader: Ledger) -> None:
    values = [v.replace(b".activity-planned.v2", b".activity-dreamt.v9") for v in values_of(LOG, 4)]
    assert envelope.read(values[0]).type == "yinqiao.activity.activity-dreamt.v9"
    assert f"//{ALLIANCE}/{LOG}".encode() in values[0]
    accept(reader, values, note_over(LOG, values))
    assert stored(reader) == values
