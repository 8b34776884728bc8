"""The shipper: has every own topic hold all that was signed and guarded, in order, whatever the broker loses.

It knows what a topic holds by reading it, and ships one contiguous run from the first position that the topic
lacks. Killed at any instant, it reads again what it does not remember; a run that is sent twice is a repeat.
A topic that may hold what was redacted is made anew, and begins behind that.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from events import errors
from services.exchange import hints, wire
from services.exchange.own_topic import OwnTopic
from services.exchange.refused import Refused
from services.ledger import redaction, store
from services.ledger.guard import GuardFile
from services.ledger.redaction import Gone
from services.runtime import logs as log_lines
from services.runtime.database import Connection, Database
from services.runtime.failpoints import failpoint
from services.runtime.signals import Wake
from services.transport import base

RUN = 16_000
"""Records in one call of the publisher, so that no log waits long for another."""
SAFE = 64
"""So many of the largest values are less than 4 MiB: smaller batches may be joined without weighing them."""
LOOK = 1.0
_BACKOFF = 0.5
_BATCH = 2_000
_PAGE = 1_000
_PATIENCE = 5
_log = log_lines.get(__name__)


class Shipper:
    """Ships `logs`, all own. Belongs to one thread.

    It looks at the ends of its topics every `look` seconds; `monotonic` gives seconds. A log whose topic
    cannot be used as it is stands among the `refused`.
    """

    def __init__(
        self,
        database: Database,
        exchange: base.Exchange,
        guard_file: GuardFile,
        logs: Sequence[str],
        *,
        look: float = LOOK,
        refused: Refused | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._exchange, self._guard, self._now = database, exchange, guard_file, monotonic
        self._publisher, self._reader = exchange.publisher(), exchange.reader()
        self._topics = {log: OwnTopic(log) for log in logs}
        self._refused = refused or Refused()
        self._gone: Mapping[str, Gone] = {}
        self._saved: dict[str, hints.Hint] = {}
        self._look_every, self._look_at = look, 0.0
        self._loaded = False

    def run(self, stop: threading.Event, wake: Wake) -> None:
        """Ship until told to stop; while database or exchange are away, wait and try again."""
        while not stop.is_set():
            try:
                if not self.step():
                    wake.wait(LOOK)
            except errors.Unavailable:
                stop.wait(_BACKOFF)

    def step(self) -> int:
        """Look at the topics when it is time, and ship what is due; how many records. Raises Unavailable."""
        if not self._loaded:
            self._load()
        self._look()
        guard = self._guard.read()
        sizes = {log: guard.size(log) if guard else 0 for log in self._topics}
        due = [t for t in self._topics.values() if t.identity and sizes[t.log] > t.whole]
        return sum(self._ship(topic, sizes[topic.log]) for topic in due)

    def close(self) -> None:
        """Give publisher and reader back."""
        self._publisher.close()
        self._reader.close()

    def _load(self) -> None:
        with self._database.connection() as conn:
            for log, hint in hints.load(conn, self._topics).items():
                self._topics[log].resume(hint)
        for topic in self._topics.values():
            if self._exchange.identity(topic.log) != topic.identity:
                topic.identity = ""
        self._loaded = True

    def _look(self) -> None:
        """Notice topics that are missing, made anew, cut, or written by somebody; read what is new there."""
        if self._now() < self._look_at:
            return
        with self._database.connection() as conn:
            self._gone = redaction.gone(conn, self._topics)
        for topic in [t for t in self._topics.values() if not t.identity]:
            self._find(topic)
        ends = self._exchange.ends(self._topics)
        for topic in [t for t in self._topics.values() if t.identity and ends.get(t.log) != t.next]:
            self._reread(topic, ends.get(topic.log))
        for topic in [t for t in self._topics.values() if t.identity and t.stale(self._lost(t).records)]:
            self._renew(topic)
        self._remember()
        self._look_at = self._now() + self._look_every

    def _find(self, topic: OwnTopic) -> None:
        """Have a topic; one that would lose records is refused, and the other logs go on."""
        try:
            self._exchange.create(topic.log)
        except errors.Invalid as error:
            self._refused.refuse(topic.log, error.message)
            topic.identity = ""
            return
        self._refused.admit(topic.log)
        begin = self._begin(topic)
        topic.restart(self._exchange.identity(topic.log) or "", begin, self._lost(topic).last)
        if self._exchange.ends([topic.log]).get(topic.log) == begin:
            topic.made(self._lost(topic).records)

    def _begin(self, topic: OwnTopic) -> int:
        return self._exchange.begins([topic.log]).get(topic.log, 0)

    def _lost(self, topic: OwnTopic) -> Gone:
        return self._gone.get(topic.log, Gone())

    def _renew(self, topic: OwnTopic) -> None:
        """The topic goes, and with it all copies of what was redacted; another one takes its place.

        Killed in here, the next process does it again. A topic that claims more than this database covers may
        be all that is left of it: it stays until that was restored.
        """
        with self._database.connection() as conn:
            covered = store.latest(conn, topic.log)[0]
        guard = self._guard.read()
        if max(topic.claimed, guard.size(topic.log) if guard else 0) > covered:
            return
        try:
            self._exchange.drop(topic.log)
        except errors.Unavailable as error:  # shipping goes on; the next look tries again
            cause = f"the topic of log {topic.log} holds redacted records, and stays: {error.message}"
            self._refused.refuse(topic.log, cause)
            return
        failpoint("ship.dropped")
        self._find(topic)
        _log.info("topic-made-anew", log=topic.log, redacted=self._lost(topic).records)

    def _reread(self, topic: OwnTopic, end: int | None) -> None:
        if end is None or self._exchange.identity(topic.log) != topic.identity:
            self._find(topic)
        elif end < topic.next:
            topic.restart(topic.identity, self._begin(topic), self._lost(topic).last)
        if topic.identity:
            self._read(topic, end or 0)

    def _read(self, topic: OwnTopic, end: int) -> None:
        """Read up to `end`. Raises Unavailable when it does not come: nothing is shipped blindly."""
        self._reader.assign({topic.log: topic.next})
        patience = _PATIENCE
        while topic.next < end:
            messages = self._reader.poll(LOOK, _BATCH)
            if not self._noticed(topic):
                return
            if messages:
                with self._database.connection() as conn:
                    topic.compare(conn, messages)
            topic.next = self._reader.positions().get(topic.log, topic.next)
            patience = _PATIENCE if messages else patience - 1
            if not patience:
                raise errors.Unavailable(f"the topic of log {topic.log} does not give what it holds")
        failpoint("ship.read")

    def _noticed(self, topic: OwnTopic) -> bool:
        """Whether reading may go on after what went wrong; damaged stretches are passed over."""
        for notice in self._reader.notices():
            match notice:
                case base.Damaged(next=after):
                    topic.next = max(topic.next, after)
                case base.Lost():
                    topic.identity, self._look_at = "", 0.0
                    return False
                case base.Stalled():
                    pass
        return True

    def _ship(self, topic: OwnTopic, size: int) -> int:
        """Send one run, and take it that our records and nothing else stand at the end then.

        If not, the next look at the end tells. Killed after sending, the next process finds them there.
        """
        first = topic.whole
        with self._database.connection() as conn:
            last, records = _run(conn, topic.log, first, size)
            if last == first:  # an old backup: what was signed is to be restored before it is shipped again
                return 0
            try:
                self._publisher.publish(topic.log, records)
            except base.NoTopic:
                topic.identity, self._look_at = "", 0.0
                return 0
            except errors.Unavailable:
                self._look_at = 0.0
                raise
        failpoint("ship.sent")
        topic.shipped(topic.next + last - first, last)
        return last - first

    def _remember(self) -> None:
        """Write down what is known by now: only hints, what is lost of them is read again."""
        known = {log: topic.hint for log, topic in self._topics.items() if topic.identity}
        if new := [hint for log, hint in known.items() if hint != self._saved.get(log)]:
            with self._database.transaction() as conn:
                conn.execute("SET LOCAL synchronous_commit TO off")
                hints.save(conn, new)
            self._saved = known


def _run(conn: Connection, log: str, after: int, size: int) -> tuple[int, Iterable[base.Record]]:
    """The position of the last record to send, and the records; a few of them are had by one question."""
    few = _few(conn, log, after, size) if size - after <= SAFE else None
    if few is not None:
        return few
    notes = _batches(conn, log, after, size)
    last = max(notes, default=after)
    return last, _records(conn, log, after, last, notes)


def _few(conn: Connection, log: str, after: int, size: int) -> tuple[int, Iterable[base.Record]] | None:
    """As `_run`, under one note; None when records or notes are lacking."""
    with conn.cursor(binary=True) as cursor:
        rows: list[Any] = cursor.execute(_FEW, [log, after, size]).fetchall()
    last = max((position for position, _, note in rows if note is not None), default=after)
    found = [
        wire.pack(position, value, note if position == last else None)
        for position, value, note in rows
        if position <= last
    ]
    return (last, found) if found and len(found) == last - after else None


_FEW = """
SELECT e.position, e.value, c.note FROM ledger.entry e
LEFT JOIN ledger.checkpoint c ON c.log = e.log AND c.size = e.position
WHERE e.log = %s AND e.position > %s AND e.position <= %s ORDER BY e.position
"""


def _batches(conn: Connection, log: str, after: int, size: int) -> dict[int, str]:
    """The notes to send, by position: as few as do, each over a stretch that a receiver has room for."""
    rows = conn.execute(
        "SELECT size, note FROM ledger.checkpoint WHERE log = %s AND size > %s AND size <= %s"
        " ORDER BY size LIMIT %s",
        [log, after, size, RUN],
    ).fetchall()
    sizes: list[int] = [row[0] for row in rows]  # type: ignore[misc]  # the table's own types
    ends = [s for s in sizes if s <= after + RUN] or sizes[:1]
    kept = thin(ends, after)
    return {s: str(note) for s, note in rows if s in kept}


def thin(sizes: Sequence[int], after: int) -> set[int]:
    """Those that cannot be left out: the last one, and each whose successor is more than `SAFE` away."""
    kept, start = set(sizes[-1:]), after
    for size, following in pairwise(sizes):
        if following - start > SAFE:
            kept.add(size)
            start = size
    return kept


def _records(
    conn: Connection, log: str, after: int, last: int, notes: Mapping[int, str]
) -> Iterator[base.Record]:
    for start in range(after, last, _PAGE):
        for position, value in _page(conn, log, start, min(start + _PAGE, last)):
            yield wire.pack(position, value, notes.get(position))


def _page(conn: Connection, log: str, after: int, last: int) -> list[tuple[int, bytes]]:
    """Values and nothing else: what is read here is read at the rate of sending."""
    with conn.cursor(binary=True) as cursor:
        rows = cursor.execute(_VALUES, [log, after, last]).fetchall()
    if len(rows) != last - after:
        raise errors.ReadOnly(
            f"log {log} lacks records between {after} and {last}; run `yinqiao audit verify`"
        )
    return rows  # type: ignore[return-value]  # the table's own types


_VALUES = """
SELECT position, value FROM ledger.entry WHERE log = %s AND position > %s AND position <= %s ORDER BY position
"""
