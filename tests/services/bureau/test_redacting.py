"""Redaction: the bytes are gone everywhere, figures go on without them, and proofs hold."""

import random
from collections.abc import Callable

import pytest
from pydantic import JsonValue

from events import errors, merkle
from events.activity import Form
from events.event import Key
from events.values import Place, Reason, Why
from projections import activity as activities
from projections import track
from projections.activity import Chosen
from projections.models import MODELS
from projections.source import Entry
from services.bureau.activity import Change, Confirm, Plan, Publish
from services.bureau.office import Answer
from services.bureau.records import Correct
from services.bureau.redacting import Redact
from services.ledger import logs, read, redaction, replay, store, tiles, verify
from services.ledger.guard import Guard, Head
from services.projector import rebuild
from tests.projections import nodes
from tests.projections.histories import World
from tests.projections.nodes import Node
from tests.projections.test_any_order import deliveries
from tests.services.bureau.province import Province, day
from tests.services.ledger import nodes as alliances
from tests.support.databases import Server

HOME, GUEST = "500117", "511600"
WHY = Why(code=Reason.OTHER)


def plan(province: Province, title: str = "研学") -> Answer:
    place = Place(division=HOME)
    command = Plan(
        title=title, form=Form.STUDY_VISIT, starts=day("2026-04-01"), ends=day("2026-04-01"), place=place
    )
    return province.do(HOME, command)


def titles(province: Province) -> list[str | None]:
    return [row.title for row in province.ask(activities.MODEL, activities.activities, Chosen())]


def value(province: Province, key: Key) -> bytes:
    with province.database.connection() as conn:
        (entry,) = read.entries(conn, key[0], key[1] - 1, 1)
    return entry.value


def redacted(province: Province, answer: Answer) -> Answer:
    return province.do(HOME, Redact(position=answer.position, reason=WHY))


def copy(province: Province) -> World:
    """What everybody has of all logs, as it is here now."""
    world = World()
    with province.database.connection() as conn:
        for log in logs.heads(conn):
            world.logs[log] = [Entry(log, *entry) for entry in read.entries(conn, log)]
    return world


def test_the_bytes_are_gone_and_the_tree_still_leads_to_the_signed_root(province: Province) -> None:
    # given
    first = plan(province)
    kept = value(province, (HOME, first.position))
    # when
    redacted(province, first)
    # then
    assert value(province, (HOME, first.position)) == redaction.GONE
    with province.database.connection() as conn:
        (entry,) = read.entries(conn, HOME, first.position - 1, 1)
        size, root, _ = store.latest(conn, HOME)
        assert entry.leaf == merkle.leaf_hash(kept)
        assert store.tree_root(conn, HOME, size) == root
        assert redaction.decided(conn, HOME, first.position, entry.leaf)
        assert not redaction.decided(conn, HOME, first.position + 1, entry.leaf)
        guard = Guard("", {HOME: Head(size, root)})
        with pytest.raises(errors.Gone):
            tiles.serve(conn, guard, HOME, f"tile/entries/000.p/{size}")
        assert tiles.serve(conn, guard, HOME, f"tile/0/000.p/{size}")


def test_figures_go_on_without_it_and_every_node_agrees_whether_it_had_the_bytes_or_not(
    province: Province, postgres: Server, new_database: Callable[..., str]
) -> None:
    # given a plan that was corrected and changed, another one, and an answer to a question
    first, other = plan(province), plan(province, "合唱")
    stream = province.stream(first)
    province.do(HOME, Publish(stream=stream, bureaus=(GUEST,)))
    right: dict[str, JsonValue] = {"title": "红色研学"}
    province.do(
        HOME,
        Correct(aggregate="activity", stream=stream, position=first.position, reason=WHY, payload=right),
    )
    moved = province.do(
        HOME,
        Change(stream=stream, starts=day("2026-04-03"), ends=day("2026-04-03"), place=Place(division=HOME)),
    )
    province.do(GUEST, Confirm(log=HOME, stream=stream))
    with_bytes = copy(province)
    # when the plan and the change are redacted
    redacted(province, first)
    redacted(province, moved)
    after = copy(province)
    for log, entries in after.logs.items():
        with_bytes.logs.setdefault(log, []).extend(entries[len(with_bytes.logs.get(log, ())) :])
    # then the list goes on without them
    assert set(titles(province)) == {None, "合唱"}
    assert value(province, (HOME, other.position)) != redaction.GONE
    # and whoever has the bytes still, and whoever rebuilds without them, comes to the same
    node = Node(new_database(postgres.template("projections", nodes.prepare_database)), with_bytes)
    for seed in range(2):
        node.begin_again(with_bytes)
        for batch in deliveries(with_bytes, random.Random(seed)):
            node.fold(batch)
        while node.fold([]):
            pass
        assert node.digests() == province.digests()
    node.conn.close()
    for model in MODELS:
        assert rebuild.anew(province.database, [model])[0].differences == []


def test_a_model_that_comes_to_the_gap_after_the_bytes_are_gone_agrees(
    province: Province, postgres: Server, new_database: Callable[..., str]
) -> None:
    # given a model that stands still while a question is asked, answered and redacted
    with province.database.connection() as conn:
        track.set_state(conn, "activity", "paused")
    first = plan(province)
    stream = province.stream(first)
    question = province.do(HOME, Publish(stream=stream, bureaus=(GUEST,)))
    province.do(GUEST, Confirm(log=HOME, stream=stream))
    with_bytes = copy(province)
    redacted(province, question)
    with_bytes.logs[HOME].extend(copy(province).logs[HOME][len(with_bytes.logs[HOME]) :])
    # when it goes on
    with province.database.connection() as conn:
        track.set_state(conn, "activity", "running")
    province.settle()
    # then it says what it says at a node that folded all of it in time
    node = Node(new_database(postgres.template("projections", nodes.prepare_database)), with_bytes)
    node.catch_up()
    assert node.digests() == province.digests()
    node.conn.close()


def test_a_decision_about_what_is_not_there_removes_nothing(province: Province) -> None:
    first = plan(province)
    with pytest.raises(errors.NotFound):
        province.do(HOME, Redact(position=first.position + 7, reason=WHY))
    redacted(province, first)
    with pytest.raises(errors.Conflict):
        redacted(province, first)


def test_verification_says_redacted_and_finds_bytes_that_somebody_took(province: Province) -> None:
    # given one record redacted by decision
    first, other = plan(province), plan(province, "合唱")
    redacted(province, first)
    alliance = alliances.alliance(HOME, GUEST)
    with province.database.connection() as conn:
        for check in (verify.verify(conn, alliance, HOME), replay.replay(conn, HOME)):
            assert [f for f in check.findings if f.kind != "signature"] == []  # its keys are others
            assert check.redacted == 1
        # when somebody empties another one
        conn.execute(
            "UPDATE ledger.entry SET value = '' WHERE log = %s AND position = %s", [HOME, other.position]
        )
        # then it is found, with its position
        found = {(f.position, f.kind) for f in verify.verify(conn, alliance, HOME).findings}
        assert {(other.position, "source"), (other.position, "leaf")} <= found
        assert [f.position for f in replay.replay(conn, HOME).findings] == [other.position]
