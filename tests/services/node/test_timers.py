"""An offer that nobody answered expires long after its deadline, once, and by the home's node only."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from events.loops import Asking
from events.values import Reason, Why
from services.bureau import talent
from services.node import timers
from services.runtime import workdays
from services.runtime.clock import SHANGHAI
from tests.services.bureau.conftest import BUREAUS
from tests.services.bureau.province import Province, prepare
from tests.services.bureau.test_cooperation import HOME, HOST, in_force
from tests.services.bureau.test_talent import offer, shared
from tests.support.databases import Server


@pytest.fixture
def province(postgres: Server, new_database: Callable[..., str], tmp_path: Path) -> Iterator[Province]:
    """Bureaus at one node, with a memorandum in force that opens talent."""
    made = Province(new_database(postgres.template("node", prepare)), tmp_path, BUREAUS)
    in_force(made)
    yield made
    made.close()


def offered(province: Province) -> str:
    return province.stream(province.do(HOME, offer(shared(province))))


def due(province: Province, stream: str) -> date:
    (asking,) = [r.data for r in province.history(HOME, stream) if isinstance(r.data, Asking)]
    return max(ask.due for ask in asking.asks)


def expire(province: Province, today: date, *own: str) -> int:
    """Look on that day, and project what was recorded."""
    province.now = datetime.combine(today, datetime.min.time(), SHANGHAI)
    count = timers.expire(province.database, province.office, own or BUREAUS, today)
    province.settle()
    return count


def last_type(province: Province, stream: str) -> str:
    return province.history(HOME, stream)[-1].type.split(".")[2]


def test_an_unanswered_offer_expires_after_twenty_working_days_by_the_system(province: Province) -> None:
    stream = offered(province)
    last = workdays.add(due(province, stream), timers.GRACE_DAYS)

    assert expire(province, last) == 0
    assert expire(province, last + timedelta(days=1)) == 1

    record = province.history(HOME, stream)[-1]
    assert (record.type, record.actor) == ("yinqiao.talent.dispatch-expired.v1", "system")


def test_looking_twice_records_it_once(province: Province) -> None:
    stream = offered(province)
    long_after = due(province, stream) + timedelta(days=100)

    timers.expire(province.database, province.office, BUREAUS, long_after)  # not projected yet
    expire(province, long_after)
    expire(province, long_after)

    types = [r.type.split(".")[2] for r in province.history(HOME, stream)]
    assert types.count("dispatch-expired") == 1


@pytest.mark.parametrize("answer", ["accepted", "declined"])
def test_an_answered_offer_stays(province: Province, answer: str) -> None:
    stream = offered(province)
    if answer == "accepted":
        province.do(HOST, talent.Accept(log=HOME, stream=stream))
    else:
        province.do(HOST, talent.DeclineOffer(log=HOME, stream=stream, reason=Why(code=Reason.CAPACITY)))

    assert expire(province, due(province, stream) + timedelta(days=100)) == 0
    assert last_type(province, stream) == "dispatch-approved"


def test_only_the_homes_node_ends_it(province: Province) -> None:
    stream = offered(province)

    assert expire(province, due(province, stream) + timedelta(days=100), HOST) == 0
    assert last_type(province, stream) == "dispatch-approved"
