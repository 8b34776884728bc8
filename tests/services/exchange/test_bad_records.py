"""What stands on a topic and should not: dropped, counted and healed, or a breach; other logs go on."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait

import pytest

from events import checkpoints, errors, keys
from services.exchange import receive
from services.exchange.buffer import OVERHEAD
from services.exchange.followed import PATIENCE
from services.exchange.receive import Receiver
from services.ledger import logs
from services.transport.base import Exchange, Record
from services.transport.inprocess import InProcessExchange
from tests.services.exchange.world import Follower, Writer, again, agree, full_disk, publish, topic, values
from tests.services.ledger import nodes
from tests.services.ledger.nodes import LOG, OTHER, Ledger

NewWriter = Callable[..., Writer]
NewFollower = Callable[..., Follower]
Topic = list[Record]


def but(record: Record, *, value: bytes | None, **headers: bytes | None) -> Record:
    """The record with another value; a header of None is left out."""
    kept = [(name, text) for name, text in record[2] if name not in headers]
    return record[0], value, kept + [(name, text) for name, text in headers.items() if text is not None]


def unreadable(good: Topic) -> Topic:
    return [good[0], but(good[1], value=b"\xff\x00{"), *good[2:]]


def changed_byte(good: Topic) -> Topic:
    value = good[1][1] or b""
    return [good[0], but(good[1], value=value[:-3] + b"!" + value[-2:]), *good[2:]]


def missing(good: Topic) -> Topic:
    return [*good[:2], *good[3:]]


def swapped(good: Topic) -> Topic:
    return [good[0], good[2], good[1], *good[3:]]


def giant(good: Topic) -> Topic:
    return [good[0], but(good[1], value=b"x" * 200_000), *good[2:]]


def tombstone(good: Topic) -> Topic:
    return [good[0], but(good[1], value=None), *good[2:]]


def without_place(good: Topic) -> Topic:
    return [good[0], but(good[1], value=good[1][1], sequence=None), *good[2:]]


def impossible_place(good: Topic) -> Topic:
    return [good[0], but(good[1], value=good[1][1], sequence=b"-2"), *good[2:]]


def other_bureau(good: Topic) -> Topic:
    """Another bureau's records and note, good ones, on this topic."""
    strange = nodes.values_of(OTHER, 4)
    note = nodes.note_over(OTHER, strange).encode()
    return [*(but(g, value=v, checkpoint=None) for g, v in zip(good[:3], strange, strict=False)),
            but(good[3], value=strange[3], checkpoint=note), *good[4:]]  # fmt: skip


@pytest.fixture
def good(new_writer: NewWriter) -> Iterator[tuple[Ledger, Topic]]:
    """A ledger, and its topic as it should be: two batches of four."""
    with InProcessExchange() as elsewhere:
        writer = new_writer(elsewhere)
        writer.ship(4)
        writer.ship(4)
        yield writer.ledger, [again(message) for message in topic(elsewhere)]


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (unreadable, "mismatch"),
        (changed_byte, "mismatch"),
        (missing, "ahead"),
        (swapped, "ahead"),
        (giant, "giant"),
        (tombstone, "tombstone"),
        (without_place, "unreadable"),
        (impossible_place, "unreadable"),
        (other_bureau, "mismatch"),
    ],
)
def test_damage_is_dropped_and_counted_other_logs_go_on_and_the_good_bytes_heal(
    exchange: Exchange,
    good: tuple[Ledger, Topic],
    new_writer: NewWriter,
    new_follower: NewFollower,
    spoil: Callable[[Topic], Topic],
    kind: str,
) -> None:
    # given a topic with damage in its first batch
    ledger, records = good
    exchange.create(LOG)
    publish(exchange, *spoil(records))
    follower, other = new_follower(exchange), new_writer(exchange, names=(OTHER,))
    # when another log grows
    other.ship(7, OTHER)
    follower.reach(7, OTHER)
    follower.receive(lambda: kind in follower.damage())
    # then nothing of the damaged one was stored, not even its good second batch
    assert follower.sizes() == {LOG: 0, OTHER: 7}
    # when the good bytes come
    publish(exchange, *records)
    follower.reach(8)
    # then all is well, and nothing twice
    assert agree(ledger, follower.ledger)
    assert follower.state() == "open"


