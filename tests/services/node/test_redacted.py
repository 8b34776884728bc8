"""Real nodes: a record is redacted while they run, and one that joins afterwards agrees with all of them."""

import httpx
import pytest

from events.values import Reason, Why
from services.bureau.redacting import Redact
from services.ledger import redaction
from tests.services.node import league as leagues
from tests.services.node.conftest import NewLeague
from tests.services.node.league import Member, eventually

WEST, EAST = "500116", "510100"
pytestmark = leagues.WARNINGS


def gone(member: Member, position: int) -> bool:
    values = member.values(WEST)
    return len(values) >= position and values[position - 1] == redaction.GONE


@pytest.mark.parametrize("channel", ["inprocess", "kafka"])
def test_what_is_redacted_goes_everywhere_and_who_joins_later_agrees(
    new_league: NewLeague, channel: str
) -> None:
    # given two nodes with some records, and a third one that is not there yet
    league = new_league(channel)
    for name, *hosted in (("west", WEST), ("east", EAST), ("watch",)):
        league.member(name, *hosted)
    league.found()
    league.start("west", "east")
    west, east, watch = (league.members[name] for name in ("west", "east", "watch"))
    west.record(5)
    eventually(lambda: east.covered().get(WEST) == 5)
    before = west.running.exchange.identity(WEST)
    # when one is redacted
    west.do(Redact(position=3, reason=Why(code=Reason.OTHER)))
    # then its bytes go at both, and from the topic; the bundle is gone, and who writes goes on
    eventually(lambda: gone(west, 3) and gone(east, 3))
    eventually(lambda: west.running.exchange.identity(WEST) not in {before, None})
    assert httpx.get(f"{east.url}/log/{WEST}/tile/entries/000.p/5", trust_env=False).status_code == 410
    west.record(2)
    eventually(lambda: east.covered().get(WEST) == 8)
    # and who joins now has all that is left, and says the same
    league.start("watch")
    eventually(lambda: watch.covered().get(WEST) == 8)
    league.agree()
    assert gone(watch, 3)
    assert [loop.name for m in (west, east, watch) for loop in m.running.loops.all if loop.failures] == []
