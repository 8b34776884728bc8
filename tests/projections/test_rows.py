"""Rows: what is put is what stands in the table, whatever characters it holds."""

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections import tables
from projections.rows import Draft, Rows
from tests.projections.conftest import NewNode
from tests.projections.histories import World, planned, stream_id
from tests.projections.nodes import Node

LOG = "500116"
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["", "NULL", "null", '"', "\\", '\\"', "{", "}", ",", "{a,b}", "'", " ", "\n", "「」", "🎋", "%s"]
)


@pytest.fixture
def node(new_node: NewNode) -> Node:
    return new_node(World())


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # rows are rolled back
@given(titles=st.lists(st.none() | texts, min_size=1, max_size=4), outside=st.lists(texts, max_size=3))
def test_every_text_comes_back_as_it_was(node: Node, titles: list[str | None], outside: list[str]) -> None:
    world = World()
    records = [world.record(LOG, f"s{n}", planned()) for n, _ in enumerate(titles)]
    with node.conn.transaction(force_rollback=True):
        rows = Rows(tables.load(node.conn, "model_activity"))
        for record, title in zip(records, titles, strict=True):
            rows.put("activity", record, title=title, outside=outside, insured=True, persons=None)
        rows.flush(node.conn)
        query = "SELECT stream::text, title, outside, insured, persons FROM model_activity.activity"
        found = {stream: values for stream, *values in node.conn.execute(query).fetchall()}
    assert found == {stream_id(f"s{n}"): [title, outside, True, None] for n, title in enumerate(titles)}


def test_partial_rows_are_merged_in_a_batch_and_over_batches(node: Node) -> None:
    record = World().record(LOG, "a", planned())
    one: list[dict[str, object]] = [{"title": "一"}, {"stage": "planned"}]
    two: list[dict[str, object]] = [{"title": "二"}, {"persons": 3}]
    for first, second in (one, two):
        rows = Rows(tables.load(node.conn, "model_activity"))
        rows.put("activity", record, **first)
        rows.put("activity", record, **second)
        rows.flush(node.conn)
    query = "SELECT title, stage, persons FROM model_activity.activity"
    assert node.conn.execute(query).fetchall() == [("二", "planned", 3)]


def test_rows_of_a_stream_that_begins_are_written_beside_those_of_others(node: Node) -> None:
    world = World()
    old, new = world.record(LOG, "a", planned()), world.record(LOG, "b", planned())
    found = tables.load(node.conn, "model_activity")
    rows = Rows(found)
    rows.put("activity", old, title="旧", persons=1)
    rows.flush(node.conn)
    # given one stream with a row, and one without
    rows = Rows(found, {(new.log, new.stream)})
    rows.put("activity", old, title="改")
    rows.put("activity", new, title="新")
    rows.flush(node.conn)
    query = "SELECT title, persons FROM model_activity.activity ORDER BY persons"
    assert node.conn.execute(query).fetchall() == [("改", 1), ("新", None)]
    # when a stream is wrongly said to begin, then the database refuses it
    rows = Rows(found, {(old.log, old.stream)})
    rows.put("activity", old, title="再")
    with pytest.raises(psycopg.errors.UniqueViolation), node.conn.transaction():
        rows.flush(node.conn)


def test_dropping_a_stream_keeps_other_streams_and_what_is_written_afterwards(node: Node) -> None:
    world = World()
    one, two = world.record(LOG, "a", planned()), world.record(LOG, "b", planned())
    rows = Rows(tables.load(node.conn, "model_activity"))
    rows.put("activity", one, title="旧")
    rows.add("question", one, position=1)
    rows.flush(node.conn)
    rows = Rows(tables.load(node.conn, "model_activity"))
    rows.put("activity", one, title="较旧")
    rows.put("activity", two, title="另一个")
    rows.drop_stream((one.log, one.stream))
    rows.add("question", one, position=2)
    rows.flush(node.conn)
    assert node.conn.execute("SELECT title FROM model_activity.activity").fetchall() == [("另一个",)]
    assert node.conn.execute("SELECT position FROM model_activity.question").fetchall() == [(2,)]


def test_a_draft_that_is_not_handed_over_leaves_nothing(node: Node) -> None:
    record = World().record(LOG, "a", planned())
    rows, draft = Rows(tables.load(node.conn, "model_activity")), Draft()
    draft.put("activity", record, title="半途")
    rows.flush(node.conn)
    assert node.conn.execute("SELECT count(*) FROM model_activity.activity").fetchone() == (0,)
    draft.into(rows)
    rows.flush(node.conn)
    assert node.conn.execute("SELECT count(*) FROM model_activity.activity").fetchone() == (1,)


def test_a_table_whose_rows_belong_to_no_stream_is_refused(node: Node) -> None:
    node.conn.execute("CREATE TABLE model_activity.stray (name text PRIMARY KEY)")
    with pytest.raises(ValueError, match="must begin with log, stream"):
        tables.load(node.conn, "model_activity")
