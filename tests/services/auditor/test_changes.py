"""Two days of a read model side by side, row by row."""

from itertools import islice

import pytest

from events import errors
from projections import activity, model, models
from services.auditor import changes
from services.auditor.changes import Changed
from services.runtime.database import Connection
from tests.projections.histories import World, corrected, held, planned, stream_id
from tests.projections.test_any_order import Story
from tests.services.auditor.conftest import NewTraveller
from tests.services.auditor.travelling import Traveller

ONE = "500116"


@pytest.fixture
def node(new_traveller: NewTraveller) -> Traveller:
    world = World()
    world.record(ONE, "a", planned())
    first = world.record(ONE, "a", held(persons=62))
    world.record(ONE, "b", planned())
    world.record(ONE, "a", corrected(first, held(persons=26)))
    made = new_traveller(world)
    made.settle()
    return made


def since(node: Traveller, position: int) -> list[Changed]:
    with (
        node.database.connection() as conn,
        node.build(activity.MODEL, {ONE: position}) as then,
    ):
        return list(changes.changes(conn, then, model.live(activity.MODEL)))


def test_a_row_that_changed_is_told_with_its_key_and_columns(node: Traveller) -> None:
    (row,) = since(node, 3)
    assert (row.model, row.table, row.key) == ("activity", "activity", {"log": ONE, "stream": stream_id("a")})
    assert row.fields == [("persons", 62, 26)]
    assert row.before is not None
    assert "persons" not in row.key


def test_a_row_that_came_or_went_is_there_on_one_side_only(node: Traveller) -> None:
    new = [row for row in since(node, 2) if row.before is None]
    assert [row.key["stream"] for row in new] == [stream_id("b")]
    assert new[0].after is not None
    assert ("title", None, "红色研学") in new[0].fields
    with (
        node.database.connection() as conn,
        node.build(activity.MODEL, {ONE: 2}) as then,
    ):
        back = list(changes.changes(conn, model.live(activity.MODEL), then))
    assert [row.key["stream"] for row in back if row.after is None] == [stream_id("b")]


def test_the_same_positions_differ_in_nothing(new_traveller: NewTraveller) -> None:
    node = new_traveller(Story(51, steps=120).world)
    node.settle()
    for which in models.MODELS:
        with node.database.connection() as conn, node.build(which, node.covered) as then:
            assert list(changes.changes(conn, then, model.live(which))) == []


def test_who_stops_looking_leaves_the_connection_as_it_was(node: Traveller) -> None:
    with node.database.connection() as conn, node.build(activity.MODEL, {}) as then:
        found = changes.changes(conn, then, model.live(activity.MODEL))
        assert len(list(islice(found, 1))) == 1
        found.close()  # type: ignore[attr-defined]  # a generator
        assert _idle(conn)


def test_tables_of_another_version_are_not_compared(node: Traveller) -> None:
    with node.database.connection() as conn, node.build(activity.MODEL, {}) as then:
        conn.execute("ALTER TABLE model_activity.activity ADD COLUMN more text")
        with pytest.raises(errors.Unavailable, match="rebuild"):
            list(changes.changes(conn, then, model.live(activity.MODEL)))


def _idle(conn: Connection) -> bool:
    return conn.info.transaction_status.name == "IDLE"
