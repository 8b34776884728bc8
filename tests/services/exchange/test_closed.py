"""A log that was closed: everybody has its last record, and nothing after it."""

from uuid import uuid4

import pytest

from events import envelope, errors
from events.membership import Closure, LogClosed, Succession
from events.values import Code
from services.ledger import append, closing, logs
from services.transport.inprocess import InProcessExchange
from tests.services.exchange.test_bad_records import NewFollower, NewWriter, signed
from tests.services.exchange.world import Writer, publish, values
from tests.services.ledger import nodes
from tests.services.ledger.nodes import ALLIANCE, LOG, TIME

NEXT: Code = "500157"


def closed(size: int) -> LogClosed:
    succession = Succession(successor=NEXT)
    return LogClosed(reason=Closure.MERGER, last_size=size, last_root="A" * 43 + "=", succession=succession)


def entry_of(event: LogClosed) -> append.Entry:
    stream = str(uuid4())
    value = envelope.prepare(
        alliance=ALLIANCE, log=LOG, id=str(uuid4()), aggregate="log", stream=stream, version=1,
        actor="system", data=event,
    )  # fmt: skip
    return append.Entry(value, TIME, stream, 1)


def close(writer: Writer, size: int) -> None:
    batch = append.Batch(
        LOG, [entry_of(closed(size))], [append.Command(str(uuid4()), bytes(32), 1)], closes=size
    )
    with writer.ledger.database.transaction() as conn:
        append.append(conn, batch)


def beyond(values_: list[bytes]) -> list[bytes]:
    """A log of one record, its closing, and one more that its key signed all the same."""
    last = envelope.stamp(entry_of(closed(1)).value, 2, TIME)
    return [values_[0], last, nodes.values_of(LOG, 1, 2)[0]]


def test_the_closing_record_is_the_last_and_is_shipped_and_signed(
    inprocess: InProcessExchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    # given
    writer, follower = new_writer(inprocess), new_follower(inprocess)
    writer.ship(5)
    # when
    close(writer, 5)
    with pytest.raises(errors.NotAllowed):
        writer.ledger.append(1)
    writer.ship()
    follower.reach(6)
    # then
    assert follower.state() == "closed"
    assert follower.breaches() == []
    with follower.ledger.database.connection() as conn:
        found = closing.of(conn, LOG)
    assert found is not None
    assert (found.size, found.succession.successor) == (6, NEXT)
    # delivered twice, after a restart
    follower.restart()
    publish(inprocess, *signed(values(writer.ledger)))
    follower.receive()
    assert (follower.state(), follower.sizes()[LOG], follower.breaches()) == ("closed", 6, [])


def test_a_log_that_moved_meanwhile_is_not_closed(
    inprocess: InProcessExchange, new_writer: NewWriter
) -> None:
    writer = new_writer(inprocess)
    writer.record(5)
    with pytest.raises(errors.Stale):
        close(writer, 4)
    with writer.ledger.database.connection() as conn:
        assert logs.state(conn, LOG).state == "open"


@pytest.mark.parametrize("pieces", [[3], [2, 3]], ids=["in one run", "one after the other"])
def test_what_a_key_signs_after_the_closing_is_a_breach(
    inprocess: InProcessExchange, new_follower: NewFollower, pieces: list[int]
) -> None:
    # given a bureau that goes on signing
    run = beyond(nodes.values_of(LOG, 1))
    inprocess.create(LOG)
    follower = new_follower(inprocess)
    # when
    for end in pieces:
        publish(inprocess, *signed(run[:end]))
        follower.receive()
    # then it is kept as evidence, and nothing of it is stored
    assert follower.breaches() == [(3, "reopened")]
    assert follower.sizes()[LOG] <= 2


def test_a_redacted_record_holds_up_neither_shipping_nor_those_who_have_it(
    inprocess: InProcessExchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    # given a record that was redacted after everybody had it
    writer, follower = new_writer(inprocess), new_follower(inprocess)
    writer.ship(5)
    follower.reach(5)
    with writer.ledger.database.connection() as conn:
        conn.execute("UPDATE ledger.entry SET value = '' WHERE position = 2")
    # when the topic is lost and shipped again
    inprocess.drop(LOG)
    writer.restart()
    writer.ship(3)
    # then what is new arrives, and nothing is stopped
    follower.reach(8)
    assert (follower.state(), follower.breaches()) == ("open", [])
