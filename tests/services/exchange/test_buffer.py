"""A run of records before its checkpoint: one slot after the other, repeats and rivals told apart."""

from hypothesis import given
from hypothesis import strategies as st

from services.exchange.buffer import RIVALS, TRIES, Buffer, Fate

A, B, C, X, Y = b"a", b"b", b"c", b"x", b"y"


def filled(*values: bytes, stored: int = 0) -> Buffer:
    buffer = Buffer(stored)
    for n, value in enumerate(values, 1):
        buffer.take(stored + n, value, 10 + n)
    return buffer


def test_takes_only_the_next_expected_position() -> None:
    # given a log stored up to 7
    buffer = Buffer(7)
    # then a record after a gap is ahead, the next one is kept, what is stored is a repeat
    assert buffer.take(9, C, 1) is Fate.AHEAD
    assert buffer.take(8, B, 2) is Fate.KEPT
    assert buffer.take(7, A, 3) is Fate.REPEAT
    assert list(buffer.runs(8)) == [[B]]


def test_the_same_bytes_for_a_slot_are_a_repeat_and_other_bytes_a_rival() -> None:
    buffer = filled(A, B)
    assert buffer.take(2, B, 20) is Fate.REPEAT
    assert buffer.take(2, X, 21) is Fate.RIVAL
    assert buffer.take(2, X, 22) is Fate.REPEAT
    assert list(buffer.runs(2))[:2] == [[A, B], [A, X]]


def test_among_the_ways_to_fill_the_slots_is_every_mixture_of_two_rivals() -> None:
    buffer = filled(A, B, C)
    buffer.take(1, X, 20)
    buffer.take(3, Y, 21)
    assert {tuple(run) for run in buffer.runs(3)} == {(a, B, c) for a in (A, X) for c in (C, Y)}


def test_rivals_and_tries_have_a_limit() -> None:
    # given a flood of rivals for every one of many slots
    buffer = filled(*[A] * 50)
    for n in range(50):
        for i in range(20):
            buffer.take(1 + n, b"%d" % i, 100)
    # then memory and work stay small, and the newest rivals are the ones kept
    assert len(list(buffer.runs(50))) <= TRIES + 1
    assert sum(len(r) for r in buffer._rivals.values()) == 50 * RIVALS
    assert list(buffer.runs(50))[1] == [b"19"] * 50


def test_a_run_begins_where_its_first_record_was_read() -> None:
    buffer = filled(A, B, C)
    assert [buffer.offset(stored) for stored in (0, 2, 9)] == [11, 13, None]
    buffer.advance(2)
    assert buffer.offset(2) == 13
    buffer.advance(9)
    assert buffer.offset(9) is None
    assert buffer.take(10, X, 30) is Fate.KEPT


def test_a_note_is_tried_once_however_often_it_comes() -> None:
    buffer = filled(A)
    buffer.mark(1, "note")
    buffer.mark(1, "note")
    assert list(buffer.marks) == [(1, "note")]
    buffer.unmark(1, "note")
    assert not buffer.marks


@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from([A, B, X])), max_size=60), st.integers(0, 12))
def test_what_a_buffer_weighs_is_what_it_holds(records: list[tuple[int, bytes]], stored: int) -> None:
    # given any records in any order, some marked
    buffer = Buffer(0)
    for offset, (position, value) in enumerate(records):
        if buffer.take(position, value, offset) is Fate.KEPT:
            buffer.mark(position, "n" * position)
    # when the ledger moves on
    weighed = buffer.bytes
    buffer._weigh()
    assert weighed == buffer.bytes
    buffer.advance(stored)
    # then the weight is that of the rest, and the next slot follows the last one
    weighed = buffer.bytes
    buffer._weigh()
    assert weighed == buffer.bytes
    assert buffer.next == buffer.stored + len(buffer._values) + 1
