"""A running node takes new versions of the alliance document, and none that does not prove itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from events import alliance, alliance_changes, errors, notes
from events.alliance import Alliance
from events.alliance_document import Document
from services.node import alliances
from services.node.alliances import Versions
from services.node.control import Control
from services.node.node import Node
from services.runtime import settings
from services.transport.inprocess import InProcessExchange
from tests.services.node import league as leagues
from tests.services.node.conftest import NewLeague
from tests.services.node.league import League, Member, eventually

WEST, EAST = "500116", "510100"
pytestmark = leagues.WARNINGS


def beating(current: Alliance, minutes: int) -> Document:
    """The next version: heartbeats come that often."""
    changed = alliance_changes.with_policy(current.document, heartbeat_minutes=minutes)
    return alliance_changes.next_version(current, changed)


@pytest.fixture
def papers(tmp_path: Path) -> Iterator[League]:
    """Their folders alone: nothing of it can be started."""
    with InProcessExchange() as exchange:
        found = League(tmp_path, exchange, lambda: "postgresql://127.0.0.1:1/none")
        found.member("west", WEST)
        found.found()
        yield found


@pytest.fixture
def league(new_league: NewLeague) -> League:
    """Two nodes, not started."""
    found = new_league()
    for name, log in (("west", WEST), ("east", EAST)):
        found.member(name, log)
    found.found()
    return found


def versions(of: League, name: str) -> Versions:
    return Versions(of.members[name].document, alliance.digest(of.first))


# --- on disk --------------------------------------------------------------------------------------


def test_versions_in_the_folder_are_taken_one_after_the_other(papers: League) -> None:
    held, west = versions(papers, "west"), papers.members["west"]
    second = papers.sign(beating(held.current, 1))
    third = papers.sign(beating(alliance.successor(held.current, second), 2))
    # when the third comes first, it waits for the second
    papers.publish(west, third, 3)
    assert not held.look()
    papers.publish(west, second, 2)
    assert held.look()
    assert held.current.version == 3
    assert (held.note(2), held.note(4)) == (second, None)
    # and again there is nothing new
    assert not held.look()


@pytest.mark.parametrize("kind", ["unsigned", "one of three", "of another", "no note"])
def test_what_does_not_prove_itself_is_told_and_not_taken(papers: League, kind: str) -> None:
    held, west = versions(papers, "west"), papers.members["west"]
    document = beating(held.current, 1)
    note = {
        "unsigned": document.write(),
        "one of three": notes.sign(document.write(), papers.quorum[0]),
        "of another": papers.sign(
            document.model_copy(update={"previous": alliance.digest(b"x\n\n\xe2\x80\x94 a AAAAAAAA\n")})
        ),
        "no note": "\x00",
    }[kind]
    papers.publish(west, note, 2)
    assert not held.look()
    assert held.trouble
    assert alliances.troubles(held) == [held.trouble]
    assert not held.offered([note])
    assert held.current.version == 1
    # and when the right one stands there, all is well
    papers.publish(west, papers.sign(document), 2)
    assert held.look()
    assert held.trouble is None


def test_what_others_offer_is_kept_for_the_next_start(papers: League) -> None:
    held = versions(papers, "west")
    note = papers.sign(beating(held.current, 1))
    assert held.offered(["nonsense", note, note])
    assert alliances.version(held.file, 2).read_text("utf-8") == note
    assert versions(papers, "west").current.digest == held.current.digest
    # delivered twice
    assert not held.offered([note])


def test_a_folder_that_cannot_be_written_does_not_keep_a_version_out(papers: League, tmp_path: Path) -> None:
    held = versions(papers, "west")
    held.file = tmp_path / "gone" / "alliance.note"
    assert held.offered([papers.sign(beating(held.current, 1))])
    assert held.current.version == 2


def test_two_successors_at_once_are_evidence_and_neither_is_taken(papers: League) -> None:
    held = versions(papers, "west")
    one, other = (papers.sign(beating(held.current, path)) for path in (1, 2))
    with pytest.raises(errors.Fork, match="both signed by"):
        held.offered([one, other])
    assert held.current.version == 1
    assert {path.read_text("utf-8") for path in alliances.forks(held.file)[2]} == {one, other}
    # from now on nothing is taken, after a start neither, until somebody settled it
    assert not held.offered([one])
    again = versions(papers, "west")
    assert not again.offered([other])
    papers.publish(papers.members["west"], other, 2)
    third = papers.sign(beating(alliance.successor(held.current, other), 3))
    assert again.look()
    assert not again.offered([third])
    with pytest.raises(errors.Fork):
        again.compared(2, one)
    alliances.version(held.file, 2).with_suffix(".settled").touch()
    assert not again.compared(2, one)
    assert again.offered([third])
    assert (again.doubled, alliances.troubles(again)) == ([], [])


def test_two_successors_are_remembered_where_the_folder_cannot_be_written(
    papers: League, tmp_path: Path
) -> None:
    # given a node that was offered two, and may not write into its folder
    held = versions(papers, "west")
    good, held.file = held.file, tmp_path / "gone" / "alliance.note"
    one, other = (papers.sign(beating(held.current, path)) for path in (1, 2))
    with pytest.raises(errors.Fork):
        held.offered([one, other])
    # when only one of them is offered later, then it is not taken, and the trouble is told
    assert not held.offered([one])
    assert held.current.version == 1
    assert "version 2 of the alliance document was signed twice" in alliances.troubles(held)[0]
    # and so it is after a start, as the database has it, until it is settled
    again = versions(papers, "west")
    again.recall(held.found)
    assert not again.offered([other])
    assert alliances.troubles(again)
    papers.publish(papers.members["west"], other, 2)
    alliances.version(good, 2).with_suffix(".settled").touch()
    assert again.look()
    assert again.offered([papers.sign(beating(again.current, 3))])
    assert alliances.troubles(again) == []


def test_another_successor_of_a_version_that_was_passed_is_found_and_stops_the_next(papers: League) -> None:
    held = versions(papers, "west")
    first = held.current
    one, other = (papers.sign(beating(first, path)) for path in (1, 2))
    assert held.offered([one])
    assert not held.compared(
        1, papers.sign(first.document.model_copy(update={"quorum": first.document.quorum[:1]}))
    )
    with pytest.raises(errors.Fork):
        held.compared(2, other)
    assert not held.offered([papers.sign(beating(held.current, 3))])
    assert versions(papers, "west").current.version == 2
    # unsigned, it is no evidence against anybody
    assert not held.compared(2, beating(first, 4).write())


# --- running --------------------------------------------------------------------------------------


def test_a_version_in_one_folder_is_used_by_all_nodes_without_a_restart(league: League) -> None:
    # given running nodes
    league.start()
    west, east = league.members["west"], league.members["east"]
    # when one operator puts the next version into his folder
    note = league.sign(beating(league.current(), 5))
    league.publish(west, note, 2)
    # then all use it, serve it, and it stands in their folders
    eventually(lambda: {m.running.alliance.version for m in league.members.values()} == {2})
    assert httpx.get(f"{east.url}/alliance/2.note", trust_env=False).text == note
    assert httpx.get(f"{east.url}/alliance/3.note", trust_env=False).status_code == 404
    assert httpx.get(f"{east.url}/alliance/0.note", trust_env=False).status_code == 422
    eventually(lambda: all(alliances.version(m.document, 2).exists() for m in league.members.values()))
    # and what is recorded arrives as before
    west.record(3)
    league.agree()


def test_two_successors_in_two_folders_are_an_alarm_and_both_stay_where_they_were(league: League) -> None:
    # given two nodes of which each was handed another valid version 2, while the line was cut
    west, east = league.members["west"], league.members["east"]
    document = versions(league, "west").current
    for member, minutes in ((west, 1), (east, 2)):
        league.publish(member, league.sign(beating(document, minutes)), 2)
    league.start("west", "east")
    # then each finds it, keeps both notes, and says so
    for member in (west, east):
        eventually(lambda member=member: alliances.forks(member.document))  # type: ignore[misc]
        eventually(lambda member=member: _breaches(member.dsn) == [("alliance", 2, "fork", 2)])  # type: ignore[misc]
        metrics = httpx.get(f"{member.url}/metrics", trust_env=False).text
        assert "yinqiao_alliance_trouble 1.0" in metrics
        assert "was signed twice" in member.run("doctor", exit_code=1)
    assert {west.running.alliance.digest, east.running.alliance.digest} == {
        alliance.parse(alliances.version(m.document, 2).read_text("utf-8")).digest for m in (west, east)
    }
    # and work goes on
    west.record()


def test_one_of_two_successors_alone_is_not_taken_after_a_start(
    new_league: NewLeague, tmp_path: Path
) -> None:
    # given two running nodes with two valid versions 2, and a third whose folder cannot be written
    league = new_league()
    _, _, north = (league.member(*named) for named in (("west", WEST), ("east", EAST), ("north",)))
    league.found()
    document = versions(league, "west").current
    for name, minutes in (("west", 1), ("east", 2)):
        league.publish(league.members[name], league.sign(beating(document, minutes)), 2)
    league.start("west", "east")
    with opened(league, north, tmp_path / "gone") as node:
        # when it asks both
        assert not node._ask()
        assert node.versions.current.version == 1
        assert _breaches(north.dsn) == [("alliance", 2, "fork", 2)]
    # and, started again, can reach one only
    league.members["east"].stop()
    with opened(league, north, tmp_path / "gone") as node:
        # then it stays where it was, and says why
        assert not node._ask()
        assert node.versions.current.version == 1
        assert "was signed twice" in Control(node).trouble()[0]
    assert "was signed twice: table ledger.breach" in north.run("doctor", exit_code=1)


@contextmanager
def opened(league: League, member: Member, folder: Path) -> Iterator[Node]:
    """A node without loops, which keeps new versions in that folder."""
    told = settings.load(member.settings)
    node = Node(told, alliances.load(member.document, told.alliance.digest), league.exchange)
    node.versions.file = folder / "alliance.note"
    node.open()
    try:
        yield node
    finally:
        node.close()


def _breaches(dsn: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute("SELECT log, position, kind, cardinality(evidence) FROM ledger.breach").fetchall()
