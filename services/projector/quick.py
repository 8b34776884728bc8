"""The quick step of the projector: a few new records in a calm ledger, in two round trips to the database."""

from collections.abc import Callable, Collection, Mapping, Sequence

from projections.model import Instance
from projections.quick import REFUSED, Quick, Unsuited
from services.ledger import redaction
from services.projector import news
from services.projector.news import News, Stand, Told
from services.runtime.database import Connection, Database
from services.runtime.failpoints import failpoint


class QuickStep:
    """Folds into all of `instances`, at most so many records at once; one thread uses it.

    `stand`: where they stand as far as is known; None until a thorough step has found it out.
    """

    def __init__(self, database: Database, instances: Sequence[Instance], most: int) -> None:
        self._database, self._instances, self._most = database, instances, most
        self._quick = Quick()
        self.stand: Stand | None = None

    def step(self, ends: Mapping[str, int], reachable: Collection[str]) -> News | None:
        """Fold what is new; None when that is nothing for a quick step, and then nothing was written.

        `ends` and `reachable` are those that were met before: another set has to be noticed thoroughly.
        Raises Unavailable.
        """
        stand, self.stand = self.stand, None  # until it is known how this one ended
        if stand is None:
            return None
        try:
            with self._database.pipelined() as conn:
                told = self._ask(conn, stand, ends, reachable)
                after = self._fold(Told(conn, told), stand)
                failpoint("project.folded")
        except (Unsuited, *REFUSED):
            return None
        failpoint("project.committed")
        self.stand = after()
        return told

    def _ask(
        self, conn: Connection, stand: Stand, ends: Mapping[str, int], reachable: Collection[str]
    ) -> News:
        told = news.ask(conn, [(i.name, i.model.version) for i in self._instances], stand.vector)
        if (
            not told.calm
            or told.moved != stand.moved
            or told.reachable != reachable
            or any(told.ends.get(log, 0) < end for log, end in ends.items())
            or len(told.entries) > self._most
            or any(redaction.decides(entry.value) for entry in told.entries)
        ):
            raise Unsuited
        return told

    def _fold(self, source: Told, stand: Stand) -> Callable[[], Stand]:
        """Send what is to be written; what it gives tells, after the commit, where all stand then."""
        told = source.news
        if not told.entries:
            return lambda: stand
        vector, moved = self._quick.fold(
            source.conn, self._instances, told.entries, stand.vector, source, told.reachable
        )
        return lambda: Stand(vector, dict(moved.fetchall()))
