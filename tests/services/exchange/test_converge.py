"""Two nodes come to the same bytes, over either channel, whatever the channel loses or repeats."""

from collections.abc import Callable

import pytest

from services.transport.base import Exchange
from services.transport.inprocess import InProcessExchange
from tests.services.exchange.world import Follower, Writer, again, agree, publish, topic, values
from tests.services.ledger.nodes import LOG, OTHER

NewWriter = Callable[..., Writer]
NewFollower = Callable[..., Follower]


def test_what_one_node_records_the_other_holds_byte_for_byte(
    exchange: Exchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    writer, follower = new_writer(exchange), new_follower(exchange)
    # when two logs grow, in small and in large steps
    for count in (1, 2, 1500, 3):
        writer.ship(count)
        writer.ship(count, OTHER)
        follower.reach(len(values(writer.ledger)))
    follower.reach(1506, OTHER)
    # then both nodes hold the same, and nothing was dropped on the way
    assert agree(writer.ledger, follower.ledger)
    assert agree(writer.ledger, follower.ledger, log=OTHER)
    assert follower.damage() == {}


def test_a_node_that_joins_late_catches_up(
    exchange: Exchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    writer = new_writer(exchange)
    writer.ship(2500)
    late = new_follower(exchange)
    late.reach(2500)
    assert agree(writer.ledger, late.ledger)


def test_nothing_leaves_before_it_is_signed_and_guarded(
    inprocess: InProcessExchange, new_writer: NewWriter
) -> None:
    # given records that are stored, and others that are signed but not in the guard file
    writer = new_writer(inprocess)
    writer.ship(2)
    guarded = writer.ledger.guard.read()
    writer.record(3)
    assert guarded is not None
    writer.ledger.guard.replace(guarded)
    writer.ledger.append(1)
    # then only what was signed and guarded is on the topic
    assert writer.ship(0) == 4
    writer.ledger.append(1)
    assert writer.shipper.step() == 0
    assert len(topic(inprocess)) == 6


def test_only_the_last_record_of_a_batch_carries_the_note_and_each_its_subject_and_place(
    exchange: Exchange, new_writer: NewWriter
) -> None:
    writer = new_writer(exchange)
    for count in (1, 2, 1):
        writer.record(count)
    writer.ship()
    found = topic(exchange)
    assert ["checkpoint" in dict(m.headers) for m in found] == [False, False, False, True]
    assert [dict(m.headers)["sequence"] for m in found] == [b"%020d" % n for n in range(1, 5)]
    assert {dict(m.headers)["content-type"] for m in found} == {
        b"application/cloudevents+json; charset=utf-8"
    }
    for message in found:
        assert message.key is not None
        assert b'"subject":"' + message.key + b'"' in (message.value or b"")


def test_a_lost_topic_is_made_again_and_filled_and_receivers_see_repeats_only(
    exchange: Exchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    # given two nodes that agree
    writer, follower = new_writer(exchange), new_follower(exchange)
    writer.ship(30)
    follower.reach(30)
    # when the topic is deleted, and more is recorded
    exchange.drop(LOG)
    writer.ship(5)
    # then the topic holds everything again, and the follower goes on
    assert len(topic(exchange)) == 35
    follower.reach(35)
    assert agree(writer.ledger, follower.ledger)


def test_a_lost_tail_is_shipped_again(
    inprocess: InProcessExchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    # given a topic that lost its tail, some of which a follower had read
    writer, follower = new_writer(inprocess), new_follower(inprocess)
    writer.ship(10)
    follower.reach(10)
    writer.ship(10)
    inprocess.truncate(LOG, 7)
    # when the node ships on
    writer.ship(1)
    # then the topic holds it all, in order, and everybody agrees
    assert [int(dict(m.headers)["sequence"] or 0) for m in topic(inprocess)][-21:] == list(range(1, 22))
    follower.reach(21)
    assert agree(writer.ledger, follower.ledger)


def test_a_tail_lost_while_the_node_was_down_is_shipped_again(
    inprocess: InProcessExchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    writer = new_writer(inprocess)
    writer.ship(10)
    inprocess.truncate(LOG, 4)
    writer.restart()
    writer.ship()
    late = new_follower(inprocess)
    late.reach(10)
    assert agree(writer.ledger, late.ledger)


@pytest.mark.parametrize("hints", ["kept", "forgotten"])
def test_a_restarted_node_ships_nothing_that_the_topic_holds(
    exchange: Exchange, new_writer: NewWriter, hints: str
) -> None:
    # given a topic that holds all
    writer = new_writer(exchange)
    writer.ship(40)
    # when the node starts anew, with its hints or without
    if hints == "forgotten":
        with writer.ledger.database.connection() as conn:
            conn.execute("TRUNCATE exchange.hint")
    writer.restart()
    # then it ships what is new only
    assert writer.ship(2) == 2
    assert len(topic(exchange)) == 42


def test_a_run_that_was_cut_off_is_shipped_whole(
    inprocess: InProcessExchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    # given a topic that ends in the middle of a batch: its checkpoint never came
    writer, follower = new_writer(inprocess), new_follower(inprocess)
    writer.ship(5)
    writer.ship(5)
    inprocess.truncate(LOG, 8)
    writer.restart()
    follower.reach(5)
    # when the node reads its own topic and ships
    assert writer.ship() == 5
    # then the follower has it: first repeats, then the rest
    follower.reach(10)
    assert agree(writer.ledger, follower.ledger)


def test_a_whole_topic_delivered_twice_changes_nothing(
    exchange: Exchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    writer, follower = new_writer(exchange), new_follower(exchange)
    for count in (1, 3, 20):
        writer.ship(count)
    follower.reach(24)
    publish(exchange, *map(again, topic(exchange)))
    writer.ship(1)
    follower.reach(25)
    assert agree(writer.ledger, follower.ledger)
    assert follower.damage() == {}


def test_a_restarted_follower_reads_on_from_its_hint(
    inprocess: InProcessExchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    writer, follower = new_writer(inprocess), new_follower(inprocess)
    writer.ship(10)
    follower.reach(10)
    follower.restart()
    follower.receiver._open()
    follower.receiver._assignment.refresh(follower.receiver._logs.values(), 1e9)
    assert follower.receiver._assignment._reader.positions()[LOG] == 10
    writer.ship(1)
    follower.reach(11)
    assert agree(writer.ledger, follower.ledger)


def test_a_hint_of_another_topic_of_that_name_means_nothing(
    inprocess: InProcessExchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    # given a follower that is down, and far on a topic that holds everything twice
    writer, follower = new_writer(inprocess), new_follower(inprocess)
    writer.ship(20)
    publish(inprocess, *map(again, topic(inprocess)))
    follower.reach(20)
    writer.ship(1)
    follower.reach(21)
    # when the topic is made anew, and grows past that place
    inprocess.drop(LOG)
    writer.ship(40)
    follower.restart()
    # then it reads the new one from its beginning, and misses nothing
    follower.reach(61)
    assert agree(writer.ledger, follower.ledger)
    assert follower.damage() == {}


def test_a_topic_that_is_not_there_yet_is_found_later_and_others_do_not_wait(
    exchange: Exchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    # given a follower of two logs, one of which has no topic yet
    follower = new_follower(exchange)
    one = new_writer(exchange, names=(LOG,))
    one.ship(3)
    follower.reach(3)
    # when the other node starts at last
    two = new_writer(exchange, names=(OTHER,))
    two.ship(4, OTHER)
    follower.reach(4, OTHER)
    assert agree(two.ledger, follower.ledger, log=OTHER)
