"""Nodes cosign what they hold and compare what others cosigned: over both channels, on real databases."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pytest

from events import checkpoints, errors, merkle, notes
from events.alliance import Alliance
from events.alliance_document import Bureau, Document, Key, Log, Node, Policy
from services.exchange.refused import Refused
from services.exchange.witness import Witness
from services.ledger import logs, receipts, store, witnessing
from services.ledger.cosigning import Cosigner
from services.transport import topics
from services.transport.base import Exchange
from services.transport.inprocess import InProcessExchange
from tests.services.exchange import world
from tests.services.exchange.conftest import NewLedger
from tests.services.ledger import nodes
from tests.services.ledger.nodes import LOG, OTHER, Ledger

NODES = ("east", "west", "third")
"""`east` hosts LOG, `west` OTHER, `third` none."""
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def cosigner(name: str) -> notes.Signer:
    key = checkpoints.node_key(nodes.ALLIANCE, name)
    return notes.Signer(key, sha256(name.encode()).digest(), notes.Kind.COSIGNATURE)


def alliance(needed: int = 2) -> Alliance:
    day = date(2021, 1, 1)
    document = Document(
        alliance=nodes.ALLIANCE, version=1,
        quorum=(notes.Signer("quorum", sha256(b"quorum").digest()).verifier.vkey,),
        bureau=tuple(
            Bureau.model_validate({"code": c, "name_zh": c, "name_en": c, "from": day}) for c in (LOG, OTHER)
        ),
        node=tuple(
            Node(name=n, operator=n, url="https://node.example", cosigner=cosigner(n).verifier.vkey)
            for n in NODES
        ),
        log=tuple(
            Log(name=log, bureau=log, node=host, key=(Key(vkey=nodes.signer(log).verifier.vkey),))
            for log, host in ((LOG, "east"), (OTHER, "west"))
        ),
        policy=Policy(witnesses=NODES, needed=needed),
    )  # fmt: skip
    return Alliance(document, "")


ALL = alliance()


@dataclass
class Party:
    """A node as a witness; its clock stands still until it is told to move."""

    name: str
    ledger: Ledger
    exchange: Exchange
    at: datetime = NOON
    ticks: float = 0.0
    refused: Refused = field(default_factory=Refused)
    witness: Witness = field(init=False)

    def __post_init__(self) -> None:
        with self.ledger.database.connection() as conn:
            for log in (LOG, OTHER):
                own = ALL.node_of(log).name == self.name
                (logs.open_own if own else logs.follow)(conn, log)
        self.restart()

    def close(self) -> None:
        self.witness.close()

    def restart(self) -> None:
        signer = Cosigner(self.ledger.database, ALL, self.name, cosigner(self.name), self.ledger.guard)
        self.witness = Witness(
            self.exchange, signer, lambda: self.at, refused=self.refused, monotonic=self.hurry
        )

    def hurry(self) -> float:
        """Seconds of a clock that runs so fast that missing topics are looked for at each step."""
        self.ticks += 10
        return self.ticks

    def accept(self, values: list[bytes], log: str = LOG, note: str | None = None) -> None:
        """Store a covered run, as the receiver does."""
        with self.ledger.database.transaction() as conn:
            store.accept(conn, ALL, log, values, note or nodes.note_over(log, values))

    def round(self, minutes: int = 1) -> int:
        """A minute later: read, cosign, read."""
        self.at += timedelta(minutes=minutes)
        self.read()
        return self.witness.cosign()

    def read(self) -> None:
        patience = 0.05 if isinstance(self.exchange, InProcessExchange) else 1.0
        while self.witness.read(patience):
            continue

    def read_until_stored(self) -> None:
        """Read until something comes, and take it in."""
        for _ in range(20):
            if self.witness.read(1.0):
                return

    def witnessed(self, log: str = LOG, at_least: int = 0) -> int:
        with self.ledger.database.connection() as conn:
            found = receipts.witnessed(conn, ALL, log, at_least)
        return found[0] if found else 0

    def rows(self, log: str = LOG) -> list[tuple[object, ...]]:
        with self.ledger.database.connection() as conn:
            return conn.execute(
                "SELECT node, size, held FROM ledger.receipt WHERE log = %s ORDER BY node, size", [log]
            ).fetchall()

    def standing(self, now: int, log: str = LOG) -> witnessing.Standing:
        with self.ledger.database.connection() as conn:
            return next(s for s in witnessing.standings(conn, ALL, now) if s.log == log)

    def state(self, log: str = LOG) -> str:
        with self.ledger.database.connection() as conn:
            return logs.state(conn, log).state


@pytest.fixture
def new_party(new_ledger: NewLedger) -> Iterator[Callable[[str, Exchange], Party]]:
    with ExitStack() as stack:

        def new(name: str, exchange: Exchange) -> Party:
            party = Party(name, new_ledger(), exchange)
            stack.callback(party.close)
            return party

        yield new


def test_two_witnesses_who_do_not_host_the_log_make_it_witnessed(
    exchange: Exchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    # given a log hosted at east that west and third hold too
    east, west, third = (new_party(name, exchange) for name in NODES)
    values = append(east, 5)
    west.accept(values)
    third.accept(values)
    # when its own node and one other have cosigned it
    assert (east.round(), west.round()) == (1, 1)
    third.read()
    # then it is not witnessed: the host does not count
    assert third.witnessed() == 0
    # and when the third has cosigned it too, it is, everywhere
    third.round()
    for party in (east, west, third):
        party.read()
        assert party.witnessed() == 5
        assert party.rows() == [(name, 5, True) for name in sorted(NODES)]


def test_the_witnessed_note_carries_all_signatures_that_the_policy_needs(
    inprocess: InProcessExchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    east, west, third = (new_party(name, inprocess) for name in NODES)
    values = append(east, 3)
    for party in (west, third):
        party.accept(values)
        party.round()
    east.read()
    with east.ledger.database.connection() as conn:
        found = receipts.witnessed(conn, ALL, LOG)
    assert found is not None
    opened = notes.open(found[1], [*ALL.verifiers(LOG, 3), *ALL.witnesses(LOG)])
    assert len(opened.signatures) == 3


def test_a_log_is_cosigned_once_a_minute_and_only_when_it_moved(
    inprocess: InProcessExchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    west = new_party("west", inprocess)
    west.accept(nodes.values_of(LOG, 3))
    assert west.round() == 1
    assert west.witness.cosign() == 0, "the same minute"
    assert west.round() == 0, "nothing new"
    values = nodes.values_of(LOG, 4, after=3)
    note = nodes.note_over(LOG, [*world.values(west.ledger), *values])
    west.accept(values, note=note)
    assert west.round() == 1
    assert [row[1] for row in world_rows(inprocess, "west")] == [3, 7]


def test_its_own_node_gives_a_heartbeat_though_nothing_is_new(
    inprocess: InProcessExchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    east = new_party("east", inprocess)
    append(east, 2)
    assert east.round() == 1
    assert east.round(minutes=5) == 0
    assert east.round(minutes=5) == 1, "ten minutes after the last one"


def test_a_receipt_that_is_ahead_is_kept_and_compared_when_the_records_are_there(
    inprocess: InProcessExchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    west, third = new_party("west", inprocess), new_party("third", inprocess)
    values = nodes.values_of(LOG, 4)
    west.accept(values)
    west.round()
    # given that the records have not reached the third yet
    third.read()
    assert third.rows() == [("west", 4, False)]
    # when they have
    third.accept(values)
    third.read()
    # then it is compared
    assert third.rows() == [("west", 4, True)]


@pytest.mark.parametrize("ahead", [False, True])
def test_two_histories_are_found_from_receipts_and_stop_the_log_with_both_notes(
    *, ahead: bool, inprocess: InProcessExchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    # given a log that showed one history to west and another to third
    west, third = new_party("west", inprocess), new_party("third", inprocess)
    one, other = nodes.values_of(LOG, 4), nodes.values_of(LOG, 4)
    west.accept(one)
    west.round()
    if not ahead:
        third.accept(other)
    # when the third reads what west cosigned
    third.read()
    if ahead:
        third.accept(other)
        third.read()
    # then the log stops there, both notes are kept, and the other log goes on
    assert third.state() == "stopped"
    assert third.state(OTHER) == "open"
    with third.ledger.database.connection() as conn:
        ((position, kind, evidence),) = conn.execute(
            "SELECT position, kind, evidence FROM ledger.breach WHERE log = %s", [LOG]
        ).fetchall()
    assert (position, kind) == (4, "fork")
    roots = {checkpoints.open_checkpoint(note, *ALL.verifiers(LOG, 4)).root for note in evidence}  # type: ignore[attr-defined]  # bytea[]
    assert roots == {merkle.root(map(merkle.leaf_hash, values)) for values in (one, other)}
    # and it is not cosigned any more
    assert third.round() == 0


def test_a_receipt_that_the_log_or_the_node_did_not_sign_is_dropped_and_counted(
    inprocess: InProcessExchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    third = new_party("third", inprocess)
    values = nodes.values_of(LOG, 2)
    third.accept(values)
    good = nodes.note_over(LOG, values)
    forged = [
        notes.cosign(good, cosigner("east"), 1),  # by another node than the topic's
        notes.cosign(notes.sign(notes.split(good)[0], nodes.signer(OTHER)), cosigner("west"), 1),
        good,
        "no note",
        notes.cosign(good, cosigner("west"), 1).replace("2\n", "3\n", 1),
    ]
    inprocess.create(topics.receipts("west"))
    records = [(b"", note.encode(), [("content-type", b"text/plain")]) for note in forged]
    world.publish(inprocess, *records, log=topics.receipts("west"))
    third.read()
    assert third.rows() == []
    assert third.state() == "open"
    with third.ledger.database.connection() as conn:
        counted = conn.execute("SELECT log, kind, count FROM exchange.damage").fetchall()
    assert counted == [(topics.receipts("west"), "receipt", len(forged))]


def test_receipts_delivered_twice_or_after_a_restart_change_nothing(
    inprocess: InProcessExchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    west, third = new_party("west", inprocess), new_party("third", inprocess)
    values = nodes.values_of(LOG, 4)
    for party in (west, third):
        party.accept(values)
    west.round()
    third.read()
    before = third.rows()
    with third.ledger.database.transaction() as conn:
        conn.execute("DELETE FROM exchange.hint")
    third.witness.close()
    third.restart()
    third.read()
    assert third.rows() == before == [("west", 4, True)]


def test_receipts_that_came_while_the_database_was_away_are_read_again(
    exchange: Exchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    # given a node that reads receipts
    west, third = new_party("west", exchange), new_party("third", exchange)
    values = nodes.values_of(LOG, 4)
    west.accept(values[:2])
    west.round()
    third.read()
    # when its database cannot store the next one
    west.accept(values[2:], note=nodes.note_over(LOG, values))
    west.round()
    with world.full_disk(third.ledger, "ledger.receipt"), pytest.raises(errors.Unavailable):
        third.read_until_stored()
    # and another log's receipt comes once it can
    west.ledger.append(1, OTHER)
    west.ledger.checkpointer(OTHER).round()
    west.round()
    third.read()
    # then the first one was read again, not passed over
    assert third.rows() == [("west", 2, False), ("west", 4, False)]
    assert third.rows(OTHER) == [("west", 1, False)]


def test_two_histories_stay_to_be_found_while_the_evidence_cannot_be_kept(
    inprocess: InProcessExchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    # given a receipt that shows another history than is held
    west, third = new_party("west", inprocess), new_party("third", inprocess)
    west.accept(nodes.values_of(LOG, 4))
    west.round()
    third.accept(nodes.values_of(LOG, 4))
    # when it is read while the evidence cannot be stored
    with world.full_disk(third.ledger, "ledger.breach"), pytest.raises(errors.Unavailable):
        third.read_until_stored()
    # then it is found again, by another process too
    third.witness.close()
    third.restart()
    third.read()
    assert third.state() == "stopped"


def test_what_was_cosigned_and_not_sent_leaves_with_the_next_round(
    inprocess: InProcessExchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    west = new_party("west", inprocess)
    west.accept(nodes.values_of(LOG, 4))
    west.round()
    with west.ledger.database.transaction() as conn:
        conn.execute("UPDATE ledger.receipt SET sent = false")
    assert west.round() == 1
    assert [row[1] for row in world_rows(inprocess, "west")] == [4, 4]


def test_a_ledger_that_lost_what_was_cosigned_is_not_cosigned_again(
    inprocess: InProcessExchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    # given a node that cosigned four records, and a database that goes back to two
    west = new_party("west", inprocess)
    values = nodes.values_of(LOG, 4)
    west.accept(values[:2])
    west.accept(values[2:], note=nodes.note_over(LOG, values))
    west.round()
    with west.ledger.database.transaction() as conn:
        conn.execute("DELETE FROM ledger.checkpoint WHERE size = 4")
        conn.execute("DELETE FROM ledger.entry WHERE position > 2")
        conn.execute("UPDATE ledger.log SET head = 2 WHERE log = %s", [LOG])
        conn.execute("DELETE FROM ledger.receipt")
        conn.execute("DELETE FROM ledger.cosigned")
    # then the guard file says so, and nothing is cosigned
    with pytest.raises(errors.ReadOnly):
        west.round()
    assert [row[1] for row in world_rows(inprocess, "west")] == [4]


def test_receipts_stay_as_many_as_there_are_logs_times_witnesses(
    inprocess: InProcessExchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    east, west, third = (new_party(name, inprocess) for name in NODES)
    for _ in range(6):
        values = append(east, 2)
        note = current_note(east)
        for party in (west, third):
            party.accept(values, note=note)
        for party in (east, west, third):
            party.round()
        for party in (east, west, third):
            party.read()
    for party in (east, west, third):
        assert party.rows() == [(name, 12, True) for name in sorted(NODES)]


def test_an_own_log_that_others_cosigned_beyond_its_head_is_an_old_backup(
    inprocess: InProcessExchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    east, west = new_party("east", inprocess), new_party("west", inprocess)
    west.accept(nodes.values_of(LOG, 4))
    west.round()
    east.read()
    with east.ledger.database.connection() as conn:
        assert receipts.beyond(conn) == (LOG, 4)
    with west.ledger.database.connection() as conn:
        assert receipts.beyond(conn) is None


def test_lag_of_witnessing_and_silence_are_told(
    inprocess: InProcessExchange, new_party: Callable[[str, Exchange], Party]
) -> None:
    # given a log that its own node and both witnesses cosigned, and three more records since
    east, west, third = (new_party(name, inprocess) for name in NODES)
    values = append(east, 4)
    for party in (west, third):
        party.accept(values)
    for party in (east, west, third):
        party.round()
    values = append(east, 3)
    third.accept(values, note=current_note(east))
    third.read()
    # then the third says how far it is witnessed, by whom, and how many records wait for it
    seconds = int(third.at.timestamp())
    found = third.standing(seconds)
    assert (found.witnessed, found.needed, found.behind) == (4, 2, 3)
    assert [(c.node, c.size, c.counts) for c in found.receipts] == [
        ("east", 4, False), ("third", 4, True), ("west", 4, True)
    ]  # fmt: skip
    assert found.behind_seconds >= 0
    # and after three heartbeats without a word from its own node it is silent, not before
    assert not third.standing(seconds + 1800).silent
    assert third.standing(seconds + 1801).silent


def append(party: Party, count: int) -> list[bytes]:
    """Record at the log's own node and sign; the new values."""
    before = len(world.values(party.ledger))
    party.ledger.append(count)
    party.ledger.checkpointer().round()
    return world.values(party.ledger)[before:]


def current_note(party: Party) -> str:
    with party.ledger.database.connection() as conn:
        return store.latest(conn, LOG)[2]


def world_rows(exchange: Exchange, node: str) -> list[tuple[str, int]]:
    """What stands on a node's receipts topic: log and size."""
    found = [
        receipts.opened(ALL, node, (message.value or b"").decode())
        for message in world.topic(exchange, topics.receipts(node))
    ]
    return [(receipt.log, receipt.size) for receipt in found]