def junk_between(good: Topic) -> Topic:
    junk: Topic = [
        (b"k", b"junk", []),
        (None, b"{}", [("sequence", b"99999999999999999999")]),
        (b"k", None, []),
    ]
    return [*good[:1], *junk, *good[1:5], *junk, *good[5:]]


def junk_in_its_place(good: Topic) -> Topic:
    return [good[0], but(good[1], value=b"junk"), *good[1:5], but(good[4], value=b"late"), *good[5:]]


def junk_in_many_places(good: Topic) -> Topic:
    return [*(but(g, value=b"junk") for g in good), *good]


def forged_note(good: Topic) -> Topic:
    text = checkpoints.Checkpoint(nodes.signer(LOG).name, 2, bytes(32)).text
    line = "\u2014 " + nodes.signer(LOG).name + " " + keys.encode(nodes.signer(LOG).verifier.id + bytes(64))
    return [good[0], but(good[1], value=good[1][1], checkpoint=f"{text}\n{line}\n".encode()), *good[2:]]


def foreign_note(good: Topic) -> Topic:
    note = nodes.note_over(LOG, [good[0][1] or b"", b"x"], by=OTHER)
    return [good[0], but(good[1], value=good[1][1], checkpoint=note.encode()), *good[2:]]


def old_note_again(good: Topic) -> Topic:
    note = dict(good[3][2])["checkpoint"]
    return [*good[:5], but(good[5], value=good[5][1], checkpoint=note), *good[6:]]


def giant_note(good: Topic) -> Topic:
    return [good[0], but(good[1], value=good[1][1], checkpoint=b"n" * 100_000), *good[2:]]


def broken_note(good: Topic) -> Topic:
    return [good[0], but(good[1], value=good[1][1], checkpoint=b"\xff\xfe"), *good[2:]]


def note_lost(good: Topic) -> Topic:
    return [*good[:3], but(good[3], value=good[3][1], checkpoint=None), *good[4:]]


HARMLESS = [
    junk_between, junk_in_its_place, junk_in_many_places, forged_note, foreign_note, old_note_again,
    giant_note, broken_note, note_lost,
]  # fmt: skip


@pytest.mark.parametrize("spoil", HARMLESS)
def test_where_the_good_records_stand_among_the_bad_ones_they_are_found(
    inprocess: InProcessExchange,
    good: tuple[Ledger, Topic],
    new_follower: NewFollower,
    spoil: Callable[[Topic], Topic],
) -> None:
    ledger, records = good
    inprocess.create(LOG)
    publish(inprocess, *spoil(records))
    follower = new_follower(inprocess)
    follower.reach(8)
    assert agree(ledger, follower.ledger)
    assert follower.state() == "open"


SPOILERS = [unreadable, changed_byte, missing, swapped, giant, tombstone, without_place, other_bureau]


@pytest.mark.parametrize("spoil", SPOILERS)
def test_a_damaged_stretch_is_fetched_as_tiles_and_the_topic_read_on(
    inprocess: InProcessExchange,
    good: tuple[Ledger, Topic],
    new_follower: NewFollower,
    spoil: Callable[[Topic], Topic],
) -> None:
    # given a damaged topic, a holder of the first batch only, one that is away, and one that lies
    ledger, records = good
    holder = new_follower(inprocess)
    inprocess.create(LOG)
    publish(inprocess, *records[:4])
    holder.reach(4)
    inprocess.drop(LOG)
    inprocess.create(LOG)
    publish(inprocess, *spoil(records))
    follower = new_follower(inprocess, away, liar, holder.hold)
    # then it all comes together: the first batch from tiles, the second from the topic
    follower.reach(8)
    assert agree(ledger, follower.ledger)


def away(log: str, path: str) -> bytes:
    raise errors.Unavailable("away")


def liar(log: str, path: str) -> bytes:
    return b"nothing true"


