"""Plays the script at one node: its own logs in their order, each order once what it rests on is folded.

The orders of a log have their places in advance, so its head says where an interrupted load goes on.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures

from events import errors
from events.event import Key
from projections.models import MODELS
from services.demo.script import Paper, Script, Step
from services.node.node import Node
from services.people.attachments import Store
from services.people.keystore import KeyStore
from services.runtime.database import Connection

TOGETHER = 1_000
"""Orders of one log in a transaction, at most."""
PAUSE = 0.01
"""Seconds between looks at what has arrived."""
PATIENCE = 0.5
"""Seconds to wait for a database or a guard that is away."""


class Player:
    """One running node's share of the script. One thread uses it."""

    def __init__(self, node: Node, script: Script) -> None:
        self._node = node
        self._steps = {log: script.steps.get(log, ()) for log in node.own}
        self._papers = [paper for paper in script.papers if paper.log in node.own]

    def play(self, stop: threading.Event) -> int:
        """Give all orders that are not recorded yet; how many events that made. Ends early when told to stop.

        Raises Conflict when an order is refused or a log holds other records than the script's.
        """
        self._keep_papers()
        waiting = self._waiting()
        due = _events(waiting)
        while any(waiting.values()) and not stop.is_set():
            try:
                if not self._turn(waiting):
                    stop.wait(PAUSE)
            except errors.Unavailable:  # perhaps recorded: the heads know
                stop.wait(PATIENCE)
                waiting = self._waiting()
        return due - _events(waiting)

    def _turn(self, waiting: dict[str, list[Step]]) -> bool:
        """One transaction for each log that can go on; whether there was one."""
        moved, folded = False, self._folded()
        for log, steps in waiting.items():
            run = list(_ready(steps, folded))
            if run:
                self._record(log, run)
                del steps[: len(run)]
                moved = True
        return moved

    def _record(self, log: str, run: Sequence[Step]) -> None:
        answers = self._node.office.bulk(log, [step.order for step in run], TOGETHER)
        for step, answer in zip(run, answers, strict=True):
            if isinstance(answer, errors.YinqiaoError):
                raise errors.Conflict(f"{log}: {step.order.key} was refused: {answer.message}")
            if (answer.position, answer.events) != (step.position, step.events):
                raise errors.Conflict(
                    f"{log}: {step.order.key} stands at {answer.position}, not at {step.position}: start over"
                )

    def _waiting(self) -> dict[str, list[Step]]:
        """What is not recorded yet, by log."""
        with self._node.database.connection() as conn:
            rows = conn.execute("SELECT log, head FROM ledger.log WHERE own").fetchall()
        heads: dict[str, int] = dict(rows)  # type: ignore[arg-type]  # the table's own types
        return {log: [s for s in steps if s.position > heads[log]] for log, steps in self._steps.items()}

    def _folded(self) -> Callable[[Key], bool]:
        """Whether a record was folded into every read model: decisions look into some of them."""
        with self._node.database.connection() as conn:
            rows = conn.execute(_FOLDED, [[model.name for model in MODELS], len(MODELS)]).fetchall()
        found: dict[str, int] = dict(rows)  # type: ignore[arg-type]  # the table's own types
        return lambda key: found.get(key[0], 0) >= key[1]

    def _keep_papers(self) -> None:
        folder, alliance = self._node.settings.attachments.dir, self._node.alliance.id
        for paper in self._papers:
            with self._node.database.transaction() as conn:
                if not _is_kept(conn, paper):
                    # a key without a row is of a load that was killed
                    KeyStore(folder).forget(paper.attachment.digest)
                    store = Store(alliance, folder, _salted(paper.salt))
                    store.put(conn, paper.log, paper.content, paper.mediatype, ())


_FOLDED = """
SELECT log, min(position) FROM projection.position WHERE model = ANY(%s) GROUP BY log HAVING count(*) = %s
"""


def play_all(players: Sequence[Player], stop: threading.Event) -> int:
    """Play all shares at the same time; one that fails ends the others, and what it raised is raised."""
    with futures.ThreadPoolExecutor(len(players), "load") as pool:
        shares = [pool.submit(player.play, stop) for player in players]
        try:
            done, _ = futures.wait(shares, return_when=futures.FIRST_EXCEPTION)
        except BaseException:
            stop.set()  # or the pool would wait for shares that nobody wants any more
            raise
        if any(share.exception() for share in done):
            stop.set()
    return sum(share.result() for share in shares)


def _events(waiting: dict[str, list[Step]]) -> int:
    return sum(step.events for steps in waiting.values() for step in steps)


def _ready(steps: Sequence[Step], folded: Callable[[Key], bool]) -> Iterator[Step]:
    """From the first one on, as long as all that a step rests on is folded."""
    for step in steps[:TOGETHER]:
        if not all(map(folded, step.rests)):
            return
        yield step


def _is_kept(conn: Connection, paper: Paper) -> bool:
    query = "SELECT FROM people.attachment WHERE digest = %s"
    return conn.execute(query, [paper.attachment.digest]).fetchone() is not None


def _salted(salt: bytes) -> Callable[[int], bytes]:
    """Randomness whose first draw, the salt, is known: so the digest is. Key and nonce are random."""
    first = iter([salt])
    return lambda size: next(first, None) or os.urandom(size)
