"""Read models of past positions in scratch schemas, which are gone when they are no longer used."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from projections.model import Instance, ReadModel
from projections.rebuild import LeftOut
from projections.track import Vector
from services.projector import guarded, rebuild
from services.runtime.database import Database


class Scratch:
    """Builds read models for the length of a `with`; see services.auditor.asking.Build.

    `progress` is called with how many records were folded, and how many there are.
    """

    def __init__(self, database: Database, progress: Callable[[int, int], object] = lambda *_: None) -> None:
        self._database, self._progress = database, progress

    @contextmanager
    def __call__(
        self, model: ReadModel, until: Vector, left_out: Sequence[LeftOut] | None = None
    ) -> Iterator[Instance]:
        """The model as it stands at a vector. Raises Invalid when the vector is not covered here."""
        with guarded.label(self._database, [model]) as label:
            yield rebuild.past(self._database, model, label, until, self._progress, left_out)
