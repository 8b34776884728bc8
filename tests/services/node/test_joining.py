"""A bureau joins: it asks, the quorum signs, all nodes know it, and it believes nobody blindly."""

import time
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from events import alliance, checkpoints, merkle, notes
from events.checkpoints import Checkpoint
from services.exchange import wire
from services.ledger import logs
from services.runtime import keys
from services.transport.inprocess import InProcessExchange
from tests.services.ledger.nodes import values_of
from tests.services.node import league as leagues
from tests.services.node.conftest import NewLeague
from tests.services.node.league import League, Member, eventually

WEST, EAST, NORTH = "500116", "510100", "500157"
pytestmark = leagues.WARNINGS


@pytest.fixture
def league(new_league: NewLeague) -> League:
    """Two running nodes and an observer, of which two must cosign, and what they recorded is witnessed."""
    found = new_league()
    for name, *hosted in (("west", WEST), ("east", EAST), ("watch",)):
        found.member(name, *hosted)
    found.found(needed=2)
    found.start()
    for name in ("west", "east"):
        found.members[name].record(5)
    west = found.members["west"]
    eventually(lambda: witnessed(west, WEST) == 5 and witnessed(west, EAST) == 5)
    return found


def witnessed(holder: Member, log: str) -> int:
    """The size of the newest witnessed checkpoint, as a node shows it to everybody."""
    answer = httpx.get(f"{holder.url}/log/{log}/witnessed", trust_env=False)
    return checkpoints.unverified(answer.text).size if answer.status_code == 200 else 0


def ask(league: League, member: Member) -> str:
    """The request of a newcomer who was given version 1."""
    league.hand(member)
    out = str(member.folder / "north.request")
    member.run(
        "alliance", "request", "--alliance", league.name, "--log", NORTH, "--name-zh", "两江新区老干部局",
        "--name-en", "Liangjiang", "--from", "2025-11-06", "--operator", "北", "--url", member.url,
        "--out", out,
    )  # fmt: skip
    return out


def approve(league: League, request: str) -> str:
    """Propose and have the quorum sign; gives the draft."""
    west, draft = league.members["west"], str(league.folder / "join.draft")
    west.run("alliance", "propose", "--join", request, "--out", draft)
    assert "2 of the 3" not in west.run("alliance", "publish", draft, exit_code=1)
    for name in ("q1", "q2"):
        key = str(league.folder / "quorum" / f"{name}.key")
        west.run("alliance", "sign", draft, "--key", key)
        west.run("alliance", "sign", draft, "--key", key)  # again changes nothing
    return draft


def test_a_bureau_joins_and_everybody_sees_its_first_record(league: League) -> None:
    west = league.members["west"]
    # when it asks, the quorum signs, and one node publishes
    north = league.member("north", NORTH)
    west.run("alliance", "publish", approve(league, ask(league, north)))
    # then all nodes take it within a poll, and look for its log without a restart
    others = [m for m in league.members.values() if m is not north]
    eventually(lambda: all(m.running.alliance.version == 2 for m in others))
    assert all(NORTH in m.running.followed for m in others)
    assert "version 2" in west.run("alliance", "show")
    # and it starts with version 1 and an empty database, learns the rest, and catches up
    league.start("north")
    assert north.running.alliance.version == 2
    eventually(lambda: north.covered().get(WEST) == 5 and north.covered().get(EAST) == 5)
    # and what it records first is seen everywhere, shown everywhere, and witnessed
    assert north.record().position == 1
    eventually(lambda: all(m.covered().get(NORTH) == 1 for m in league.members.values()))
    league.agree()
    eventually(lambda: witnessed(west, NORTH) == 1)
    assert north.running.standing.cause is None


def test_a_newcomer_who_is_shown_another_history_than_was_witnessed_stops_that_log(league: League) -> None:
    # given a newcomer whose exchange brings another history of a log, signed by that log's own key
    west, north = league.members["west"], league.member("north", NORTH)
    west.run("alliance", "publish", approve(league, ask(league, north)))
    signer = keys.load_log(west.folder / "keys", league.name, WEST)
    values = values_of(WEST, 6)
    root = merkle.root(merkle.leaf_hash(value) for value in values)
    note = checkpoints.sign_checkpoint(Checkpoint(signer.name, 6, root), signer)
    with InProcessExchange() as lies:
        lies.create(WEST)
        lies.publisher().publish(
            WEST, [wire.pack(n, v, note if n == 6 else None) for n, v in enumerate(values, 1)]
        )
        # when it starts, with only the other nodes' pages to tell it what was witnessed
        north.start(lies)
        try:
            # then that log stops, with both notes as evidence, and none of its others does
            eventually(lambda: _state(north, WEST) == "stopped")
            with north.running.database.connection() as conn:
                row = conn.execute(
                    "SELECT kind, evidence FROM ledger.breach WHERE log = %s", [WEST]
                ).fetchone()
            assert row is not None
            assert row[0] == "fork"
            assert note.encode() in [bytes(each) for each in row[1]]  # type: ignore[attr-defined]  # bytea[]
            assert _state(north, EAST) == "open"
        finally:
            north.stop()


