"""What the topic of an own log holds, learnt by reading it and comparing it with the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from events import merkle
from services.exchange import wire
from services.exchange.hints import Hint
from services.ledger import tree
from services.runtime.database import Connection
from services.transport import base


@dataclass
class OwnTopic:
    """The topic up to offset `next`, under its `identity`.

    `seen`: up to this position the records stand there in order, byte for byte. `whole`: up to this one a
    checkpoint closes them, so that receivers have them for certain; it ended at offset `mark`. What was
    redacted last, and all before it, need not stand there: whoever lacks that needs tiles in any case.

    The first `clean` records that were redacted never stood on the topic `cleaned`. `claimed` is the highest
    position that anything read there claims.
    """

    log: str
    identity: str = ""
    next: int = 0
    seen: int = 0
    whole: int = 0
    mark: int = 0
    clean: int = 0
    cleaned: str = ""
    claimed: int = 0

    def restart(self, identity: str, begin: int, start: int) -> None:
        """The topic is another one, or lost something: nothing is known of it. It may begin after `start`."""
        self.identity, self.next, self.mark, self.claimed = identity, begin, begin, 0
        self.seen = self.whole = start

    def made(self, clean: int) -> None:
        """The topic is empty, and so many records were redacted by now."""
        self.clean, self.cleaned = clean, self.identity

    def stale(self, redacted: int) -> bool:
        """Whether the topic may hold one of the records that were redacted."""
        return redacted > (self.clean if self.cleaned == self.identity else 0)

    def resume(self, hint: Hint) -> None:
        """Go on where an earlier process stood."""
        self.identity, self.next, self.mark = hint.identity, hint.next, hint.next
        self.seen = self.whole = hint.whole
        self.clean, self.cleaned = hint.clean, hint.identity

    def shipped(self, end: int, whole: int) -> None:
        """Exactly our run was appended after what was known."""
        self.next, self.mark, self.seen, self.whole = end, end, whole, whole

    @property
    def hint(self) -> Hint:
        """Where a later process may go on."""
        clean = self.clean if self.cleaned == self.identity else 0
        return Hint(self.log, self.identity, self.mark, self.whole, clean)

    def compare(self, conn: Connection, messages: Sequence[base.Message]) -> None:
        """Take in what was read from offset `next` on; what is none of our records is passed over."""
        top = self.seen + len(messages)
        leaves = tree.hashes(conn, self.log, 0, self.whole, top - self.whole)
        notes = _notes(conn, self.log, self.whole, top)
        for message in messages:
            self.next = message.offset + 1
            slot = wire.read(message)
            self.claimed = max(self.claimed, slot.position if isinstance(slot, wire.Slot) else 0)
            if isinstance(slot, wire.Slot) and self.whole < slot.position <= self.seen + 1:
                self._compare(slot, merkle.leaf_hash(message.value or b""), leaves, notes)

    def _compare(self, slot: wire.Slot, leaf: bytes, leaves: dict[int, bytes], notes: dict[int, str]) -> None:
        if leaves.get(slot.position - 1) != leaf:
            return
        self.seen = max(self.seen, slot.position)
        if slot.note is not None and notes.get(slot.position) == slot.note:
            self.whole, self.mark = slot.position, self.next


def _notes(conn: Connection, log: str, after: int, up_to: int) -> dict[int, str]:
    rows = conn.execute(
        "SELECT size, note FROM ledger.checkpoint WHERE log = %s AND size > %s AND size <= %s",
        [log, after, up_to],
    ).fetchall()
    return dict(rows)  # type: ignore[arg-type]  # the table's own types
