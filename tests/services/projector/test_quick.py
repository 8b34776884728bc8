"""The quick step: records that come a few at a time come to what they come to all at once."""

from collections.abc import Iterator

import psycopg
import pytest

from events import activity
from projections import models, track
from services.projector.runner import Projector
from tests.projections.histories import World, ask, corrected, held, planned, reference
from tests.projections.test_any_order import Story
from tests.services.projector.conftest import NewShelf
from tests.services.projector.ledgers import Shelf
from tests.services.projector.test_runner import run_down


def calm() -> World:
    """Two bureaus, with answers, corrections and streams side by side, and nothing that must wait."""
    world = World()
    for number in range(4):
        name, answers = f"s{number}", f"a{number}"
        plan = world.record("500116", name, planned(f"活动{number}"))
        question = world.record("500116", name, activity.ActivityPublished(asks=(ask("510100"),)), [plan])
        said = activity.CohostConfirmed(question=reference(question), persons=number + 1)
        answer = world.record("510100", answers, said)
        done = world.record("500116", name, held(answer))
        world.record("500116", name, corrected(done, held(answer, persons=7)), [done])
    return world


def growing(world: World) -> Iterator[dict[str, int]]:
    """The vectors that come about record by record, in the order of their times."""
    ends = dict.fromkeys(world.logs, 0)
    for entry in sorted(world.all(), key=lambda entry: entry.order):
        ends[entry.log] = entry.position
        yield dict(ends)


def one_by_one(shelf: Shelf, projector: Projector, several: int = 1) -> None:
    for number, ends in enumerate(growing(shelf.world), 1):
        if number % several == 0:
            shelf.cover(ends)
            while projector.step():
                pass
    shelf.cover()
    while projector.step():
        pass


def whole(new_shelf: NewShelf, world: World) -> dict[str, str]:
    shelf = new_shelf(world)
    shelf.cover()
    run_down(shelf)
    return shelf.digests()


@pytest.fixture
def projector(new_shelf: NewShelf, monkeypatch: pytest.MonkeyPatch) -> tuple[Shelf, Projector]:
    """One that has looked round thoroughly once, and may do so no more."""
    shelf = new_shelf(calm())
    found = run_down(shelf)
    monkeypatch.setattr(found, "_step_thoroughly", lambda: pytest.fail("it was no quick step"))
    return shelf, found


@pytest.mark.parametrize("several", [1, 3])
def test_a_calm_history_is_folded_quickly_and_comes_to_the_same(
    projector: tuple[Shelf, Projector], new_shelf: NewShelf, several: int
) -> None:
    shelf, quick = projector
    one_by_one(shelf, quick, several)
    assert quick.handled == len(shelf.world.all())
    assert shelf.digests() == whole(new_shelf, shelf.world)


@pytest.mark.parametrize("seed", [3, 11])
def test_a_hard_history_that_comes_one_by_one_comes_to_the_same(new_shelf: NewShelf, seed: int) -> None:
    story = Story(seed, steps=50)
    shelf = new_shelf(story.world)
    one_by_one(shelf, run_down(shelf))
    assert shelf.digests() == whole(new_shelf, story.world)


def test_models_that_somebody_else_moved_are_looked_at_thoroughly(new_shelf: NewShelf) -> None:
    # given a projector that knows where the models stand
    shelf = new_shelf(calm())
    ours, theirs = run_down(shelf), run_down(shelf)
    vectors = list(growing(shelf.world))
    shelf.cover(vectors[4])
    assert ours.step() == 5
    # when another one moves them in between, then nothing is folded twice, and nothing is left out
    shelf.cover(vectors[6])
    assert theirs.step() == 2
    shelf.cover()
    while ours.step():
        pass
    assert shelf.digests() == whole(new_shelf, shelf.world)
    assert shelf.one("SELECT count(*) FROM model_timeline.arrival") == len(vectors)


def test_a_row_that_the_database_refuses_sets_its_record_aside(new_shelf: NewShelf) -> None:
    # given a table that refuses one title
    shelf = new_shelf(calm())
    quick = run_down(shelf)
    with psycopg.connect(shelf.dsn) as conn:
        conn.execute("ALTER TABLE model_activity.activity ADD CHECK (title <> '活动2')")
    # when the records come one by one, then that one waits, and all others are there
    one_by_one(shelf, quick)
    assert shelf.one("SELECT count(*) FROM model_activity.activity") == 3
    assert shelf.one("SELECT count(*) FROM model_timeline.arrival") == len(shelf.world.all())
    assert shelf.one("SELECT count(*) FROM projection.waiting WHERE cause = 'failed'") == 1
    with shelf.database.connection() as conn:
        assert track.vector(conn, models.MODELS[0].name) == shelf.world.vector()
