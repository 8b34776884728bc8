"""Witnessing: publishes what this node cosigns, and takes in what all other nodes cosigned.

One receipts topic per node (contracts.md, "Names"); at most one receipt a log and `every` seconds. Offsets
are hints: read again, a receipt changes nothing.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from events import errors
from services.exchange import hints
from services.exchange.receipts_topics import Topics
from services.exchange.refused import Refused
from services.ledger import logs, receipts
from services.ledger.cosigning import Cosigner, Moment
from services.ledger.receipts import Receipt
from services.runtime import clock
from services.runtime import logs as log_lines
from services.runtime.clock import Clock
from services.runtime.database import Connection
from services.transport import base, topics

EVERY = 60
"""Seconds between two receipts of a log."""
TYPE = ("content-type", b"text/plain; charset=utf-8")
_LARGEST = 16 * 1024
_BACKOFF = 0.5
_log = log_lines.get(__name__)


class Witness:
    """A node as a witness, and as a reader of the others'. Belongs to one thread.

    `met` is set once everything that stood on the topics at the start was read, or nothing could be read:
    whoever signs waits for it, because what others cosigned may show that this is an old backup. While its
    own topic would lose receipts it is among the `refused`: nothing is cosigned then, and others' are read.
    """

    def __init__(
        self,
        exchange: base.Exchange,
        cosigner: Cosigner,
        now: Clock = clock.now,
        *,
        every: int = EVERY,
        met: threading.Event | None = None,
        refused: Refused | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exchange, self._cosigner, self._now, self._every = exchange, cosigner, now, every
        self._database, self._alliance = cosigner.database, cosigner.alliance
        self._own = topics.receipts(cosigner.name)
        others = [topics.receipts(name) for name in cosigner.alliance.nodes if name != cosigner.name]
        self._topics = Topics(exchange, others, monotonic)
        self._publisher = exchange.publisher()
        self._round_at = 0
        self._loaded = self._made = False
        self._refused = refused or Refused()
        self.met = met or threading.Event()

    def run(self, stop: threading.Event, judge: Callable[[], object] = lambda: None) -> None:
        """Read and cosign until told to stop; `judge` is called after each look at what others cosigned."""
        while not stop.is_set():
            try:
                self.read(1.0)
                judge()
                self._meet()
                self.cosign()
            except errors.Unavailable:
                self.met.set()
                stop.wait(_BACKOFF)

    def _meet(self) -> None:
        if self._topics.caught_up:
            self.met.set()

    def read(self, timeout: float) -> int:
        """Take in receipts of others; how many came. Raises Unavailable."""
        if not self._loaded:
            self._load()
        self._topics.refresh()
        messages = self._topics.poll(timeout)
        self._loaded = False  # until they are stored: else they are read again from where the hints stand
        forks = self._take(messages)
        self._loaded = True
        for log, fork in forks:
            _log.error("log-forked", log=log, position=fork.position)
        return len(messages)

    def cosign(self) -> int:
        """Cosign and publish, once in every stretch of `every` seconds; how many receipts left."""
        seconds = int(self._now().timestamp())
        start = seconds - seconds % self._every
        if start <= self._round_at:
            return 0
        made = self._cosigner.round(Moment(seconds, _text(start))) if self._ready() else ()
        if made:
            self._publish(made)
        self._round_at = start
        return len(made)

    def _ready(self) -> bool:
        """Whether there is an own topic that keeps what is published; asked anew each time until there is."""
        if not self._made:
            try:
                self._exchange.create(self._own)
            except errors.Invalid as error:
                self._refused.refuse(self._own, error.message)
                return False
            self._refused.admit(self._own)
            self._made = True
        return True

    def close(self) -> None:
        """Give publisher and reader back."""
        self._publisher.close()
        self._topics.close()

    def _load(self) -> None:
        with self._database.connection() as conn:
            self._topics.resume(hints.load(conn, self._topics.names))
        self._loaded = True

    def _take(self, messages: Sequence[base.Message]) -> list[tuple[str, errors.Fork]]:
        """One transaction; forks are given, with their log, which is stopped: the other receipts are kept."""
        with self._database.transaction() as conn:
            found = [self._taken(conn, message) for message in messages]
            found += receipts.catch_up(conn, self._alliance)
            forks = [(log, fork) for log, fork in found if fork is not None]
            for log, fork in forks:
                logs.stopped(conn, log, fork)
            if messages:
                hints.save(conn, self._topics.hints())
        return forks

    def _taken(self, conn: Connection, message: base.Message) -> tuple[str, errors.Fork | None]:
        node = message.log.removeprefix(topics.receipts(""))
        text = (message.value or b"")[:_LARGEST].decode("utf-8", "replace")
        try:
            receipt = receipts.opened(self._alliance, node, text)
        except errors.Damage:
            hints.damage(conn, {(message.log, "receipt"): 1})
            return "", None
        try:
            receipts.take(conn, self._alliance, receipt)
        except errors.Fork as fork:
            return receipt.log, fork
        return receipt.log, None

    def _publish(self, made: Sequence[Receipt]) -> None:
        records = [(receipt.log.encode(), receipt.note.encode(), [TYPE]) for receipt in made]
        try:
            self._publisher.publish(self._own, records)
        except base.NoTopic:
            self._made = False
            raise
        with self._database.transaction() as conn:
            receipts.mark_sent(conn, made)


def _text(seconds: int) -> str:
    return clock.text(datetime.fromtimestamp(seconds, UTC))
