"""The projector: what is covered is folded, once, whatever happens to the process or the database."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import psycopg
import pytest

from events import errors
from projections import models, quarantine, track
from services.projector import status
from services.projector.runner import Projector
from services.projector.source import LedgerSource, Reader
from services.runtime import clock
from services.runtime.database import Database
from services.runtime.failpoints import VARIABLE
from services.runtime.signals import Wake
from tests.projections.conftest import NewNode, new_node  # noqa: F401  (a fixture)
from tests.projections.histories import World, planned
from tests.projections.test_any_order import Story
from tests.services.projector.conftest import NewShelf
from tests.services.projector.ledgers import Shelf

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "3"))


def run_down(shelf: Shelf, batch: int = 2_000) -> Projector:
    projector = Projector(shelf.database, models.MODELS, batch=batch)
    projector.prepare()
    while projector.step():
        pass
    return projector


def test_the_ledger_gives_the_same_as_a_history_in_memory(
    new_shelf: NewShelf,
    new_node: NewNode,  # noqa: F811  (the fixture)
) -> None:
    # given a history with everything that makes it hard, folded from memory
    story = Story(11, steps=90)
    node = new_node(story.world)
    node.catch_up()
    # when the projector folds it from the ledger, in small batches
    shelf = new_shelf(story.world)
    shelf.cover()
    run_down(shelf, batch=7)
    # then every digest is the same
    assert shelf.digests() == node.digests()


def test_only_what_a_checkpoint_covers_is_folded(new_shelf: NewShelf) -> None:
    world = World()
    for number in range(6):
        world.record("500116", f"s{number}", planned())
    shelf = new_shelf(world)
    shelf.cover({"500116": 4})
    shelf.cover({"500116": 6}, only_store=True)
    run_down(shelf)
    assert shelf.one("SELECT count(*) FROM model_timeline.entry") == 4


def test_a_step_without_anything_new_does_nothing(new_shelf: NewShelf) -> None:
    story = Story(5, steps=40)
    shelf = new_shelf(story.world)
    shelf.cover()
    projector = run_down(shelf)
    before = shelf.digests()
    assert projector.step() == 0
    assert shelf.digests() == before


def test_a_paused_model_waits_and_comes_to_the_same_state(new_shelf: NewShelf) -> None:
    # given a model that is paused while the others go on
    story = Story(7, steps=60)
    shelf = new_shelf(story.world)
    half = {log: len(entries) // 2 for log, entries in story.world.logs.items()}
    shelf.cover(half)
    projector = run_down(shelf)
    with shelf.database.connection() as conn:
        track.set_state(conn, "activity", "paused")
    before = shelf.digests()
    shelf.cover()
    while projector.step():
        pass
    assert shelf.digests()["activity"] == before["activity"]
    # when it is resumed, then it catches up by itself, and stands where it would have
    with shelf.database.connection() as conn:
        track.set_state(conn, "activity", "running")
    while projector.step():
        pass
    other = new_shelf(story.world)
    other.cover()
    run_down(other)
    assert shelf.digests() == other.digests()


def test_two_projectors_by_mistake_fold_everything_once(new_shelf: NewShelf) -> None:
    story = Story(8, steps=120)
    shelf = new_shelf(story.world)
    shelf.cover()
    projectors = [Projector(shelf.database, models.MODELS, batch=9) for _ in range(2)]
    for projector in projectors:
        projector.prepare()
    stop, wakes = threading.Event(), [Wake(), Wake()]
    threads = [threading.Thread(target=p.run, args=[stop, w]) for p, w in zip(projectors, wakes, strict=True)]
    for thread in threads:
        thread.start()
    while shelf.one(
        "SELECT coalesce(sum(position), 0) FROM projection.position WHERE model = 'timeline'"
    ) != sum(story.world.vector().values()):
        threading.Event().wait(0.02)
    stop.set()
    for wake, thread in zip(wakes, threads, strict=True):
        wake.set()
        thread.join()
    run_down(shelf)
    other = new_shelf(story.world)
    other.cover()
    run_down(other)
    assert shelf.digests() == other.digests()
    waiting = shelf.one("SELECT count(*) FROM projection.waiting WHERE model = 'timeline'")
    assert shelf.one("SELECT count(*) FROM model_timeline.arrival") == len(story.world.all()) - int(
        str(waiting)
    )


def test_what_was_unknown_is_tried_again_at_the_next_start(new_shelf: NewShelf) -> None:
    world = World()
    world.record("500116", "a", planned())
    world.unknown("500116", "a")
    shelf = new_shelf(world)
    shelf.cover()
    run_down(shelf)
    run_down(shelf)
    with shelf.database.connection() as conn:
        assert {w.attempts for w in quarantine.waits(conn)} == {2}


def test_a_log_that_is_followed_later_releases_what_waited_for_it(new_shelf: NewShelf) -> None:
    # given records that rest on a log that is not followed
    world = World()
    first = world.record("510100", "b", planned())
    world.record("500116", "a", planned(), [first])
    shelf = new_shelf(world)
    with shelf.database.connection() as conn:
        conn.execute("DELETE FROM ledger.log WHERE log = '510100'")
    shelf.cover({"500116": 1})
    projector = run_down(shelf)
    assert shelf.one("SELECT min(cause) FROM projection.waiting") == "basis-missing"
    # when it is followed, then it may come
    with shelf.database.connection() as conn:
        conn.execute("INSERT INTO ledger.log (log, own) VALUES ('510100', false)")
    projector.step()
    assert shelf.one("SELECT min(cause) FROM projection.waiting") == "held"
    # and when it comes, nothing waits any more
    shelf.cover()
    while projector.step():
        pass
    assert shelf.one("SELECT count(*) FROM projection.waiting") == 0


def test_without_a_database_a_step_says_so_and_the_next_one_goes_on(new_shelf: NewShelf) -> None:
    story = Story(9, steps=40)
    shelf = new_shelf(story.world)
    shelf.cover()
    projector = Projector(shelf.database, models.MODELS, batch=5)
    projector.prepare()
    projector.step()
    away = Projector(Database("postgresql://nobody@127.0.0.1:1/none"), models.MODELS)
    with pytest.raises(errors.Unavailable):
        away.step()
    with psycopg.connect(shelf.dsn, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    while projector.step():
        pass
    assert shelf.one("SELECT sum(position) FROM projection.position WHERE model = 'inbox'") == len(
        story.world.all()
    )


def test_the_status_tells_how_far_behind_and_a_frozen_head(new_shelf: NewShelf) -> None:
    story = Story(6, steps=40)
    shelf = new_shelf(story.world)
    shelf.cover()
    projector = Projector(shelf.database, models.MODELS, batch=10)
    projector.prepare()
    projector.step()
    with shelf.database.connection() as conn:
        behind = {s.name: s for s in status.statuses(conn)}["activity"]
        assert behind.behind == len(story.world.all()) - 10
        assert behind.is_frozen(0)
        assert not behind.is_frozen(3_600)
    while projector.step():
        pass
    with shelf.database.connection() as conn:
        done = {s.name: s for s in status.statuses(conn)}["activity"]
    assert (done.behind, done.lag_seconds, done.is_frozen(0)) == (0, 0, False)
    assert clock.now() - done.moved < timedelta(minutes=1)


def test_reading_ahead_gives_every_record_once_in_the_order_of_time(new_shelf: NewShelf) -> None:
    story = Story(10, steps=120)
    shelf = new_shelf(story.world)
    shelf.cover()
    reader, seen = Reader({}), []
    with shelf.database.connection() as conn:
        while taken := reader.take(conn, shelf.covered, 13):
            seen += taken
            reader.peek(13)
    assert seen == story.world.all()
    assert reader.vector == story.world.vector()


def test_a_batch_can_be_folded_from_any_source(new_shelf: NewShelf) -> None:
    """Records, histories and versions over SQL are what the history in memory says."""
    story = Story(12, steps=80)
    shelf = new_shelf(story.world)
    shelf.cover()
    keys = [(e.log, e.position) for e in story.world.all()]
    with shelf.database.connection() as conn:
        source = LedgerSource(conn)
        assert sorted(source.entries(keys)) == sorted(story.world.entries(keys))
        assert source.records(keys) == story.world.records(keys)
        for record in list(story.world.records(keys).values())[:20]:
            asked = (record.log, record.stream, record.position, {record.position - 1})
            assert source.history(*asked) == story.world.history(*asked)


@pytest.mark.faults
@pytest.mark.parametrize("step", ["project.folded", "project.committed"])
def test_killed_at_any_step_nothing_is_lost_and_nothing_is_there_twice(
    new_shelf: NewShelf, step: str
) -> None:
    # given a projector that is killed several times on its way, which is long enough for it
    story = Story(13, steps=30 * ROUNDS)
    shelf = new_shelf(story.world)
    shelf.cover()
    command = [sys.executable, "-m", "tests.services.projector.killed", shelf.dsn]
    for passes in range(1, ROUNDS + 1):
        killed = subprocess.run(
            command, env={**os.environ, VARIABLE: f"{step}:{1 + passes % 3}"}, check=False
        )
        assert killed.returncode == -signal.SIGKILL
    # when it is started once more, then everything stands as if nothing had happened
    subprocess.run(command, check=True)
    other = new_shelf(story.world)
    other.cover()
    run_down(other)
    assert shelf.digests() == other.digests()
    arrivals = "SELECT count(*) FROM model_timeline.arrival"
    assert shelf.one(arrivals) == other.one(arrivals)
