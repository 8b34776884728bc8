"""Folding a read model anew: beside the live one and then in its place, or as it stood at a past vector."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from projections import digest, model, rebuild, track
from projections.apply import Engine
from projections.model import Instance, ReadModel
from projections.rebuild import Difference
from projections.track import Vector
from services.projector.source import LedgerSource, Reader, covered, reachable
from services.runtime.database import Connection

BATCH = 2_000
Progress = Callable[[int, int], object]
"""Called with how many records were folded, and how many there are."""


class Rebuilt(NamedTuple):
    """What came of it: how many records were folded, on which rows old and new differ, whether it took over."""

    events: int
    differences: list[Difference]
    switched: bool


def _quiet(_done: int, _all: int) -> None:
    """Nobody watches."""


def beside(
    conn: Connection, which: ReadModel, *, anyway: bool = False, progress: Progress = _quiet
) -> Rebuilt:
    """Fold a model anew while the live one serves, compare row by row, and let the new one take over.

    Rows that differ keep the old one in place, unless `anyway`; of another version nothing can be compared.
    `conn` is in autocommit mode and allows long statements. Killed at any point, the live one serves on, and
    the next rebuild begins anew. Raises NotFound when there is no live one.
    """
    new = rebuild.beside(which)
    rebuild.begin(conn, new)
    for _ in _fold(conn, new, lambda: _goal(conn, which), progress):
        pass
    with conn.transaction():
        same = track.lock(conn, which.name).version == which.version  # from here on the live one stands still
        for _ in _fold(conn, new, lambda: _goal(conn, which), progress):
            pass
        differences = rebuild.compare(conn, model.live(which), new) if same else []
        switched = anyway or not differences
        if switched:
            rebuild.switch(conn, which)
        events = sum(track.vector(conn, which.name if switched else new.name).values())
    return Rebuilt(events, differences, switched)


def _goal(conn: Connection, which: ReadModel) -> Vector:
    """Where the live one stands, so that both can be compared; of another version all that is covered."""
    live = next((s for s in track.states(conn) if s.name == which.name), None)
    if live is None or live.version != which.version:
        return covered(conn)
    return track.vector(conn, which.name)


@contextmanager
def past(
    conn: Connection, which: ReadModel, until: Mapping[str, int], label: str, progress: Progress = _quiet
) -> Iterator[Instance]:
    """A model as it stood at a past vector, in a schema of its own that goes afterwards.

    `conn` is in autocommit mode and allows long statements. Raises Invalid for a bad label.
    """
    instance = rebuild.past(which, label)
    rebuild.begin(conn, instance, until)
    try:
        for _ in _fold(conn, instance, lambda: rebuild.capped(covered(conn), until), progress):
            pass
        yield instance
    finally:
        track.drop(conn, instance.name)


def digest_at(
    conn: Connection, which: ReadModel, until: Mapping[str, int], label: str, progress: Progress = _quiet
) -> str:
    """The digest that a model had at a past vector. Raises Invalid for a bad label."""
    with past(conn, which, until, label, progress) as instance:
        return digest.digest(conn, instance)


def _fold(
    conn: Connection, instance: Instance, goal: Callable[[], Vector], progress: Progress
) -> Iterator[int]:
    """Fold batch after batch, a transaction each, until the goal is reached and nothing more becomes ready."""
    engine, reader = Engine(), Reader(track.vector(conn, instance.name))
    handled = -1
    while handled:
        with conn.transaction():
            track.lock(conn, instance.name)
            ends = goal()
            entries = reader.take(conn, ends, BATCH)
            handled = engine.apply(conn, [instance], entries, LedgerSource(conn), reachable(conn))
        progress(sum(reader.vector.values()), sum(ends.values()))
        yield handled
