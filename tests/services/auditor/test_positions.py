"""At which positions one may ask: a date, what is covered, and what witnesses have cosigned."""

import pytest

from services.auditor import positions
from tests.projections.histories import World, held, planned
from tests.services.auditor.conftest import NewTraveller
from tests.services.auditor.travelling import Traveller, value
from tests.services.exchange.test_witness import ALL
from tests.services.ledger.nodes import LOG, OTHER

STRANGE = "530000"
"""A log that the alliance document does not name."""


@pytest.fixture
def node(new_traveller: NewTraveller) -> Traveller:
    world = World()
    for number in range(3):
        for log in (LOG, OTHER, STRANGE):
            world.record(log, f"{log}{number}", planned())
            world.record(log, f"{log}{number}", held(persons=10))
    made = new_traveller(world)
    made.settle()
    return made


def cosign(node: Traveller, log: str, size: int, *names: str) -> None:
    with node.database.connection() as conn:
        for name in names:
            conn.execute(
                "INSERT INTO ledger.receipt (log, node, size, root, time, note, held)"
                " VALUES (%s, %s, %s, '', 0, 'note', true)",
                [log, name, size],
            )


def witnessed(node: Traveller) -> dict[str, int]:
    with node.database.connection() as conn:
        return positions.witnessed(conn, ALL)


def test_only_what_enough_witnesses_who_count_have_cosigned_may_be_cited(node: Traveller) -> None:
    assert witnessed(node) == {}
    # one is not enough, and a log's own host does not count (`east` hosts LOG)
    cosign(node, LOG, 6, "west", "east")
    assert witnessed(node) == {}
    cosign(node, LOG, 4, "west", "third")
    cosign(node, LOG, 2, "west", "third")
    cosign(node, OTHER, 6, "east", "third")
    assert witnessed(node) == {LOG: 4, OTHER: 6}


def test_a_report_at_witnessed_positions_knows_no_more(node: Traveller) -> None:
    cosign(node, LOG, 4, "west", "third")
    asked = node.ask("activities", witnessed(node))
    assert (asked.vector, value(asked, "persons")) == ({LOG: 4}, 20)
    assert value(node.ask("activities"), "persons") == 90


def test_what_lies_beyond_the_end_of_a_closed_log_may_not_be_cited(node: Traveller) -> None:
    cosign(node, LOG, 6, "west", "third")
    with node.database.connection() as conn:
        conn.execute(
            "INSERT INTO ledger.closed (log, size, root, succession) VALUES (%s, 3, '', '{}')", [LOG]
        )

    assert witnessed(node) == {LOG: 3}
    assert node.ask("activities", witnessed(node)).vector == {LOG: 3}


def test_a_vector_within_another_one_is_the_smaller_of_the_two() -> None:
    assert positions.within({"a": 5, "b": 2, "c": 1}, {"a": 3, "b": 9}) == {"a": 3, "b": 2}


def test_a_date_is_what_was_recorded_until_then(node: Traveller) -> None:
    times = sorted(entry.time.decode() for entry in node.world.all())
    with node.database.connection() as conn:
        assert sum(positions.at(conn, times[6]).values()) == 7
        assert positions.at(conn, "2000-01-01T00:00:00.000000Z") == {}
        assert positions.covered(conn) == node.covered
