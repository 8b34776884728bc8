"""The demo's folder: keys and alliance are made once, a taken port makes a signed successor."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from events import alliance, errors
from services.demo import documents, facts, stage, world
from services.demo.world import NODES, World
from services.node import alliances
from tests.support.databases import Server

PORTS = {name: 9001 + n for n, name in enumerate(NODES)}


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[World]:
    """A world that was prepared once."""
    found = World(tmp_path, postgres.dsn)
    found.prepare(PORTS)
    yield found
    for name in NODES:
        postgres.drop(found.database(name))


def test_four_nodes_host_25_logs_and_the_observer_none(made: World) -> None:
    found = made.prepare(PORTS)
    assert [len(found.logs_of(name)) for name in NODES] == [10, 12, 3, 0]
    assert {found.bureau(b["code"]).name_zh for b in facts.bureaus()} == {b["zh"] for b in facts.bureaus()}


def test_preparing_again_changes_nothing(made: World) -> None:
    before = (made.folder / "alliance.note").read_text("utf-8")
    assert made.prepare(PORTS).version == 1
    assert (made.folder / "alliance.note").read_text("utf-8") == before


def test_another_port_makes_a_version_that_the_quorum_signed(made: World) -> None:
    # when the observer's port is taken at a later start
    found = made.prepare(PORTS | {"observer": 9555})
    # then version 2 stands beside version 1, follows it, and names the other address
    first = made.folder / "alliance.note"
    assert found.version == 2
    assert found.node("observer").url == "http://127.0.0.1:9555"
    assert found.document.previous == alliance.digest(first.read_text("utf-8"))
    assert alliances.load(first, alliance.digest(first.read_text("utf-8"))) == found
    # and every node is told version 1's digest still
    assert made.settings("guests").alliance.digest == alliance.digest(first.read_text("utf-8"))


def test_the_settings_of_every_node_are_accepted_and_closed(made: World) -> None:
    for name in NODES:
        found = made.settings(name)
        assert (found.name, found.signin, found.demo) == (name, "demo", True)
        assert stat.S_IMODE(made.settings_file(name).stat().st_mode) == 0o600


def test_an_interrupted_first_start_goes_on(made: World) -> None:
    # given keys without a document, as a crash between the two leaves them
    (made.folder / "alliance.note").unlink()
    kept = (made.node("guests") / "keys" / "440100.key").read_bytes()
    assert made.prepare(PORTS).version == 1
    assert (made.node("guests") / "keys" / "440100.key").read_bytes() == kept


def test_a_taken_port_is_passed_over(tmp_path: Path) -> None:
    first = world.bind(tmp_path)
    try:
        second = world.bind(tmp_path)
        ports = [world.port_of(s) for s in (*first.values(), *second.values())]
        assert len(set(ports)) == 8
        for bound in second.values():
            bound.close()
    finally:
        for bound in first.values():
            bound.close()


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    with world.alone(tmp_path), pytest.raises(errors.Unavailable, match="already"), world.alone(tmp_path):
        pass


def test_starting_over_removes_what_is_the_demos_and_nothing_else(made: World) -> None:
    (made.folder / "letter.txt").write_text("not ours")
    world.erase(made.folder)
    assert [path.name for path in made.folder.iterdir()] == ["letter.txt"]


def test_the_documents_operators_are_the_nodes() -> None:
    assert set(documents.OPERATORS) == {*(b["node"] for b in facts.bureaus()), "observer"}


def test_only_the_first_start_says_that_it_loads(tmp_path: Path) -> None:
    made = World(tmp_path)
    for name in NODES:
        assert "首次启动" in stage.starting(tmp_path)
        made.node(name).mkdir(parents=True)
        made.mark_loaded(name)
    assert "首次" not in stage.starting(tmp_path)
