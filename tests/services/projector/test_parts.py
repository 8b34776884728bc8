"""Building by several processes: the same rows, and one process where logs cannot be folded apart."""

from collections import Counter

import pytest

from events import errors
from projections import models, rebuild
from projections.source import Entry
from services.bench.load import Load
from services.projector import parts
from services.projector import rebuild as building
from services.projector.building import Builder
from tests.projections.histories import World
from tests.projections.test_any_order import Story
from tests.services.projector.conftest import NewShelf
from tests.services.projector.ledgers import Shelf
from tests.services.projector.test_runner import run_down


@pytest.fixture(autouse=True)
def always_worthwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "WORTHWHILE", 1)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often building began from nothing."""
    counted: Counter[str] = Counter()
    begin = Builder.begin

    def count(self: Builder, *args: object) -> None:
        counted["begun"] += 1
        begin(self, *args)  # type: ignore[arg-type]  # handed on as they come

    monkeypatch.setattr(Builder, "begin", count)
    return counted


def run_through(new_shelf: NewShelf, world: World) -> Shelf:
    shelf = new_shelf(world)
    shelf.cover()
    run_down(shelf)
    return shelf


def sound() -> World:
    """Four logs that ask and answer one another; nothing has to wait."""
    world, logs = World(), ("500101", "500102", "500103", "500104")
    for entry in Load("parts", logs).take(600):
        log = entry.fact.log
        world.logs.setdefault(log, []).append(Entry(log, entry.position, entry.value, entry.leaf))
    return world


def test_two_processes_come_to_the_same_rows_as_one(new_shelf: NewShelf, begun: Counter[str]) -> None:
    shelf = run_through(new_shelf, sound())
    before = shelf.digests()
    # when all models are rebuilt by two processes
    reports = building.anew(shelf.database, models.MODELS, processes=2)
    # then nothing differs, every record was folded, and nothing had to be begun anew
    assert [r.differences for r in reports] == [[]] * len(models.MODELS)
    assert {r.records for r in reports} == {len(shelf.world.all())}
    assert shelf.digests() == before
    assert begun["begun"] == 1


def test_indexes_are_made_again(new_shelf: NewShelf) -> None:
    shelf = run_through(new_shelf, sound())
    count = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'model_activity'"
    before = shelf.one(count)
    assert building.anew(shelf.database, models.MODELS, processes=2)[0].switched
    assert shelf.one(count) == before


def test_where_a_record_waits_one_process_folds_everything(new_shelf: NewShelf, begun: Counter[str]) -> None:
    # given a story with records that this version does not know, and others that rest on them
    shelf = run_through(new_shelf, Story(33, steps=120).world)
    before = shelf.digests()
    assert shelf.one("SELECT count(*) FROM projection.waiting")
    # when all is rebuilt by two processes, then one does it in the end, and it comes out the same
    reports = building.anew(shelf.database, models.MODELS, processes=2)
    assert [r.differences for r in reports] == [[]] * len(models.MODELS)
    assert shelf.digests() == before
    assert begun["begun"] == 2


def test_logs_are_divided_evenly() -> None:
    ends = {"a": 10, "b": 7, "c": 4, "d": 3}
    assert parts.divided(ends, 2) == [["a", "d"], ["b", "c"]]
    assert parts.divided({"a": 1}, 2) == [["a"]]


def test_a_process_that_fails_is_said(new_shelf: NewShelf) -> None:
    shelf = run_through(new_shelf, sound())
    builder = Builder(shelf.database, [rebuild.beside(models.MODELS[0])])  # never begun: no tables
    with pytest.raises(errors.Unavailable, match="ended early"):
        parts.build(builder, shelf.covered, 2)
