"""Questions between bureaus: every context's take part, and what is asked anew stands as new."""

import pytest

from events import activity as events
from events import catalogue, loops
from events.event import Event
from projections import activity, models, questions
from tests.projections.conftest import NewNode
from tests.projections.histories import World, ask, planned, stream_id
from tests.projections.nodes import Node
from tests.projections.reading import ask as ask_model

ASKER, ONE, TWO = "500117", "511600", "512000"
BASES = (loops.Asking, loops.Extended, loops.PassedOn, loops.Settling, loops.Ending, loops.Answer)
STEPS = [kind for kind in catalogue.EVENTS.values() if issubclass(kind, BASES)]


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: kind.type)
def test_every_step_of_a_question_is_shown_by_exactly_one_context(kind: type[Event]) -> None:
    handlers = {m.name: m.handlers.of(kind) for m in models.MODELS}
    shown = [n for n, known in handlers.items() if any(h.__module__ == questions.__name__ for h in known)]
    assert len(shown) == 1


def invited(node: Node) -> list[tuple[str, str | None]]:
    rows = ask_model(node, activity.MODEL, activity.invited, ASKER, stream_id("a"))
    return [(row.bureau, row.passed_to) for row in rows]


def test_a_bureau_that_the_question_passed_by_is_asked_again_when_it_is_asked_anew(
    new_node: NewNode,
) -> None:
    # given an invitation that was passed on
    world = World()
    node = new_node(world, chosen=[activity.MODEL])
    world.record(ASKER, "a", planned())
    world.record(ASKER, "a", events.ActivityPublished(asks=(ask(ONE),)))
    world.record(ASKER, "a", events.ActivityPassedOn(bureau=ONE, to=ask(TWO)))
    assert invited(node) == [(ONE, TWO), (TWO, None)]
    # when the activity is published anew
    world.record(ASKER, "a", events.ActivityPublished(asks=(ask(ONE),)))
    # then the first bureau is asked as if for the first time
    assert invited(node) == [(ONE, None), (TWO, None)]
