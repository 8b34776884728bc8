"""Four nodes with their pages and the demo's memoranda, and what must hold when a journey ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.demo import agree, documents, expander
from services.demo.embedded import Embedded
from services.demo.expander import agreements
from services.runtime import clock
from tests.journeys.api.people import Journey


@pytest.fixture(scope="session")
def demo(server_folder: Path) -> Iterator[Embedded]:
    """The demo's four nodes, where nothing is recorded but the memoranda."""
    with Embedded(server_folder / "journeys-api", durable=False) as running:
        running.load(expander.expand(documents.NAME, (agreements,)))
        running.serve()
        yield running


@pytest.fixture
def journey(demo: Embedded) -> Iterator[Journey]:
    """A journey; at its end digests are equal, and every step stands in every node's timeline."""
    walked = Journey(demo)
    yield walked
    assert agree.wait(demo.databases(), demo.alliance, 30) == []
    state = agree.state(demo.databases(), demo.alliance, clock.today(clock.now))
    assert state.faults() == []
    for node in demo.nodes:
        _told(walked, node)


def _told(walked: Journey, node: str) -> None:
    lines = walked.get(node, "timeline", limit=100)["items"]
    sentences = {(line["log"], line["position"]): line["sentence"] for line in lines}
    assert walked.steps
    assert [step for step in walked.steps if not sentences.get(step)] == []
