"""Histories of several bureaus in memory: logs as bytes, and a Source over them."""

import base64
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

from events import activity, catalogue, envelope, errors, history, loops, membership, merkle, values
from events.event import Event, Key, Record
from events.values import Reference
from projections.parties import Closing
from projections.source import Entry, Place

ALLIANCE = "test"
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
WHY = values.Why(code=values.Reason.TYPING)


def reference(record: Record[Event]) -> Reference:
    return Reference(log=record.log, position=record.position, leaf=base64.b64encode(record.leaf).decode())


def ask(bureau: str, due: date = date(2026, 3, 20)) -> loops.Ask:
    return loops.Ask(bureau=bureau, role=loops.Role.LEADER, due=due)


def planned(title: str = "红色研学", **changes: object) -> activity.ActivityPlanned:
    fields: dict[str, object] = {
        "title": title, "form": activity.Form.STUDY_VISIT, "theme": activity.Theme.REVOLUTION,
        "starts": date(2026, 4, 1), "ends": date(2026, 4, 2), "place": values.Place(division="511600"),
        "report_due": date(2026, 4, 20),
    }  # fmt: skip
    return activity.ActivityPlanned(**{**fields, **changes})  # type: ignore[arg-type]  # examples


def held(*answers: Record[Event], persons: int = 62, day: date = date(2026, 4, 2)) -> activity.ActivityHeld:
    return activity.ActivityHeld(day=day, persons=persons, answers=tuple(map(reference, answers)))


def corrected(old: Record[Event], new: Event) -> activity.ActivityCorrected:
    return activity.ActivityCorrected(
        corrects=old.position,
        reason=WHY,
        fact=new.type,
        payload=new.model_dump(mode="json", exclude_none=True),
    )


