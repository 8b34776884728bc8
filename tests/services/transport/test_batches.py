"""Our decoder of record batches: equal to the library's on good ones, and never fooled by bad ones."""

from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatchBuilder

from services.transport.base import Message
from services.transport.kafka import batches

texts = st.binary(max_size=300)
rows = st.lists(
    st.tuples(
        st.one_of(st.none(), texts),
        st.one_of(st.none(), texts),
        st.lists(st.tuples(st.text(max_size=80), st.one_of(st.none(), texts)), max_size=70),
        st.integers(0, 2**40),
    ),
    min_size=1,
    max_size=6,
)
Row = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]], int]


def encoded(what: list[Row]) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, 0, 1, 0, 0, 1 << 24)
    for offset, (key, value, headers, time) in enumerate(what):
        builder.append(offset, time, key, value, headers)
    return bytes(builder.build())


@given(rows)
def test_what_the_library_wrote_is_read(what: list[Row]) -> None:
    (batch,) = batches.batches("x", encoded(what))
    assert (batch.first, batch.next, batch.why) == (0, len(what), "")
    assert batch.messages == [Message("x", n, row[0], row[1], tuple(row[2])) for n, row in enumerate(what)]


@given(rows, st.data())
@settings(max_examples=300)
def test_a_changed_byte_is_damage_and_never_another_message(what: list[Row], data: st.DataObject) -> None:
    raw = bytearray(encoded(what))
    good = encoded([(b"k", b"v", [], 0)])
    raw[data.draw(st.integers(16, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    bad, after = batches.batches("x", bytes(raw) + good)
    assert (bad.messages, bad.next, bad.sure) == ([], 0, True)
    assert bad.why
    assert [m.value for m in after.messages] == [b"v"]


def test_a_batch_that_is_not_whole_is_left_to_the_next_fetch() -> None:
    raw = encoded([(b"k", b"v", [], 0)])
    for end, whole in ((0, 0), (8, 0), (40, 0), (len(raw), 1), (2 * len(raw) - 1, 1), (2 * len(raw), 2)):
        assert len(list(batches.batches("x", (raw * 2)[:end]))) == whole
