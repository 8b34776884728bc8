"""What is decided about records once for all models: readable, next of its stream, basis there, asked at all.

Legality beyond that (may this event follow that one) is the auditor's replay with `evolve`.
"""

import base64
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple, TypeAlias

from events import catalogue, envelope, errors
from events.event import Event, Key, Record
from events.history import Corrected
from events.values import Reference
from projections.parties import Parties
from projections.source import Entry, Place, Source
from projections.track import Vector

REMEMBERED = 4_096
"""Records that answers and settlements referred to lately, kept decoded."""
NO_STREAM = "00000000-0000-0000-0000-000000000000"
_NO_TIME = "0000-01-01T00:00:00.000000Z"


class Cause(StrEnum):
    """Why a record waits."""

    HELD = "held"
    UNKNOWN = "unknown"
    FAILED = "failed"
    FOREIGN = "foreign"
    BASIS_MISSING = "basis-missing"


class Aside(NamedTuple):
    """A record that is not folded now: why, and the record it waits for, if any."""

    cause: Cause
    missing: Key | None
    detail: str


class Unreadable(Event):
    """Stands in for a payload that this version cannot read."""


UNREADABLE = Unreadable()
Asides: TypeAlias = dict[Key, Aside]
Lately: TypeAlias = OrderedDict[Key, Record[Event]]


@dataclass(frozen=True)
class Batch:
    """Records in replay order, and those of them that are set aside in every model."""

    records: list[Record[Event]]
    asides: Asides
    ends: Vector

    @cached_property
    def kinds(self) -> set[type[Event]]:
        """The classes of what they say."""
        return {type(record.data) for record in self.records}

    @cached_property
    def begun(self) -> set[tuple[str, str]]:
        """The streams whose first records they are, by log and stream."""
        return {(record.log, record.stream) for record in self.records if record.version == 1}

    def halves(self) -> "tuple[Batch, Batch]":
        """The same in two parts."""
        middle = len(self.records) // 2
        return replace(self, records=self.records[:middle]), replace(self, records=self.records[middle:])

    def only(self, keys: Collection[Key]) -> "Batch":
        """The part that holds these records."""
        return replace(self, records=[r for r in self.records if r.key in keys])


class Judge:
    """Judges batches.

    Args:
        source: where records that are referred to stand.
        followed: the logs whose records can still come; a basis elsewhere is missing.
        lately: what was referred to before, kept from batch to batch.
    """

    def __init__(self, source: Source, followed: Collection[str], lately: Lately | None = None) -> None:
        self._source, self._followed = source, followed
        self._lately = Lately() if lately is None else lately

    def fresh(self, batch: Batch, vector: Vector) -> Batch:
        """Decoded entries that continue `vector` in each log without a gap."""
        ends = dict(vector)
        self._check_versions(_firsts(batch), batch.asides)
        for record in batch.records:
            if record.basis and record.key not in batch.asides:
                self._check_basis(record, ends, batch.asides)
            ends[record.log] = record.position
        self._check_references(batch)
        return replace(batch, ends=ends)

    def again(self, entries: Sequence[Entry], vector: Vector) -> Batch:
        """Entries that were set aside before, all within `vector`."""
        batch = decoded(entries)
        self._check_versions(batch.records, batch.asides)
        for record in batch.records:
            if record.key not in batch.asides:
                self._check_basis(record, vector, batch.asides)
        self._check_references(batch)
        return replace(batch, ends=vector)

    def _check_versions(self, records: list[Record[Event]], asides: Asides) -> None:
        """Each must be the next of its stream after what the ledger holds before it."""
        places = [Place(r.log, r.stream, r.position) for r in records]
        for record, before in zip(records, self._source.versions_before(places), strict=True):
            _check_next(record, before, asides)

    def _check_basis(self, record: Record[Event], vector: Vector, asides: Asides) -> None:
        for key in record.basis:
            if key[1] > vector.get(key[0], 0):
                cause = Cause.HELD if key[0] in self._followed else Cause.BASIS_MISSING
                asides[record.key] = Aside(cause, key, f"rests on {key[0]}:{key[1]}, which is not here yet")
                return

    def _check_references(self, batch: Batch) -> None:
        citing = [
            (record, cited)
            for record in batch.records
            if record.basis and record.key not in batch.asides and (cited := record.data.cited())
        ]
        if not citing:
            return
        here = {(record.log, record.position): record for record in batch.records}
        parties = Parties(self._source, lambda keys: self._look_up(list(keys), here))
        found = self._look_up({(c.log, c.position) for _, cited in citing for c in cited}, here)
        gone = self._redacted({(c.log, c.position) for _, cited in citing for c in cited}, found)
        for record, cited in citing:
            try:
                _check_leaves(cited, found, gone)
                if any((c.log, c.position) in gone for c in cited):
                    continue  # what was said there cannot be read any more: the reference stands
                parties.check(record, _fact(record.data), found)
            except errors.BadRecord as error:
                batch.asides[record.key] = Aside(Cause.FOREIGN, None, error.message)

    def _redacted(self, keys: set[Key], found: dict[Key, Record[Event]]) -> dict[Key, bytes]:
        """The leaf hashes of those records whose bytes are gone."""
        unread = {key for key in keys if key not in found or found[key].data is UNREADABLE}
        entries = self._source.entries(unread) if unread else []
        return {(e.log, e.position): e.leaf for e in entries if not e.value}

    def _look_up(self, keys: Iterable[Key], here: dict[Key, Record[Event]]) -> dict[Key, Record[Event]]:
        found = {key: record for key in keys if (record := here.get(key) or self._lately.get(key))}
        missing = [key for key in keys if key not in found]
        if missing:
            found |= self._source.records(missing)
        self._lately.update(found)
        while len(self._lately) > REMEMBERED:
            self._lately.popitem(last=False)
        return found


