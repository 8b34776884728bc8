"""Rebuilding beside the running model, and models of past days."""

from dataclasses import replace

import pytest

from events import errors
from projections import activity, digest, model, models, timeline, track
from services.projector import rebuild
from services.projector.runner import Projector
from tests.projections.histories import planned
from tests.projections.test_any_order import Story
from tests.services.projector.conftest import NewShelf
from tests.services.projector.ledgers import Shelf
from tests.services.projector.test_runner import run_down


def prepared(new_shelf: NewShelf, seed: int) -> tuple[Shelf, Projector]:
    story = Story(seed, steps=80)
    shelf = new_shelf(story.world)
    shelf.cover()
    return shelf, run_down(shelf)


def test_a_rebuild_comes_to_the_same_rows_and_takes_over(new_shelf: NewShelf) -> None:
    # given models that are up to date, each rebuilt
    shelf, projector = prepared(new_shelf, 21)
    before = shelf.digests()
    for report in rebuild.anew(shelf.database, models.MODELS):
        assert (report.differences, report.switched, report.records) == ([], True, len(shelf.world.all()))
    assert shelf.digests() == before
    # when more comes, then the projector goes on with the new tables
    shelf.world.record("500116", "later", planned("后来的"))
    shelf.cover()
    while projector.step():
        pass
    other = new_shelf(shelf.world)
    other.cover()
    run_down(other)
    assert shelf.digests() == other.digests()


def test_a_row_that_was_changed_by_hand_is_found_and_nothing_is_switched(new_shelf: NewShelf) -> None:
    shelf, _ = prepared(new_shelf, 22)
    good = shelf.digests()
    with shelf.database.connection() as conn:
        conn.execute("UPDATE model_activity.activity SET title = '改' WHERE stream ="
                     " (SELECT min(stream::text)::uuid FROM model_activity.activity)")  # fmt: skip
    (report,) = rebuild.anew(shelf.database, [activity.MODEL])
    assert [(d.table, d.before is None, d.after is None) for d in report.differences] == [
        ("activity", False, False)
    ]
    assert not report.switched
    # unless it is accepted
    (report,) = rebuild.anew(shelf.database, [activity.MODEL], accept=True)
    assert report.switched
    assert shelf.digests() == good


def test_a_model_of_another_version_stands_still_until_it_is_rebuilt(new_shelf: NewShelf) -> None:
    shelf, _ = prepared(new_shelf, 23)
    newer = replace(activity.MODEL, version=activity.MODEL.version + 1)
    chosen = [newer if each.name == "activity" else each for each in models.MODELS]
    projector = Projector(shelf.database, chosen)
    assert projector.prepare() == ["activity"]
    shelf.world.record("500116", "later", planned("后来的"))
    shelf.cover()
    while projector.step():
        pass
    count = "SELECT sum(position) FROM projection.position WHERE model = 'activity'"
    assert shelf.one(count) == len(shelf.world.all()) - 1
    (report,) = rebuild.anew(shelf.database, [newer])
    assert (report.before, report.after, report.switched) == (activity.MODEL.version, newer.version, True)
    assert shelf.one(count) == len(shelf.world.all())
    assert projector.prepare() == []


def test_live_pages_keep_their_arrival_numbers_over_a_rebuild(new_shelf: NewShelf) -> None:
    shelf, _ = prepared(new_shelf, 24)
    rows = "SELECT string_agg(number || log || position, ',' ORDER BY number) FROM model_timeline.arrival"
    before = shelf.one(rows)
    rebuild.anew(shelf.database, [models.BY_NAME["timeline"]])
    assert shelf.one(rows) == before


def test_a_past_vector_gives_the_digest_of_that_day(new_shelf: NewShelf) -> None:
    # given the digests at some moment, after which more came
    story = Story(25, steps=80)
    shelf = new_shelf(story.world)
    shelf.cover({log: len(entries) * 2 // 3 for log, entries in story.world.logs.items()})
    projector = run_down(shelf)
    then, vector = shelf.digests(), dict(shelf.covered)
    shelf.cover()
    while projector.step():
        pass
    assert shelf.digests() != then
    # when the models are built for that moment, then their digests are the same again
    for each in models.MODELS:
        instance = rebuild.past(shelf.database, each, "then", vector)
        with shelf.database.connection() as conn:
            assert digest.digest(conn, instance) == then[each.name]
            track.drop(conn, instance.name)


def test_a_past_instance_costs_no_log_and_numbers_no_arrivals(new_shelf: NewShelf) -> None:
    shelf, _ = prepared(new_shelf, 26)
    # when the timeline is built as of now, to be read and thrown away
    past = rebuild.past(shelf.database, timeline.MODEL, "t5", shelf.covered)
    # then its rows are those of the live one, and none of them was written twice
    with shelf.database.connection() as conn:
        assert digest.digest(conn, past) == shelf.digests()["timeline"]
        kept = "SELECT DISTINCT relpersistence::text FROM pg_class WHERE relnamespace = to_regnamespace(%s)"
        assert conn.execute(kept, [past.schema]).fetchall() == [("u",)]
        with model.reading(conn, past):
            assert timeline.last_arrival(conn) == 0
        assert conn.execute(kept, ["model_timeline"]).fetchall() == [("p",)]


def test_two_checks_at_once_leave_each_others_copies_alone(new_shelf: NewShelf) -> None:
    # given a check that is under way when another begins and ends
    shelf, _ = prepared(new_shelf, 27)
    inner: list[rebuild.Report] = []

    def meanwhile(_done: int, _all: int) -> None:
        if not inner:
            inner.extend(rebuild.check(shelf.database, [activity.MODEL]))

    outer = rebuild.check(shelf.database, [activity.MODEL], meanwhile)

    # then both found every record, and neither left anything
    assert [(r.records, r.differences) for r in outer + inner] == [(len(shelf.world.all()), [])] * 2
    assert shelf.one(r"SELECT count(*) FROM projection.model WHERE name LIKE '%\_at\_%'") == 0


def test_a_vector_beyond_what_is_covered_is_refused(new_shelf: NewShelf) -> None:
    shelf, _ = prepared(new_shelf, 26)
    beyond = {log: at + 1 for log, at in shelf.covered.items()}
    with pytest.raises(errors.Invalid, match="beyond"):
        rebuild.past(shelf.database, activity.MODEL, "then", beyond)
