"""What an operator does from the pages of one node of several in a process."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from structlog.testing import capture_logs

from events import errors
from services.node import alliances, loops
from services.node.control import Control
from services.node.node import Node
from services.runtime import settings
from tests.services.node.conftest import NewLeague
from tests.services.node.league import eventually

MODEL = "talent"


@pytest.fixture
def nodes(new_league: NewLeague) -> Iterator[list[Node]]:
    """Two nodes, open and without loops."""
    league = new_league()
    for name, log in (("west", "500116"), ("east", "510100")):
        league.member(name, log)
    league.found()
    with ExitStack() as stack:
        made = []
        for member in league.members.values():
            told = settings.load(member.settings)
            node = Node(told, alliances.load(member.document, told.alliance.digest), league.exchange)
            stack.callback(node.close)
            node.open()
            made.append(node)
        yield made


def test_a_read_model_is_rebuilt_once_at_a_time_at_each_node(nodes: list[Node]) -> None:
    west, east = (Control(node) for node in nodes)
    with psycopg.connect(nodes[0].dsn) as somebody:
        # given a rebuild at one node that waits for something
        somebody.execute("LOCK TABLE ledger.checkpoint IN ACCESS EXCLUSIVE MODE")
        west.rebuild(MODEL)
        # then it is not begun again there
        with pytest.raises(errors.Conflict, match="being rebuilt already"):
            west.rebuild(MODEL)
        # and the other node's own is its own
        east.rebuild(MODEL)
        eventually(lambda: east.rebuilding() == {MODEL: "done, 0 records"})
        assert west.rebuilding() == {MODEL: "running"}
    eventually(lambda: west.rebuilding() == {MODEL: "done, 0 records"})


def test_a_rebuild_that_fails_is_said_without_what_the_database_said(nodes: list[Node]) -> None:
    control = Control(nodes[0])
    with psycopg.connect(nodes[0].dsn, autocommit=True) as operator:
        operator.execute("ALTER TABLE ledger.checkpoint RENAME TO elsewhere")
    with capture_logs() as lines:
        control.rebuild(MODEL)
        eventually(lambda: control.rebuilding() == {MODEL: "failed: UndefinedTable"})
        eventually(lambda: lines)
    # then nothing comes out of the thread but this line, whose error `logs` shows without its message
    assert [(line["event"], line["model"]) for line in lines] == [("rebuild-failed", MODEL)]
    # and it may be tried again
    eventually(lambda: not control._threads[MODEL].is_alive())
    control.rebuild(MODEL)
    eventually(lambda: not control._threads[MODEL].is_alive())


def test_how_often_a_loop_had_to_begin_anew_is_told(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "PATIENCE", 0.01)
    begun: list[str] = []

    def body(stop: threading.Event) -> None:
        begun.append("")
        if len(begun) <= 3:
            raise errors.Unavailable("the exchange is away")
        stop.wait()

    nodes[0].loops.start("west-receive", body)
    eventually(lambda: len(begun) == 4)
    assert Control(nodes[0]).failures() == {"west-receive": 3}