def _firsts(batch: Batch) -> list[Record[Event]]:
    """Records that do not follow the one before in the batch: the first of each stream, and after a gap.

    A gap may be a redacted record, of which only the ledger knows the stream.
    """
    last: dict[tuple[str, str], int] = {}
    firsts = []
    for record in batch.records:
        stream = record.log, record.stream
        if last.get(stream) != record.version - 1:
            firsts.append(record)
        last[stream] = record.version
    return firsts


def _check_next(record: Record[Event], before: int, asides: Asides) -> None:
    if record.version != before + 1 and record.key not in asides:
        detail = f"version {record.version} follows version {before} of its stream"
        asides[record.key] = Aside(Cause.FAILED, None, detail)


def _check_leaves(
    cited: Iterable[Reference], found: dict[Key, Record[Event]], gone: dict[Key, bytes]
) -> None:
    for reference in cited:
        key = reference.log, reference.position
        record, name = found.get(key), f"{reference.log}:{reference.position}"
        if key not in gone and (record is None or record.data is UNREADABLE):
            raise errors.Foreign(f"the record {name} that it refers to cannot be read")
        leaf = record.leaf if record else gone[key]
        if base64.b64encode(leaf).decode() != reference.leaf:
            raise errors.Foreign(f"refers to {name} by a leaf hash that it does not have")


def _fact(event: Event) -> Event:
    """The event, or what it says anew when it is a correction, which must not say more than it may."""
    if not isinstance(event, Corrected):
        return event
    try:
        return catalogue.decode_value(event.fact, event.payload)
    except errors.BadRecord:
        return event  # folding it says what is wrong


def decoded(entries: Iterable[Entry]) -> Batch:
    """Records, those that cannot be read set aside; nothing else is judged yet."""
    records, asides = [], Asides()
    for entry in entries:
        try:
            record = catalogue.decode(entry.value, entry.leaf)
        except errors.BadRecord as error:
            cause = Cause.UNKNOWN if isinstance(error, errors.UnknownType) else Cause.FAILED
            record = _stand_in(entry)
            asides[record.key] = Aside(cause, None, error.message)
        else:
            if record.log != entry.log or record.position != entry.position:
                record = _stand_in(entry)
                asides[record.key] = Aside(Cause.FAILED, None, "claims another log or position")
        records.append(record)
    return Batch(records, asides, {})


def _stand_in(entry: Entry) -> Record[Event]:
    """A record without its payload, so that its stream can be set aside."""
    try:
        e = envelope.read(entry.value)
    except errors.Damage:
        return Record(
            entry.log, entry.position, _NO_TIME, NO_STREAM, "unreadable", "unreadable", NO_STREAM, 1,
            "system", None, None, (), UNREADABLE, entry.leaf,
        )  # fmt: skip
    return Record(
        entry.log, entry.position, e.time, e.id, e.type, e.aggregate, e.stream, e.version,
        e.actor, e.causation, e.correlation, e.basis, UNREADABLE, entry.leaf,
    )  # fmt: skip
