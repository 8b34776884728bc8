"""A redacted record leaves the topic, and nobody is held up: who lacks it gets the stretch with its hole."""

import signal
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from uuid import uuid4

import pytest

from events import errors
from services.exchange.tiles_client import TilesClient
from services.ledger import append, checkpoints, redaction, replay, store, verify
from services.ledger.confirm import confirm
from services.node import restoring
from services.transport.base import Exchange
from services.transport.inprocess import InProcessExchange
from tests.services.exchange.test_bad_records import NewFollower, NewWriter
from tests.services.exchange.test_kills import killed
from tests.services.exchange.test_tiles_client import Serve, send, serve
from tests.services.exchange.world import ALL, Writer, agree, topic, values
from tests.services.ledger import redacted
from tests.services.ledger.nodes import LOG, Ledger

NewLedger = Callable[[], Ledger]
__all__ = ["serve"]


def redact(writer: Writer, *positions: int) -> None:
    """Decide it, sign the decisions, and carry them out here."""
    held = values(writer.ledger)
    for position in positions:
        batch = append.Batch(
            LOG, [redacted.decision(held, position)], [append.Command(str(uuid4()), bytes(32), 1)]
        )
        with writer.ledger.database.transaction() as conn:
            append.append(conn, batch)
    writer.record(0)
    carry_out(writer.ledger)


def carry_out(ledger: Ledger) -> int:
    """As the projector does where it meets the decisions."""
    return redacted.redact(ledger, [value for value in values(ledger) if redaction.decides(value)])


def sequences(exchange: Exchange) -> list[int]:
    return [int(dict(m.headers)["sequence"] or 0) for m in topic(exchange)]


def sound(ledger: Ledger, redacted_: int) -> None:
    with ledger.database.connection() as conn:
        for report in (verify.verify(conn, ALL, LOG), replay.replay(conn, LOG)):
            assert (report.findings, report.redacted) == ([], redacted_)


