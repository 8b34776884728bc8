"""With a redacted record go its attachments, at every node, unless a record that stands names them too."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from events import errors
from events.activity import Form
from events.loops import Role
from events.values import Attachment, Place, Reason, Why
from services.bureau.activity import Plan
from services.bureau.commands import Command
from services.bureau.office import Answer, Order
from services.bureau.redacting import Redact
from services.ledger import redaction
from services.node import erasing
from services.runtime import database
from services.runtime.database import Database
from tests.services.gateway import houses
from tests.services.gateway.houses import House
from tests.support.databases import Server

HOME = "500116"
DAY, PLACE = date(2026, 4, 1), Place(division=HOME)


@pytest.fixture
def house(postgres: Server, new_database: Callable[..., str], tmp_path: Path) -> Iterator[House]:
    made = House(new_database(postgres.template("gateway", houses.prepare)), tmp_path)
    yield made
    made.close()


def do(house: House, command: Command) -> Answer:
    order = Order(command.model_dump_json(), house.officer(HOME, Role.LEADER), command)
    answer = house.site.office.do(HOME, order)
    house.catch_up()
    return answer


def plan(house: House, title: str, safety_plan: Attachment | None) -> int:
    command = Plan(title=title, form=Form.LECTURE, starts=DAY, ends=DAY, place=PLACE, safety_plan=safety_plan)
    return do(house, command).position


def redact(house: House, position: int) -> None:
    do(house, Redact(position=position, reason=Why(code=Reason.OTHER)))


def erase(house: House) -> int:
    return erasing.attachments(house.database, house.site.attachments)


def read(house: House, attachment: Attachment) -> bytes:
    return house.site.attachments.get(attachment.digest, HOME, HOME)[0]


def test_it_goes_with_the_last_record_that_names_it(house: House) -> None:
    # given two activities with one safety plan, and one with another
    shared, own = (
        house.site.attachments.put(HOME, text.encode(), "text/plain", []) for text in ("预案甲", "预案乙")
    )
    first, second, third = (
        plan(house, title, named) for title, named in (("一", shared), ("二", shared), ("三", own))
    )
    assert erase(house) == 0
    # when the first and the last are redacted, twice looked at
    redact(house, first)
    redact(house, third)
    assert erase(house) == 1
    assert erase(house) == 0
    # then the one that another record names is there still
    assert read(house, shared) == "预案甲".encode()
    with pytest.raises(errors.NotFound):
        read(house, own)
    # and goes with that one
    redact(house, second)
    assert erase(house) == 1
    with pytest.raises(errors.NotFound):
        read(house, shared)


def grow(house: House) -> None:
    """The log of another bureau holds records that take seconds to read, as if they had been received."""
    with house.database.connection() as conn:
        conn.execute("INSERT INTO ledger.log (log, own, head) VALUES ('440100', false, 1000)")
        conn.execute(
            "WITH large AS MATERIALIZED (SELECT convert_to(repeat('记录', 200000), 'UTF8') AS value)"
            " INSERT INTO ledger.entry SELECT '440100', 1, false, NULL, NULL, '', value FROM large"
        )
        conn.execute(
            "INSERT INTO ledger.entry SELECT '440100', n, false, NULL, NULL, '', value"
            " FROM ledger.entry, generate_series(2, 1000) AS n WHERE log = '440100'"
        )


def test_it_goes_even_where_reading_the_whole_ledger_takes_longer_than_a_statement_may(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a ledger so large that a statement which reads it all is ended before its time
    shared, own = (
        house.site.attachments.put(HOME, text.encode(), "text/plain", []) for text in ("预案甲", "预案乙")
    )
    first, _, third = (
        plan(house, title, named) for title, named in (("一", shared), ("二", shared), ("三", own))
    )
    redact(house, first)
    redact(house, third)
    grow(house)
    monkeypatch.setattr(redaction, "_SPAN", 10)
    monkeypatch.setattr(database, "_OPTIONS", f"{database._OPTIONS} -c statement_timeout=500ms")
    hurried = Database(house.database.dsn, size=2).open()
    with hurried.connection() as conn, pytest.raises(psycopg.errors.QueryCanceled):
        conn.execute("SELECT FROM ledger.entry WHERE position('-'::bytea IN value) > 0")
    # when the attachments are erased
    assert erasing.attachments(hurried, house.site.attachments) == 1
    hurried.close()
    # then what no record names is gone, and only that
    assert read(house, shared) == "预案甲".encode()
    with pytest.raises(errors.NotFound):
        read(house, own)


def test_a_record_without_any_is_no_work(house: House) -> None:
    redact(house, plan(house, "一", None))
    assert erase(house) == 0
