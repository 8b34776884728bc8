"""A log that cannot close itself is closed by the document: the command knows the root, all nodes agree."""

import tomllib

from events import keys, merkle
from services.ledger import logs
from tests.services.node import league as leagues
from tests.services.node.conftest import NewLeague
from tests.services.node.league import League, Member, eventually

WEST, NEXT, EAST = "500116", "500116-2", "510100"
pytestmark = leagues.WARNINGS


def started(new_league: NewLeague) -> League:
    league = new_league()
    league.member("west", WEST)
    league.member("east", EAST)
    league.found()
    league.start()
    league.members["west"].record(6)
    eventually(lambda: league.members["east"].covered().get(WEST) == 6)
    return league


def state(member: Member) -> str:
    with member.running.database.connection() as conn:
        return logs.state(conn, WEST).state


def request(league: League, member: Member) -> str:
    out = str(member.folder / "next.request")
    member.run(
        "alliance", "request", "--alliance", league.name, "--log", NEXT, "--name-zh", "江北区老干部局",
        "--name-en", "Jiangbei", "--from", "2025-11-06", "--operator", "西", "--url", member.url,
        "--out", out,
    )  # fmt: skip
    return out


def test_a_log_is_closed_at_a_size_whose_root_the_ledger_knows(new_league: NewLeague) -> None:
    league = started(new_league)
    west, east = league.members["west"], league.members["east"]
    # when another node than its own proposes it, in favour of a log that joins with the same version
    draft = str(league.folder / "close.draft")
    words = ("--join", request(league, west), "--close", WEST, "--at", "4", "--successor", NEXT)
    east.run("alliance", "propose", *words, "--out", draft)
    for name in ("q0", "q2"):
        east.run("alliance", "sign", draft, "--key", str(league.folder / "quorum" / f"{name}.key"))
    east.run("alliance", "publish", draft)
    # then the root is that of the first records, and the log ends there at every node
    eventually(lambda: {m.running.alliance.version for m in (west, east)} == {2})
    assert state(west) == state(east) == "closed"
    said = next(log for log in tomllib.loads(league.current().document.write())["log"] if log["name"] == WEST)
    root = keys.encode(merkle.root(merkle.leaf_hash(value) for value in west.values(WEST)[:4]))
    assert (said["closed_size"], said["closed_root"], said["successor"]) == (4, root, NEXT)
    # and nobody is accused of anything
    for member in (west, east):
        assert "no findings" in member.run("audit", "verify")


def test_a_closing_that_cannot_be_is_refused_with_a_reason(new_league: NewLeague) -> None:
    west = started(new_league).members["west"]

    def said(*words: str) -> str:
        return west.run("alliance", "propose", *words, exit_code=2)

    assert "needs --at" in said("--close", WEST)
    assert "6 records" in said("--close", WEST, "--at", "7")
    assert "is not held" in said("--close", "999999", "--at", "1")
    assert "no other log" in said("--close", WEST, "--at", "4", "--successor", NEXT)
    assert "no other log" in said("--close", WEST, "--at", "4", "--successor", WEST)
