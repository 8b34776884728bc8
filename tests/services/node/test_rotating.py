"""A log's key is replaced while it is written to: both sign for a while, and nothing is lost or doubted."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from events import checkpoints, errors, membership, merkle
from events.checkpoints import Checkpoint
from services.ledger import read, store
from services.runtime import keys
from tests.services.node import league as leagues
from tests.services.node.conftest import NewLeague
from tests.services.node.league import League, Member, eventually

WEST, EAST = "500116", "510100"
pytestmark = leagues.WARNINGS


@pytest.fixture(params=["inprocess", "kafka"])
def league(new_league: NewLeague, request: pytest.FixtureRequest) -> League:
    return started(new_league(request.param))


def started(found: League) -> League:
    for name, log in (("west", WEST), ("east", EAST)):
        found.member(name, log)
    found.found()
    found.start()
    return found


@contextmanager
def busy(member: Member) -> Iterator[None]:
    """Somebody records all the while."""
    stop, failed = threading.Event(), list[Exception]()

    def work() -> None:
        try:
            while not stop.wait(0.01):
                member.record()
        except Exception as error:  # noqa: BLE001  (told by the test itself)
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert failed == []


def publish(league: League, member: Member, *changes: str) -> None:
    """Propose, have two of three sign, publish; wait until all nodes use it."""
    number = member.running.alliance.version + 1
    draft = league.folder / f"{number}.draft"
    member.run("alliance", "propose", *changes, "--out", str(draft))
    for name in ("q0", "q2"):
        member.run("alliance", "sign", str(draft), "--key", str(league.folder / "quorum" / f"{name}.key"))
    member.run("alliance", "publish", str(draft))
    eventually(lambda: all(m.running.alliance.version == number for m in league.members.values()))


def covered(member: Member, log: str = WEST) -> int:
    return member.covered().get(log, 0)


def test_the_key_is_replaced_under_traffic(league: League) -> None:
    west, east = league.members["west"], league.members["east"]
    (old,) = (key.vkey for key in league.current().log(WEST).key)
    with busy(west):
        eventually(lambda: covered(east) > 5)
        # when the node asks for another key; asked twice, it is one key and one request
        first = covered(west) + 200
        asked = json.loads(west.run("keys", "rotate", WEST, "--from-size", str(first), "--json"))
        assert json.loads(west.run("keys", "rotate", WEST, "--json")) == asked
        eventually(lambda: covered(east) >= asked["position"])
        with east.running.database.connection() as conn:
            record = read.record(conn, (WEST, asked["position"]))
        assert record.data == membership.LogKeyAsked(vkey=asked["vkey"], from_size=first)
        # nothing changes by that alone, and the alliance names it
        last = first + 100
        publish(
            league, west, "--rotate", f"{WEST}={asked['vkey']}", "--from-size", str(first),
            "--to-size", str(last),
        )  # fmt: skip
        assert covered(west) < first, "the machine was too slow for this test to say anything"
        eventually(lambda: covered(east) > last + 50)
    # then checkpoints carry the old signature, both, the new one
    league.agree()
    assert west.values(WEST) == east.values(WEST)
    for member in (west, east):
        signed = {size: member.signers_at(WEST, size) for size in _sizes(member)}
        assert [s for s, by in signed.items() if by != _expected(s, first, last, old, asked["vkey"])] == []
        assert {len(by) for by in signed.values()} == {1, 2}
    # the receipts too are good at both
    eventually(lambda: all(_judged(member) for member in (west, east)))


def _sizes(member: Member) -> list[int]:
    with member.running.database.connection() as conn:
        rows = conn.execute("SELECT size FROM ledger.checkpoint WHERE log = %s", [WEST]).fetchall()
    return [int(size) for (size,) in rows]  # type: ignore[call-overload]  # the table's own types


def _expected(size: int, first: int, last: int, old: str, new: str) -> set[str]:
    return {key for key, signs in ((old, size <= last), (new, size >= first)) if signs}


def _judged(member: Member) -> bool:
    with member.running.database.connection() as conn:
        row = conn.execute(
            "SELECT count(DISTINCT node) FROM ledger.receipt WHERE log = %s AND held AND size = %s",
            [WEST, covered(member)],
        ).fetchone()
    return row == (2,)


def test_beyond_its_last_size_the_retired_key_signs_nothing(new_league: NewLeague) -> None:
    league = started(new_league())
    west, east = league.members["west"], league.members["east"]
    old = keys.load_log(west.folder / "keys", league.name, WEST)
    publish(league, west, "--rotate", f"{WEST}={_next(west)}", "--from-size", "1", "--to-size", "1")
    # when somebody who has the old key signs more with it
    value = b"x"
    for size in (1, 2):
        root = merkle.root([merkle.leaf_hash(value)] * size)
        note = checkpoints.sign_checkpoint(Checkpoint(old.name, size, root), old)
        if size == 1:
            assert east.running.alliance.checkpoint(WEST, note).size == 1
            continue
        # then it is damage in transit, for whoever reads it
        with pytest.raises(errors.Damage):
            east.running.alliance.checkpoint(WEST, note)
        with east.running.database.connection() as conn, pytest.raises(errors.Damage):
            store.accept(conn, east.running.alliance, WEST, [value, value], note)


def _next(member: Member) -> str:
    """The public part of a next key that stands in the folder."""
    return keys.create_next(member.folder / "keys", "chuanyu", WEST).verifier.vkey


def test_without_the_new_key_nothing_is_signed_beyond_the_old_ones_last_size(
    new_league: NewLeague, tmp_path: Path
) -> None:
    # given a log whose next key was lost, or not brought to its node yet
    league = started(new_league())
    west, east = league.members["west"], league.members["east"]
    vkey = _next(west)
    (file,) = (west.folder / "keys").glob(f"{WEST}-*.key")
    file.rename(tmp_path / "elsewhere.key")
    publish(league, west, "--rotate", f"{WEST}={vkey}", "--from-size", "10", "--to-size", "12")
    assert "which is not held here" in west.run("doctor", exit_code=1)
    # when more is recorded than the old key may sign
    west.record(14)
    # then it signs up to there, says what it needs, and refuses more in this log
    eventually(lambda: west.running.standing.lacking)
    assert covered(west) == 12
    assert vkey in (west.running.standing.cause or "")
    with pytest.raises(errors.ReadOnly, match="put the file of"):
        west.record()
    eventually(lambda: covered(east) == 12)
    # and when the key is there, all is signed that was answered
    (tmp_path / "elsewhere.key").rename(file)
    eventually(lambda: covered(west) == 14)
    eventually(lambda: west.running.standing.cause is None)
    west.record()
    eventually(lambda: covered(east) == 15)
    assert west.signers_at(WEST, 15) == {vkey}


def test_a_rotation_that_cannot_be_is_refused_with_a_reason(new_league: NewLeague) -> None:
    league = started(new_league())
    west = league.members["west"]
    vkey = _next(west)

    def said(*words: str) -> str:
        return west.run("alliance", "propose", *words, exit_code=2)

    assert "needs --from-size" in said("--rotate", f"{WEST}={vkey}")
    assert "has no log" in said("--rotate", f"999999={vkey}", "--from-size", "3")
    assert "without a gap" in said("--rotate", f"{WEST}={vkey}", "--from-size", "9", "--to-size", "5")
    assert "vkey" in said("--rotate", f"{WEST}=nonsense", "--from-size", "3")
    assert "the key is named" in said("--rotate", f"{EAST}={vkey}", "--from-size", "3")
    assert "NAME=VALUE" in said("--rotate", WEST, "--from-size", "3")
    assert "nothing would change" in said()
    assert "no node" in said("--witnesses", "nobody")
    assert "is not written at this node" in west.run("keys", "rotate", EAST, exit_code=2)