@pytest.mark.parametrize("spoil", SPOILERS)
def test_a_node_finds_damage_on_its_own_topic_and_ships_again(
    inprocess: InProcessExchange,
    new_writer: NewWriter,
    new_follower: NewFollower,
    spoil: Callable[[Topic], Topic],
) -> None:
    # given a node whose topic was damaged while it was down
    writer = new_writer(inprocess)
    writer.ship(4)
    writer.ship(4)
    records = [again(message) for message in topic(inprocess)]
    inprocess.drop(LOG)
    inprocess.create(LOG)
    publish(inprocess, *spoil(records))
    follower = new_follower(inprocess)
    follower.receive()
    # when it comes back, without holders of tiles anywhere
    writer.restart()
    writer.ship()
    # then everybody has it all
    follower.reach(8)
    assert agree(writer.ledger, follower.ledger)
    # and the topic is shipped no further
    assert writer.ship() == 0


def signed(values: Sequence[bytes], by: str = LOG) -> Topic:
    """A topic of these values with a valid note of the log over exactly them."""
    note = nodes.note_over(LOG, list(values), by=by).encode()
    records: Topic = [(b"k", v, [("sequence", b"%020d" % n)]) for n, v in enumerate(values, 1)]
    return [*records[:-1], but(records[-1], value=records[-1][1], checkpoint=note)]


@pytest.mark.parametrize(
    ("spoil", "breach"),
    [
        (lambda v: [*v[:2], nodes.values_of(OTHER, 3)[2]], (3, "wrong-source")),
        (lambda v: [*v[:2], b"\xff no envelope"], (3, "wrong-source")),
        (lambda v: [*v[:2], nodes.values_of(LOG, 1, 8)[0]], (3, "wrong-position")),
    ],
)
def test_a_covered_record_that_does_not_belong_there_stops_that_log_with_evidence_and_no_other(
    exchange: Exchange,
    new_writer: NewWriter,
    new_follower: NewFollower,
    spoil: Callable[[list[bytes]], list[bytes]],
    breach: tuple[int, str],
) -> None:
    # given a bureau that signed with its own key what does not belong in its log
    exchange.create(LOG)
    publish(exchange, *signed(spoil(nodes.values_of(LOG, 2))))
    follower, other = new_follower(exchange), new_writer(exchange, names=(OTHER,))
    follower.receive(lambda: follower.state() == "stopped")
    # then the evidence is kept, nothing is stored, and the other log goes on, after a restart too
    assert follower.breaches() == [breach]
    assert follower.sizes()[LOG] == 0
    other.ship(3, OTHER)
    follower.reach(3, OTHER)
    follower.restart()
    other.ship(3, OTHER)
    follower.reach(6, OTHER)
    assert follower.breaches() == [breach]


def test_an_old_note_at_the_end_of_the_topic_covers_nothing_new(
    inprocess: InProcessExchange, good: tuple[Ledger, Topic], new_follower: NewFollower
) -> None:
    # given a valid old note under a record that it does not cover, and nothing after it yet
    ledger, records = good
    inprocess.create(LOG)
    publish(inprocess, *records[:4])
    follower = new_follower(inprocess)
    follower.reach(4)
    publish(inprocess, *old_note_again(records)[4:6])
    follower.receive(lambda: "forged-note" in follower.damage())
    assert follower.sizes()[LOG] == 4
    assert len(values(follower.ledger)) == 4
    # when the rest comes
    publish(inprocess, *records[6:])
    follower.reach(8)
    assert agree(ledger, follower.ledger)


def test_a_covered_record_of_a_type_that_is_not_known_yet_is_stored(
    inprocess: InProcessExchange, new_follower: NewFollower
) -> None:
    inprocess.create(LOG)
    strange = [v.replace(b"activity-planned.v2", b"activity-dreamt.v12") for v in nodes.values_of(LOG, 1)]
    publish(inprocess, *signed(strange))
    follower = new_follower(inprocess)
    follower.reach(1)
    assert values(follower.ledger) == strange
    assert follower.state() == "open"


def test_two_histories_under_one_key_on_the_topic_stop_the_log(
    inprocess: InProcessExchange, new_follower: NewFollower
) -> None:
    # given a log of which four records are held
    follower = new_follower(inprocess)
    inprocess.create(LOG)
    first = nodes.values_of(LOG, 4)
    publish(inprocess, *signed(first))
    follower.reach(4)
    # when its key signs another first half
    publish(inprocess, *signed(nodes.values_of(LOG, 3)))
    follower.receive(lambda: follower.state() == "stopped")
    # then both notes are the evidence
    assert follower.breaches() == [(3, "fork")]
    assert values(follower.ledger) == first