def _state(member: Member, log: str) -> str:
    with member.running.database.connection() as conn:
        return logs.state(conn, log).state


def test_a_request_proves_that_it_has_the_keys_and_bad_ones_say_what_is_wrong(
    league: League, tmp_path: Path
) -> None:
    west, north = league.members["west"], league.member("north", NORTH)
    request = Path(ask(league, north))
    note = request.read_text("utf-8")

    def said(text: str) -> str:
        forged = tmp_path / "forged"
        forged.write_text(text, "utf-8")
        words = ["alliance", "propose", "--join", str(forged), "--out", str(tmp_path / "never")]
        return west.run(*words, exit_code=1)

    text, lines = notes.split(note)
    assert [line.name for line in lines] == [f"chuanyu.yinqiao/{NORTH}", "chuanyu.yinqiao/node/north"]
    # without the log's, or the node's, own signature it is nothing
    assert "did not sign" in said(f"{text}\n{lines[0]}")
    assert "did not sign" in said(f"{text}\n{lines[1]}")
    # and what was changed after it was signed is not what was signed
    assert "does not fit" in said(note.replace("Liangjiang", "Somebody"))
    # asked twice is asked the same, with the same keys
    request.unlink()
    assert notes.split(Path(ask(league, north)).read_text("utf-8"))[0] == text
    # who joins with a log that is there already is refused
    other = league.member("other", WEST)
    league.hand(other)
    out = str(tmp_path / "other.request")
    other.run(
        "alliance", "request", "--alliance", league.name, "--log", WEST, "--name-zh", "甲", "--name-en", "A",
        "--from", "2025-01-01", "--operator", "o", "--url", other.url, "--out", out,
    )  # fmt: skip
    assert "log" in west.run("alliance", "propose", "--join", out, "--out", str(tmp_path / "n"), exit_code=2)


def test_a_node_that_is_not_named_waits_until_it_is(league: League) -> None:
    north = league.member("north", NORTH)
    draft = approve(league, ask(league, north))
    began = time.monotonic()
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == 2:
            league.members["west"].run("alliance", "publish", draft)
            eventually(lambda: league.members["west"].running.alliance.version == 2)
        return False

    from services.node import alliances, running
    from services.runtime import settings

    told = settings.load(north.settings)
    found = running.joined(told, alliances.load(north.document, told.alliance.digest), wait)
    assert found is not None
    assert found.node("north").operator == "北"
    assert len(waits) == 2
    assert time.monotonic() - began < leagues.SECONDS


def test_a_node_that_is_offered_two_versions_waits_and_takes_neither(
    league: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given two nodes of which each was handed another version that names a third, both valid
    north = league.member("north", NORTH)
    draft = Path(approve(league, ask(league, north)))
    one = alliance.successor(league.current(), draft.read_text("utf-8"))
    other = one.document.model_copy(
        update={"policy": one.document.policy.model_copy(update={"heartbeat_minutes": 7})}
    )
    league.publish(league.members["west"], draft.read_text("utf-8"), 2)
    league.publish(league.members["east"], league.sign(other), 2)
    for name in ("west", "east"):
        eventually(lambda name=name: league.members[name].running.alliance.version == 2)  # type: ignore[misc]
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) == 2

    from services.node import alliances, asking, running
    from services.runtime import settings

    told = settings.load(north.settings)
    monkeypatch.setattr(asking, "_TIMEOUT", httpx.Timeout(60))  # both are heard, however busy the machine is
    # when the third looks for a version that names it
    with capture_logs() as lines:
        found = running.joined(told, alliances.load(north.document, told.alliance.digest), wait)
    # then it says so, and waits
    assert found is None
    assert len(waits) == 2
    assert "alliance-forked" in {line["event"] for line in lines}
