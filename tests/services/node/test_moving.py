"""A bureau goes on at another node: its new log is added there, the old one closed and continued."""

from contextlib import suppress
from uuid import uuid4

from events import errors
from events.loops import Role
from events.membership import Closure
from services.bureau.case import Officer
from services.bureau.continuing import CloseLog, Continue
from services.bureau.office import Order
from tests.services.node import league as leagues
from tests.services.node.conftest import NewLeague
from tests.services.node.league import Member, eventually
from tests.services.node.test_joining import approve

WEST, EAST = "500116", "510100"
NEXT = f"{WEST}-2"
pytestmark = leagues.WARNINGS


def goes_on(member: Member) -> bool:
    """Whether the leader's word was taken: not before the closing has come here."""
    order = Order(str(uuid4()), Officer(str(uuid4()), WEST, Role.LEADER), Continue(log=WEST))
    with suppress(errors.Conflict):
        return member.running.office.do(NEXT, order).log == NEXT
    return False


def test_a_bureau_goes_on_at_a_node_that_the_document_names_already(new_league: NewLeague) -> None:
    # given two nodes, and experts whom one of them shares
    league = new_league()
    west, east = league.member("west", WEST), league.member("east", EAST)
    league.found()
    league.start()
    west.record(3)
    # when a log more is asked for at the other, approved and published
    out = str(league.folder / "more.request")
    east.run(
        "alliance", "request", "--alliance", league.name, "--log", NEXT, "--name-zh", "江津",
        "--name-en", "Jiangjin", "--from", "2026-01-01", "--operator", "east", "--url", east.url,
        "--out", out,
    )  # fmt: skip
    west.run("alliance", "publish", approve(league, out))
    eventually(lambda: NEXT in east.running.own and NEXT in west.running.followed)
    # and the old log is closed in its favour
    west.do(CloseLog(reason=Closure.CLOSING, successor=NEXT))
    eventually(lambda: goes_on(east))
    # then it is written there and nowhere else, and everybody agrees
    league.agree()
    assert (west.covered()[WEST], east.covered()[NEXT]) == (4, 3)
    assert east.record(log=NEXT).position == 4
    league.agree()
    assert len(east.running.alliance.document.node) == 2
    assert len(east.running.alliance.document.bureau) == 2
