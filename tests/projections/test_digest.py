"""The digest: what its documentation says, so that a stranger can compute it."""

import hashlib

import pytest

from events import activity
from projections import digest, model, models, quarantine, track
from tests.projections.conftest import NewNode
from tests.projections.histories import World, planned, stream_id
from tests.projections.nodes import Node

ONE, TWO = "500116", "510300"


def history() -> World:
    world = World()
    world.record(TWO, "b", planned("二"))
    world.record(ONE, "a", planned("一"))
    world.unknown(ONE, "c")
    world.record(ONE, "c", activity.ActivitySignUpStated(persons=3))
    return world


ANSWER = "log stream position origin_log origin_position kind type time question_log question_position"


@pytest.fixture
def node(new_node: NewNode) -> Node:
    made = new_node(history())
    made.catch_up()
    return made


def test_it_is_the_hash_of_the_lines_that_its_page_describes(node: Node) -> None:
    a, b = stream_id("a"), stream_id("b")
    quarantine.skip(node.conn, (ONE, 3), "见决定", model="inbox")
    lines = [
        "yinqiao-read-model/v1",
        "inbox 2",
        f"vector {ONE}:3 {TWO}:1",
        f"waiting {ONE}:2",
        f"skipped {ONE}:3",
        "redacted",
        f"table answer {ANSWER}",
        "table ask log stream bureau position role due extended passed_to",
        "table closing log stream bureau successor",
        "table loop log stream title asked asked_type asked_time closed closed_at how",
        "\t".join([ONE, a, "一", *[r"\N"] * 6]),
        "\t".join([TWO, b, "二", *[r"\N"] * 6]),
        "table named log stream answer_log answer_position",
        "table question log stream position origin_log origin_position",
        "table reminder log stream position bureau time",
    ]
    expected = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    assert digest.digest(node.conn, model.live(models.BY_NAME["inbox"])) == expected


@pytest.mark.parametrize(
    "setting", ["timezone = 'Asia/Shanghai'", "datestyle = 'SQL, DMY'", "bytea_output = 'escape'"]
)
def test_the_session_s_settings_do_not_matter(node: Node, setting: str) -> None:
    before = node.digests()
    node.conn.execute(f"SET {setting}".encode())
    assert node.digests() == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE model_activity.activity SET title = 'x' WHERE log = '510300'",
        "DELETE FROM model_activity.activity WHERE log = '510300'",
        "UPDATE projection.position SET position = position + 1 WHERE model = 'activity' AND log = '510300'",
        "DELETE FROM projection.waiting WHERE model = 'activity' AND position = 3",
        "INSERT INTO projection.skipped VALUES ('activity', '500116', 9, gen_random_uuid(), 'skipped', 'x')",
    ],
)
def test_any_change_shows(node: Node, change: str) -> None:
    before = node.digests()
    node.conn.execute(change.encode())
    after = node.digests()
    assert after.pop("activity") != before.pop("activity")
    assert after == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE projection.waiting SET attempts = 9, detail = 'other words', since = now()",
        "UPDATE model_timeline.arrival SET position = 99",
        "UPDATE projection.model SET moved = now()",
        "INSERT INTO projection.position SELECT name, '500999', 0 FROM projection.model",
    ],
)
def test_what_is_this_node_s_own_does_not_count(node: Node, change: str) -> None:
    before = node.digests()
    node.conn.execute(change.encode())
    assert node.digests() == before
    assert track.vector(node.conn, "inbox")[ONE] == 3