def test_a_log_that_somebody_else_stopped_is_left_and_the_others_go_on(
    exchange: Exchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    # given a follower of two logs
    writer, follower = new_writer(exchange), new_follower(exchange)
    for log in (LOG, OTHER):
        writer.ship(2, log)
    follower.reach(2)
    follower.reach(2, OTHER)
    # when a receipt shows, while it reads, that one of them has two histories
    logs.stop(follower.ledger.database, LOG, errors.Fork("two histories", position=2))
    for log in (LOG, OTHER):
        writer.record(100, log)
    writer.ship()
    # then the other one is received as before, together with it and after it
    follower.reach(102, OTHER)
    writer.ship(3, LOG)
    writer.ship(3, OTHER)
    follower.reach(105, OTHER)
    assert (follower.state(), follower.sizes()[LOG]) == ("stopped", 2)


def test_two_histories_stay_to_be_found_while_the_evidence_cannot_be_kept(
    inprocess: InProcessExchange, new_follower: NewFollower
) -> None:
    # given a log of which four records are held
    follower = new_follower(inprocess)
    inprocess.create(LOG)
    publish(inprocess, *signed(nodes.values_of(LOG, 4)))
    follower.reach(4)
    # when its key signs another first half, and the evidence cannot be stored
    publish(inprocess, *signed(nodes.values_of(LOG, 3)))
    with full_disk(follower.ledger, "ledger.breach"):
        for _ in range(3):
            with pytest.raises(errors.Unavailable):
                step_often(follower)
        assert follower.breaches() == []
    # then it is kept as soon as it can be
    follower.receive(lambda: follower.state() == "stopped", seconds=3)
    assert follower.breaches() == [(3, "fork")]


def test_two_histories_are_found_by_the_next_process_when_the_evidence_could_not_be_kept(
    inprocess: InProcessExchange, new_follower: NewFollower
) -> None:
    follower = new_follower(inprocess)
    inprocess.create(LOG)
    publish(inprocess, *signed(nodes.values_of(LOG, 4)))
    follower.reach(4)
    publish(inprocess, *signed(nodes.values_of(LOG, 3)))
    with full_disk(follower.ledger, "ledger.breach"), pytest.raises(errors.Unavailable):
        step_often(follower)
    follower.receiver.close()
    follower.restart()
    follower.receive(lambda: follower.state() == "stopped", seconds=3)
    assert follower.breaches() == [(3, "fork")]


def step_often(follower: Follower) -> None:
    for _ in range(20):
        follower.receiver.step(0.05)


def test_what_a_topic_lacks_at_its_end_is_fetched_from_a_holder(
    inprocess: InProcessExchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    # given a topic that ends early: its owner signed more, which another node holds, and went down
    writer = new_writer(inprocess)
    writer.ship(3)

    def liar(log: str, path: str) -> bytes:
        assert path == "checkpoint"
        return nodes.note_over(log, nodes.values_of(log, 9), by="500999").encode()

    # then nobody who only says so is believed, and reading is not disturbed
    follower = new_follower(inprocess, liar)
    follower.quiet = 0.1
    follower.restart()
    follower.reach(3)
    follower.receive()
    assert follower.receiver.step(0.05) == 0
    # when a holder shows a checkpoint of the log's own key
    writer.record(4)
    follower.holders = (liar, writer.hold)
    follower.receiver.close()
    follower.restart()
    # then what lies beyond comes from there, and the topic is read on when it grows again
    follower.reach(7)
    assert agree(writer.ledger, follower.ledger)
    writer.ship(2)
    follower.reach(9)
    assert agree(writer.ledger, follower.ledger)


def test_two_histories_are_told_from_damage_by_tiles(
    inprocess: InProcessExchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    # given a follower of one history, and a holder of another one, longer, under the same key
    inprocess.create(LOG)
    with InProcessExchange() as elsewhere:
        twin = new_writer(elsewhere, names=(LOG,))
        twin.ship(6)
        theirs = [again(message) for message in topic(elsewhere)]
    follower = new_follower(inprocess, twin.hold)
    publish(inprocess, *signed(nodes.values_of(LOG, 4)))
    follower.reach(4)
    # when the other history comes by the topic: it does not lead from what is held to its root
    publish(inprocess, *theirs)
    follower.receive(lambda: follower.state() == "stopped")
    assert follower.breaches() == [(4, "fork")]


def test_while_one_answers_evidence_cannot_be_kept_the_other_answers_are_taken_in(
    inprocess: InProcessExchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    # given one log with two histories, and another whose topic lacks a record that its owner has
    elsewhere = InProcessExchange()
    twin, good = new_writer(elsewhere, names=(LOG,)), new_writer(elsewhere, names=(OTHER,))
    twin.ship(6)
    good.ship(6, OTHER)
    theirs, rest = ([again(message) for message in topic(elsewhere, log)] for log in (LOG, OTHER))
    asked = threading.Event()

    def hold(log: str, path: str) -> bytes:
        asked.wait()
        return (twin if log == LOG else good).hold(log, path)

    follower = new_follower(inprocess, hold)
    inprocess.create(LOG)
    inprocess.create(OTHER)
    publish(inprocess, *signed(nodes.values_of(LOG, 4)))
    follower.reach(4)
    healer, received = follower.receiver._healer, follower.receiver._logs.values()
    # when the holder's answers on both come at once, while the evidence cannot be stored
    publish(inprocess, *theirs)
    publish(inprocess, *rest[:2], *rest[3:], log=OTHER)
    with full_disk(follower.ledger, "ledger.breach"):
        while any(followed.trouble is None for followed in received):
            follower.receiver.step(0.01)
        time.sleep(PATIENCE)
        follower.receiver.step(0.01)
        assert list(healer._asked) == [LOG, OTHER]
        asked.set()
        wait(healer._asked.values())
        with pytest.raises(errors.Unavailable):
            follower.receiver.step(0.01)
    # then both are taken in, and what follows on the topic is received
    good.ship(2, OTHER)
    publish(inprocess, *(again(message) for message in topic(elsewhere, OTHER)[6:]), log=OTHER)
    follower.receive(lambda: follower.sizes()[OTHER] == 8, seconds=5)
    assert agree(good.ledger, follower.ledger, log=OTHER)
    follower.receive(lambda: follower.state() == "stopped", seconds=3)
    assert follower.breaches() == [(4, "fork")]
    elsewhere.close()


def test_the_same_checkpoint_with_another_root_that_nobody_signed_is_damage(
    inprocess: InProcessExchange, good: tuple[Ledger, Topic], new_follower: NewFollower
) -> None:
    ledger, records = good
    inprocess.create(LOG)
    publish(inprocess, *records)
    follower = new_follower(inprocess)
    follower.reach(8)
    publish(inprocess, *forged_note(records))
    follower.receive(lambda: "forged-note" in follower.damage())
    assert follower.state() == "open"
    assert agree(ledger, follower.ledger)


def test_bytes_that_no_checkpoint_ever_covers_give_way(
    inprocess: InProcessExchange,
    new_writer: NewWriter,
    new_follower: NewFollower,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given room for 40 kB, and a flood of records without any note
    monkeypatch.setattr(receive, "cap", lambda _: 40_000)
    follower, other = new_follower(inprocess), new_writer(inprocess, names=(OTHER,))
    inprocess.create(LOG)
    flood: Topic = [(b"k", b"x" * 1000, [("sequence", b"%d" % n)]) for n in range(1, 200)]
    publish(inprocess, *flood)
    other.ship(5, OTHER)
    # then it is dropped, and others go on
    follower.reach(5, OTHER)
    follower.receive(lambda: "uncovered" in follower.damage())
    assert weight(follower.receiver) <= 40_000 + 1000 + OVERHEAD
    # and the log itself is healed by its own records
    late = new_writer(inprocess, names=(LOG,))
    late.ship(9)
    follower.reach(9)
    assert agree(late.ledger, follower.ledger)


def weight(receiver: Receiver) -> int:
    return sum(followed.buffer.bytes for followed in receiver._logs.values())
