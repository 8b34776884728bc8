"""A node comes back from an old backup: it gets back what it signed, or it does not write."""

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from events import errors
from events.experts import Tier
from events.values import Expertise
from services.bureau import experts
from services.ledger import read
from services.transport.inprocess import InProcessExchange
from tests.services.node import league as leagues
from tests.services.node.conftest import NewLeague
from tests.services.node.league import League, Member, eventually
from tests.support.databases import Server

WEST, EAST = "500116", "510100"
POOL = experts.StateStrength(day=date(2026, 1, 1), tier=Tier.POOL, field=Expertise.LAW, persons=3)
pytestmark = leagues.WARNINGS


@pytest.fixture
def league(new_league: NewLeague) -> League:
    """Two nodes, of which `west` recorded five and was stopped: time for a backup."""
    found = new_league()
    for name, log in (("west", WEST), ("east", EAST)):
        found.member(name, log)
    found.found()
    found.start()
    found.members["west"].record(5)
    eventually(lambda: found.members["east"].covered().get(WEST) == 5)
    found.members["west"].stop()
    return found


def guard(member: Member) -> Path:
    return member.folder / "guard"


def five_more(league: League) -> list[bytes]:
    """`west` records five more, which the other node cosigns; it is stopped. Gives what it held."""
    west, east = league.members["west"], league.members["east"]
    league.start("west")
    west.record(5)
    eventually(lambda: east.covered().get(WEST) == 10 and cosigned(east) == 10)
    held = west.values(WEST)
    west.stop()
    return held


def cosigned(member: Member) -> int:
    """How much of the log this node cosigned."""
    with member.running.database.connection() as conn:
        row = conn.execute("SELECT size FROM ledger.cosigned WHERE log = %s", [WEST]).fetchone()
    return int(row[0]) if row else 0  # type: ignore[call-overload]  # bigint


def check_whole(league: League, held: list[bytes]) -> None:
    """Then `west` holds all it held, goes on where it stood, and everybody agrees."""
    west, east = league.members["west"], league.members["east"]
    eventually(lambda: west.running.standing.cause is None)
    assert west.values(WEST) == held
    assert west.record().position == 11
    eventually(lambda: east.covered().get(WEST) == 11)
    assert east.values(WEST) == west.values(WEST)
    assert west.values(WEST)[:10] == held
    league.agree()
    for member in (west, east):
        with member.running.database.connection() as conn:
            assert conn.execute("SELECT log FROM ledger.breach").fetchall() == []
            assert conn.execute("SELECT log FROM ledger.log WHERE state <> 'open'").fetchall() == []


def test_a_database_older_than_the_guard_file_is_made_whole_before_it_writes(
    league: League, postgres: Server, new_database: Callable[..., str]
) -> None:
    west = league.members["west"]
    backup = new_database(west.dsn)
    held = five_more(league)
    # when the backup takes the database's place
    west.dsn = backup
    west.write_again()
    league.start("west")
    check_whole(league, held)


def test_without_a_line_it_stays_read_only_and_says_why(
    league: League, new_database: Callable[..., str]
) -> None:
    west, east = league.members["west"], league.members["east"]
    backup = new_database(west.dsn)
    held = five_more(league)
    before = guard(west).read_text("utf-8")
    east.stop()
    west.dsn = backup
    west.write_again()
    # when nobody can be asked: no topic, no other node
    with InProcessExchange() as nowhere:
        west.start(nowhere)
        node = west.running
        eventually(lambda: "log 500116" in (node.standing.cause or ""))
        for _ in range(3):
            time.sleep(1.5)
            with pytest.raises(errors.ReadOnly):
                west.record()
        assert (len(west.values(WEST)), guard(west).read_text("utf-8")) == (5, before)
        assert "guard\tbad" in west.run("doctor", exit_code=1)
        west.stop()
    # and when there is a line again, it goes on
    league.start("east", "west")
    check_whole(league, held)


@pytest.mark.parametrize("what", ["an older machine", "nothing but its keys"])
def test_a_whole_machine_set_back_learns_from_receipts_that_it_is_old(
    league: League, postgres: Server, new_database: Callable[..., str], what: str
) -> None:
    # given a machine whose database and guard file are of one old moment, so that they fit each other
    west = league.members["west"]
    old, guarded = west.dsn, guard(west).read_text("utf-8")
    west.dsn = new_database(old)
    west.write_again()
    held = five_more(league)
    if what == "an older machine":
        west.dsn = old
        guard(west).write_text(guarded, "utf-8")
    else:
        west.dsn = league.new_dsn()
        guard(west).unlink()
    west.write_again()
    # when it starts, what the others cosigned tells it, before it has signed anything
    league.start("west")
    check_whole(league, held)
    # and what it signed of the log is one history
    with west.running.database.connection() as conn:
        assert read.covered(conn)[WEST] == 11


def test_what_may_be_held_once_is_held_again(league: League, new_database: Callable[..., str]) -> None:
    # given a bureau that began the one stream of its talent pool after the backup
    west = league.members["west"]
    backup = new_database(west.dsn)
    league.start("west")
    west.do(POOL)
    before = claims(west)
    assert before != []
    eventually(lambda: league.members["east"].covered().get(WEST) == 6)
    west.stop()
    # when the backup comes back
    west.dsn = backup
    west.write_again()
    league.start("west")
    # then it is held again, and what is stated next goes on in that stream
    assert claims(west) == before
    assert west.do(POOL).position == 7
    with west.running.database.connection() as conn:
        assert read.record(conn, (WEST, 7)).version == 2
        assert conn.execute("SELECT count(*) FROM ledger.reclaim").fetchone() == (0,)


def claims(member: Member) -> list[tuple[object, ...]]:
    with member.running.database.connection() as conn:
        return conn.execute("SELECT * FROM ledger.claim ORDER BY 1, 2, 3").fetchall()


def test_a_command_that_was_answered_before_the_backup_came_back_is_not_done_twice(
    league: League, new_database: Callable[..., str]
) -> None:
    west = league.members["west"]
    backup = new_database(west.dsn)
    league.start("west")
    first = west.record(key="one-and-only")
    eventually(lambda: league.members["east"].covered().get(WEST) == 6)
    west.stop()
    west.dsn = backup
    west.write_again()
    league.start("west")
    assert west.record(key="one-and-only") == first
    assert len(west.values(WEST)) == 6
