"""A node that ends: what was answered in its last moment is signed and shipped before it goes."""

from tests.services.node.conftest import NewLeague
from tests.services.node.league import eventually

WEST, EAST = "500116", "510100"


def test_what_was_recorded_in_the_last_moment_is_signed_and_shipped(new_league: NewLeague) -> None:
    # given two nodes, of which one has just recorded something and not heard of it yet
    league = new_league()
    west, east = league.member("west", WEST), league.member("east", EAST)
    league.found()
    league.start()
    west.record()
    league.agree()
    west.running.office._wake = lambda: None  # the hint is lost, as it may be
    last = west.record(3).position
    # when it ends
    assert west.running.close() == []
    # then the other one has it all the same
    eventually(lambda: east.covered()[WEST] == last, 10)