def test_the_topic_is_made_anew_and_begins_behind_it(
    exchange: Exchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    # given a log on its topic, somebody who has it, and somebody who has a part
    writer = new_writer(exchange)
    there, behind, late = (new_follower(exchange, writer.hold) for _ in range(3))
    writer.ship(9)
    there.reach(9)
    behind.reach(9)
    secret = values(writer.ledger)[4]
    # when a record is redacted
    identity = exchange.identity(LOG)
    redact(writer, 2, 5)
    writer.ship(3)
    # then its bytes stand there no more, nor does what comes before
    assert exchange.identity(LOG) != identity
    assert secret not in {message.value for message in topic(exchange)}
    assert sequences(exchange) == [*range(6, 15)]
    # and who has it reads on, while who comes late gets the rest from a holder
    for follower in (there, late):
        follower.reach(14)
        assert (follower.state(), follower.breaches()) == ("open", [])
        carry_out(follower.ledger)
    assert agree(writer.ledger, there.ledger, late.ledger)
    assert secret not in values(late.ledger)
    for follower in (there, late):
        sound(follower.ledger, 2)


def test_once_is_enough_whatever_the_shipper_forgets(
    inprocess: InProcessExchange, new_writer: NewWriter
) -> None:
    # given a topic that was made anew
    writer = new_writer(inprocess)
    writer.ship(9)
    redact(writer, 5)
    writer.ship()
    identity = inprocess.identity(LOG)
    assert sequences(inprocess) == [6, 7, 8, 9, 10]
    # when the process begins again, the topic is cut, or lost
    writer.restart()
    assert writer.ship() == 0
    inprocess.truncate(LOG, 2)
    writer.ship()
    assert sequences(inprocess) == [6, 7, *range(6, 11)]  # no checkpoint closed what was left
    assert inprocess.identity(LOG) == identity
    inprocess.drop(LOG)
    writer.ship()
    assert sequences(inprocess) == [6, 7, 8, 9, 10]
    # and when it was killed between the two topics, or its memory is gone, it comes to the same
    with writer.ledger.database.connection() as conn:
        conn.execute("TRUNCATE exchange.hint")
    writer.restart()
    writer.ship(1)
    assert sequences(inprocess) == [6, 7, 8, 9, 10, 11]
    redact(writer, 8)
    inprocess.drop(LOG)
    writer.restart()
    writer.ship()
    assert sequences(inprocess) == [9, 10, 11, 12]


@pytest.mark.faults
def test_killed_between_the_two_topics_the_next_process_makes_the_second(
    new_ledger: NewLedger, tmp_path: Path
) -> None:
    source, target, folder = new_ledger(), new_ledger(), tmp_path / "exchange"
    with InProcessExchange(folder) as exchange:
        writer = Writer(source, exchange, names=(LOG,))
        writer.ship(9)
        redact(writer, 5)
    assert killed("ship.dropped", source, target, folder) == -signal.SIGKILL
    with InProcessExchange(folder) as exchange:
        assert exchange.identity(LOG) is None
        Writer(source, exchange, names=(LOG,)).ship()
        assert sequences(exchange) == [*range(6, 11)]


def test_the_topic_is_kept_while_the_database_lacks_what_stands_there(
    inprocess: InProcessExchange,
    new_writer: NewWriter,
    new_ledger: NewLedger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given a topic that goes further than an old backup, in which a record was redacted already
    writer = new_writer(inprocess)
    writer.ship(9)
    held = values(writer.ledger)
    monkeypatch.setattr(inprocess, "drop", refuse)
    redact(writer, 5)
    backup = backup_of([*held, *values(writer.ledger)[9:]], writer.ledger, new_ledger())
    writer.ship(3)
    monkeypatch.undo()
    identity = inprocess.identity(LOG)
    # when it would ship
    old = Writer(backup, inprocess, names=(LOG,))
    old.shipper.step()
    # then what it lacks is still there, to be restored
    assert inprocess.identity(LOG) == identity
    assert sequences(inprocess)[-1] == 13
    sources = [restoring.from_topic(inprocess)]
    assert confirm(backup.database, ALL, backup.guard, [LOG], sources) == {LOG: 3}
    # and after that it goes
    old.ship()
    assert sequences(inprocess) == [*range(6, 14)]


def backup_of(held: Sequence[bytes], of: Ledger, into: Ledger) -> Ledger:
    """The first records of an own log, with what was redacted there."""
    into.open(LOG)
    with of.database.connection() as conn:
        found = checkpoints.published(conn, LOG, len(held))
    assert found is not None
    with into.database.transaction() as conn:
        run = store.Run(0, held, found[1])
        store.extend(conn, ALL, store.locked(conn, LOG), run, ALL.checkpoint(LOG, found[1]))
    carry_out(into)
    return into


def refuse(_: str) -> None:
    raise errors.Unavailable("this node's account may not use it")


def test_a_topic_that_may_not_be_deleted_is_told_and_shipped_to(
    inprocess: InProcessExchange, new_writer: NewWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = new_writer(inprocess)
    writer.ship(9)
    redact(writer, 5)
    monkeypatch.setattr(inprocess, "drop", refuse)
    writer.ship(2)
    assert sequences(inprocess) == [*range(1, 13)]
    assert "redacted" in writer.refused.causes[LOG]
    monkeypatch.undo()
    writer.ship()
    assert sequences(inprocess) == [*range(6, 13)]
    assert writer.refused.causes == {}


def test_a_stretch_whose_decision_the_holder_has_not_published_is_asked_for_again(
    inprocess: InProcessExchange, new_writer: NewWriter, new_follower: NewFollower
) -> None:
    # given a holder that took the bytes, and whose decision is not signed yet
    writer = new_writer(inprocess)
    writer.ship(9)
    held = values(writer.ledger)
    with writer.ledger.database.connection() as conn:
        conn.execute("UPDATE ledger.entry SET value = '' WHERE position = 5")
    inprocess.drop(LOG)
    late = new_follower(inprocess, writer.hold)
    late.receive()
    assert late.sizes()[LOG] == 0
    # when it is there
    batch = append.Batch(LOG, [redacted.decision(held, 5)], [append.Command(str(uuid4()), bytes(32), 1)])
    with writer.ledger.database.transaction() as conn:
        append.append(conn, batch)
        conn.execute("INSERT INTO ledger.redacted VALUES (%s, 5, 10)", [LOG])
    writer.ship()
    late.reach(10)
    sound(late.ledger, 1)


def test_an_owner_that_lost_its_database_gets_its_log_back_over_the_hole(
    inprocess: InProcessExchange, new_writer: NewWriter, new_follower: NewFollower, new_ledger: NewLedger
) -> None:
    # given a follower that has all but the last records, which only the topic has
    writer = new_writer(inprocess)
    follower = new_follower(inprocess, writer.hold)
    writer.ship(9)
    redact(writer, 2, 3)
    writer.ship()
    follower.reach(11)
    carry_out(follower.ledger)
    writer.ship(4)
    # when the owner begins with an empty database
    empty = new_ledger()
    sources = [restoring.from_topic(inprocess), restoring.from_tiles(follower.hold, ALL, empty.database)]
    restored = confirm(empty.database, ALL, empty.guard, [LOG], sources)
    # then all is back, the holes too
    assert restored == {LOG: 15}
    assert agree(writer.ledger, empty)
    sound(empty, 2)


def test_a_late_joiner_gets_it_over_http_which_says_gone_for_the_bundle(
    inprocess: InProcessExchange, new_writer: NewWriter, new_follower: NewFollower, serve: Serve
) -> None:
    # given a node that serves what it holds, one bundle of which has holes
    writer, said = new_writer(inprocess), []
    writer.ship(300)
    redact(writer, 100, 101)
    writer.ship()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.removeprefix(f"/log/{LOG}/")
        try:
            send(200, writer.hold(LOG, path))(handler)
        except errors.Refused as error:
            said.append((path, error.status))
            send(error.status)(handler)

    # when a node joins
    client = TilesClient(serve(answer))
    late = new_follower(inprocess, client)
    late.reach(302)
    client.close()
    # then it was told that only this bundle is gone
    assert agree(writer.ledger, late.ledger)
    assert said == [("tile/entries/000", 410)]
    sound(late.ledger, 2)
