"""What a stream says in effect: its facts up to a record, with those of the streams that it goes on from."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from events import catalogue, history
from events.event import Event, Key, Record
from events.history import Continued, Corrected, Voided
from projections.source import Source

Skipped: TypeAlias = Callable[[str, str], frozenset[int]]
"""(log, stream) -> the positions that are left out for good."""


def nothing(_log: str, _stream: str) -> frozenset[int]:
    """No position is left out."""
    return frozenset()


class Histories:
    """Effective histories of streams, read once a batch for all models."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._known: dict[Key, list[Record[Event]]] = {}

    def effective(self, record: Record[Event], skipped: Skipped) -> list[Record[Event]]:
        """The facts of the record's stream up to it, those of streams that it goes on from first.

        All are given as facts of this stream. Raises ImpossibleHistory when they cannot follow one another;
        with skipped ones among them only what corrects nothing is refused, since a person allowed a gap.
        """
        if record.key in self._known and skipped is nothing:
            return self._known[record.key]
        gaps, links = self._links(record.log, record.stream, record.position, skipped)
        records = [r for link in links for r in link]
        facts = history.effective(_standing(records) if gaps else records)
        if not gaps:
            _check(record.aggregate, facts)
        facts = _as_one(facts, record)
        if not gaps:
            self._known[record.key] = facts
        return facts

    def left(self, log: str, stream: str, until: int, skipped: Skipped) -> list[Record[Event]]:
        """The facts of a stream up to a position, less what is skipped and what corrects or voids that."""
        _, links = self._links(log, stream, until, skipped)
        records = _standing([r for link in links for r in link])
        return _as_one(history.effective(records), records[-1]) if records else []

    def _links(
        self, log: str, stream: str, until: int, skipped: Skipped
    ) -> tuple[bool, list[list[Record[Event]]]]:
        """A stream and all that it goes on from, the oldest first, and whether any record was skipped."""
        without = skipped(log, stream)
        records = self.source.history(log, stream, until, without)
        if not records or not isinstance(records[0].data, Continued):
            return bool(without), [records]
        old = records[0].data.continues
        gaps, links = self._links(old.log, old.subject, old.position, skipped)
        return gaps or bool(without), [*links, records]


def _standing(records: Sequence[Record[Event]]) -> list[Record[Event]]:
    """Without corrections and voidings of facts that are not given: they were skipped or redacted."""
    known: set[Key] = set()
    left = []
    for record in records:
        at = getattr(record.data, "corrects", None) or getattr(record.data, "voids", None)
        if not isinstance(record.data, (Corrected, Voided)) or known.intersection(
            history.meant(record, int(at or 0))
        ):
            left.append(record)
            known.add(record.key)
    return left


def _as_one(facts: Sequence[Record[Event]], last: Record[Event]) -> list[Record[Event]]:
    """Facts of several logs as those of the last one's stream, their positions in order."""
    logs = list(dict.fromkeys([*[fact.log for fact in facts], last.log]))
    back = {log: len(logs) - 1 - n for n, log in enumerate(logs)}
    return [f.moved(last.log, last.stream, back[f.log]) if f.log != last.log else f for f in facts]


def _check(aggregate: str, facts: Sequence[Record[Event]]) -> None:
    state = None
    for fact in facts:
        state = catalogue.AGGREGATES[aggregate].evolve(state, fact)
