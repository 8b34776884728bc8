"""A log that the alliance document closes: what lies beyond is void at every node, early or late."""

from base64 import b64encode
from typing import Any

from events import merkle
from events.alliance import Alliance
from projections import models
from services.ledger import closing, logs, read
from services.projector import rebuild
from services.projector.runner import Projector
from tests.projections.histories import World, planned
from tests.services.ledger import nodes
from tests.services.projector.conftest import NewShelf
from tests.services.projector.ledgers import Shelf

OLD, NEXT = "500116", "500116-2"


def world() -> World:
    """Two activities, and a third one that is recorded after the last good record."""
    made = World()
    for word in ("a", "b", "c"):
        made.record(OLD, word, planned(word))
    made.logs[NEXT] = []
    return made


def closed(made: World, **changes: Any) -> Alliance:
    """The document that closes the log after two records, which its successor goes on with."""
    root = merkle.root(entry.leaf for entry in made.logs[OLD][:2])
    alliance = nodes.alliance(OLD, NEXT)
    logs_ = tuple(
        log.model_copy(update={"closed_size": 2, "closed_root": _text(root), "successor": NEXT} | changes)
        if log.name == OLD else log
        for log in alliance.document.log
    )  # fmt: skip
    return Alliance(alliance.document.model_copy(update={"log": logs_}), "")


def _text(root: bytes) -> str:
    return b64encode(root).decode()


def project(shelf: Shelf) -> None:
    projector = Projector(shelf.database, models.MODELS)
    projector.prepare()
    while projector.step():
        pass


def declare(shelf: Shelf, alliance: Alliance) -> list[str]:
    with shelf.database.transaction() as conn:
        found = closing.state(conn, alliance)
    return rebuild.without_void(shelf.database, models.MODELS) if found else []


def test_whoever_folded_more_comes_to_the_same_as_who_never_did(new_shelf: NewShelf) -> None:
    # given one node that folded three records, and one that has two
    made = world()
    more, less = new_shelf(made), new_shelf(made)
    more.cover()
    less.cover({OLD: 2})
    for shelf in (more, less):
        project(shelf)
    # when the document closes the log after two, and the successor goes on with them
    assert set(declare(more, closed(made))) == {m.name for m in models.MODELS}
    assert declare(less, closed(made)) == []
    first, last = made.records([(OLD, 1), (OLD, 2)]).values()
    made.go_on(first, NEXT, last)
    made.go_on(last, NEXT)
    for shelf in (more, less):
        shelf.cover({NEXT: 2})
        project(shelf)
    # then they agree, and nothing waits
    assert more.digests() == less.digests()
    assert more.one("SELECT count(*) FROM projection.waiting") == 0
    assert more.one("SELECT string_agg(title, '' ORDER BY title) FROM model_activity.activity") == "ab"
    assert more.one("SELECT string_agg(DISTINCT log, ' ') FROM model_activity.activity") == NEXT


def test_a_stream_that_went_on_before_the_document_came_is_tried_again(new_shelf: NewShelf) -> None:
    made = world()
    first, last = made.records([(OLD, 1), (OLD, 2)]).values()
    made.go_on(first, NEXT, last)
    shelf = new_shelf(made)
    shelf.cover()
    project(shelf)
    assert shelf.one("SELECT count(*) FROM projection.waiting WHERE cause = 'foreign'") == len(models.MODELS)
    # when
    declare(shelf, closed(made))
    project(shelf)
    # then
    assert shelf.one("SELECT count(*) FROM projection.waiting") == 0


def test_what_is_void_is_no_part_of_a_stream_and_covered_by_nothing(new_shelf: NewShelf) -> None:
    made = world()
    later = made.record(OLD, "a", planned("zu spaet"))
    shelf = new_shelf(made)
    shelf.cover()
    declare(shelf, closed(made))
    with shelf.database.connection() as conn:
        assert read.covered(conn)[OLD] == 2
        assert len(read.history(conn, OLD, later.stream)) == 1
        found = closing.of(conn, OLD)
        assert found is not None
        assert (found.size, found.succession.successor) == (2, NEXT)
        assert closing.ended(conn) == {OLD}


def test_a_node_on_the_other_side_of_a_fork_stops_the_log(new_shelf: NewShelf) -> None:
    made = world()
    shelf = new_shelf(made)
    shelf.cover()
    declare(shelf, closed(made, closed_root=_text(bytes(32))))
    with shelf.database.connection() as conn:
        assert logs.state(conn, OLD).state == "stopped"
