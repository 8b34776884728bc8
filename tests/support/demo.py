"""The loaded demo: four nodes in this process, loaded once a session; tests read it and leave it as it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from services.demo import agree
from services.demo.agree import Agreement
from services.demo.embedded import Embedded
from services.runtime import clock

PATIENCE = 60.0


class Loaded(NamedTuple):
    """The running demo, in what its nodes did not agree after the load, and what stood there then."""

    demo: Embedded
    differences: list[str]
    state: Agreement


@pytest.fixture(scope="session")
def loaded(server_folder: Path) -> Iterator[Loaded]:
    """The demo with everything that its script says; whoever needs its pages calls `loaded.demo.serve()`."""
    with Embedded(server_folder / "demo", durable=False) as demo:
        demo.load()
        different = agree.wait(demo.databases(), demo.alliance, PATIENCE)
        state = agree.state(demo.databases(), demo.alliance, clock.today(clock.now))
        yield Loaded(demo, different, state)