class World:
    """All logs there are. Time moves a second with each record; `skew` puts a bureau's clock off."""

    def __init__(self, skew: dict[str, int] | None = None) -> None:
        self.logs: dict[str, list[Entry]] = {}
        self._skew = skew or {}
        self.closed: dict[str, Closing] = {}
        self._ticks = 0

    def record(
        self,
        log: str,
        stream: str,
        data: Event,
        basis: Iterable[Record[Event]] = (),
        *,
        version: int | None = None,
    ) -> Record[Event]:
        """Record an event in a stream named by a word; its references stand in its basis by themselves."""
        aggregate = catalogue.aggregate_of(data.type).name
        return self.add(
            log, envelope.prepare(
                alliance=ALLIANCE, log=log, id=str(UUID(int=self._ticks)), aggregate=aggregate,
                stream=stream_id(stream), version=version or self._next(log, stream), actor="system",
                data=data, correlation=stream_id(stream), basis={*data.references(), *(r.key for r in basis)},
            ),
        )  # fmt: skip

    def add(self, log: str, prepared: bytes) -> Record[Event]:
        """Stamp and store a value."""
        self._ticks += 1
        moment = START + timedelta(seconds=self._ticks + self._skew.get(log, 0))
        entries = self.logs.setdefault(log, [])
        time = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
        value = envelope.stamp(prepared, len(entries) + 1, time)
        entries.append(Entry(log, len(entries) + 1, value, merkle.leaf_hash(value)))
        try:
            return catalogue.decode(value, entries[-1].leaf)
        except errors.BadRecord:
            return self._opaque(entries[-1])

    def close(self, log: str, successor: str | None, **parts: Iterable[str]) -> Record[Event]:
        """The last record of a log; `parts` are streams, by log with an underscore before it."""
        moved = tuple(
            membership.Part(log=name[1:], streams=tuple(streams)) for name, streams in parts.items()
        )
        succession = membership.Succession(successor=successor, parts=moved)
        size = len(self.logs[log])
        closed = membership.LogClosed(
            reason=membership.Closure.MERGER, last_size=size, last_root="A" * 43 + "=", succession=succession
        )
        return self.record(log, f"log {log}", closed)

    def go_on(self, last: Record[Event], log: str, *basis: Record[Event], **changes: object) -> Record[Event]:
        """The stream of which this is the last record goes on in another log; the basis names the closing."""
        fields = {
            "log": last.log, "subject": last.stream, "version": last.version, "position": last.position,
            "leaf": base64.b64encode(last.leaf).decode(),
        }  # fmt: skip
        continues = history.Continues(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own changes
        kinds = catalogue.AGGREGATES[last.aggregate].events
        kind = next(k for k in kinds if issubclass(k, history.Continued))
        stream = history.stream_of(last.log, last.stream, log)
        return self.record(log, stream, kind(continues=continues), basis)

    def unknown(self, log: str, stream: str) -> Record[Event]:
        """Record an event of a type that nobody here knows yet."""
        known = envelope.prepare(
            alliance=ALLIANCE, log=log, id=str(UUID(int=self._ticks)), aggregate="activity",
            stream=stream_id(stream), version=self._next(log, stream), actor="system",
            data=activity.ActivitySignUpStated(persons=1),
        )  # fmt: skip
        return self.add(log, known.replace(b"activity-sign-up-stated.v1", b"activity-sung.v1"))

    def record_unread(self, log: str, stream: str, data: Event) -> None:
        """Record an event that the catalogue does not know at present."""
        prepared = envelope.prepare(
            alliance=ALLIANCE, log=log, id=str(UUID(int=self._ticks)), aggregate="activity",
            stream=stream_id(stream), version=self._next(log, stream), actor="system", data=data,
        )  # fmt: skip
        self.add(log, prepared)

    def _next(self, log: str, stream: str) -> int:
        same = [e for e in map(_envelope, self.logs.get(log, ())) if e.stream == stream_id(stream)]
        return len(same) + 1

    def _opaque(self, entry: Entry) -> Record[Event]:
        e = _envelope(entry)
        return Record(
            e.log, e.sequence, e.time, e.id, e.type, e.aggregate, e.stream, e.version, e.actor, None, None,
            e.basis, activity.ActivitySignUpStated(persons=0), entry.leaf,
        )  # fmt: skip

    def vector(self) -> dict[str, int]:
        """Everything there is."""
        return {log: len(entries) for log, entries in self.logs.items()}

    def all(self) -> list[Entry]:
        """Every entry, in order of the times they say."""
        return sorted((e for entries in self.logs.values() for e in entries), key=lambda e: e.order)

    # -- as a Source --

    def entries(self, keys: Collection[Key]) -> list[Entry]:
        return [
            self.logs[log][position - 1] for log, position in keys if position <= len(self.logs.get(log, ()))
        ]

    def records(self, keys: Collection[Key]) -> dict[Key, Record[Event]]:
        found = {}
        for entry in self.entries(keys):
            try:
                found[entry.log, entry.position] = catalogue.decode(entry.value, entry.leaf)
            except errors.BadRecord:
                continue
        return found

    def history(self, log: str, stream: str, until: int, without: Collection[int]) -> list[Record[Event]]:
        mine = [
            e for e in self.logs[log][:until] if e.position not in without and _envelope(e).stream == stream
        ]
        return [catalogue.decode(e.value, e.leaf) for e in mine]

    def versions_before(self, places: Sequence[Place]) -> list[int]:
        return [self._version_before(place) for place in places]

    def closing(self, log: str) -> Closing | None:
        return self.closed.get(log)

    def _version_before(self, place: Place) -> int:
        for entry in reversed(self.logs[place.log][: place.position - 1]):
            if (found := _envelope(entry)).stream == place.stream:
                return found.version
        return 0


def stream_id(word: str) -> str:
    """The stream of a word; one that is named by its id is itself."""
    return word if _ID.fullmatch(word) else str(uuid5(UUID(int=0), word))


_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


_cache: dict[bytes, envelope.Envelope] = {}


def _envelope(entry: Entry) -> envelope.Envelope:
    if entry.leaf not in _cache:
        _cache[entry.leaf] = envelope.read(entry.value)
    return _cache[entry.leaf]
