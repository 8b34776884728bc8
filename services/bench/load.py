"""Made-up business to measure with: four kinds of history over several logs, the same ones at every run."""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random
from typing import NamedTuple
from uuid import UUID

from events import activity, catalogue, envelope, loops, merkle, talent, tasks, values
from events.event import Event
from events.values import Reference
from services.ledger.recorder import Fact

START = datetime(2025, 3, 1, 1, tzinfo=UTC)
TICK = timedelta(milliseconds=1)
_DAY, _LATER, _DUE = date(2025, 4, 1), date(2025, 4, 2), date(2025, 3, 20)
_TITLES = ("川渝老干部红色研学", "银龄讲师进社区", "乡村振兴专家问诊", "党纪学习教育专题报告", "书画联展")
_WEIGHTS = (6, 2, 1, 1)


class Entry(NamedTuple):
    """A fact, and the frozen value that it becomes at its place in its log."""

    fact: Fact
    time: str
    position: int
    value: bytes
    leaf: bytes


class Load:
    """An endless history over these logs in order of time: half of it joint activities of two bureaus."""

    def __init__(self, alliance: str, logs: Sequence[str], seed: int = 1) -> None:
        self._alliance, self._logs, self._random = alliance, logs, Random(seed)  # noqa: S311  (the same at every run)
        self._heads: Counter[str] = Counter()
        self._versions: Counter[str] = Counter()
        self._ticks = 0
        self._entries = self._endless()

    def take(self, count: int) -> list[Entry]:
        """The next entries."""
        return list(islice(self._entries, count))

    def starts(self, count: int) -> list[Entry]:
        """So many new activities in the first log, each the first event of its stream: in any order."""
        log = self._logs[0]
        return [self._entry(log, self._id(), self._planned(log)) for _ in range(count)]

    def _endless(self) -> Iterator[Entry]:
        kinds = (self._joint, self._alone, self._task, self._need)
        while True:
            (history,) = self._random.choices(kinds, _WEIGHTS)
            yield from history(*self._random.sample(self._logs, 2))

    def _joint(self, log: str, other: str) -> Iterator[Entry]:
        stream, answers = self._id(), self._id()
        yield self._entry(log, stream, self._planned(log))
        asked = self._entry(log, stream, activity.ActivityPublished(asks=(_ask(other),)))
        yield asked
        answer = self._entry(other, answers, activity.CohostConfirmed(question=_reference(asked), persons=12))
        yield answer
        held = activity.ActivityHeld(day=_LATER, persons=self._number(), answers=(_reference(answer),))
        yield self._entry(log, stream, held)
        yield self._entry(log, stream, activity.ActivityReported(day=_LATER))

    def _alone(self, log: str, _: str) -> Iterator[Entry]:
        stream = self._id()
        yield self._entry(log, stream, self._planned(log))
        yield self._entry(log, stream, activity.ActivitySignUpStated(persons=self._number()))
        held = activity.ActivityHeld(day=_LATER, persons=self._number(), answers=(), hours=3)
        yield self._entry(log, stream, held)
        yield self._entry(log, stream, activity.ActivityReported(day=_LATER))

    def _task(self, log: str, _: str) -> Iterator[Entry]:
        stream = self._id()
        yield self._entry(log, stream, tasks.TaskSet(asks=(), title=self._title(), owner=log, due=_LATER))
        yield self._entry(log, stream, tasks.TaskProgressed(percent=60))
        yield self._entry(log, stream, tasks.TaskDone(day=_LATER, answers=()))

    def _need(self, log: str, _: str) -> Iterator[Entry]:
        stream = self._id()
        need = talent.NeedPublished(
            field=values.Expertise.MEDICINE, title=self._title(), persons=2, days=10, starts=_DAY,
            ends=_LATER, place=values.Place(division=log), reply_by=_DUE,
        )  # fmt: skip
        yield self._entry(log, stream, need)
        why = values.Why(code=values.Reason.NO_LONGER_NEEDED)
        yield self._entry(log, stream, talent.NeedClosed(reason=why))

    def _planned(self, log: str) -> activity.ActivityPlanned:
        return activity.ActivityPlanned(
            title=self._title(), form=activity.Form.FIELD_STUDY, theme=activity.Theme.REVOLUTION,
            starts=_DAY, ends=_LATER, place=values.Place(division=log), report_due=date(2025, 4, 24),
            quota=100_000,
        )  # fmt: skip

    def _entry(self, log: str, stream: str, data: Event) -> Entry:
        self._ticks += 1
        self._heads[log] += 1
        self._versions[stream] += 1
        aggregate = catalogue.aggregate_of(data.type).name
        fact = Fact(
            self._alliance, log, self._id(), aggregate, stream, self._versions[stream],
            f"officer/{UUID(int=7)}", data, None, stream, data.references(),
        )  # fmt: skip
        time = (START + self._ticks * TICK).isoformat(timespec="microseconds").replace("+00:00", "Z")
        value = envelope.stamp(envelope.prepare(**fact._asdict()), self._heads[log], time)
        return Entry(fact, time, self._heads[log], value, merkle.leaf_hash(value))

    def _id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def _number(self) -> int:
        return self._random.randrange(8, 300)

    def _title(self) -> str:
        return f"{self._random.choice(_TITLES)}第{self._number()}期"


def _ask(bureau: str) -> loops.Ask:
    return loops.Ask(bureau=bureau, role=loops.Role.LEADER, due=_DUE)


def _reference(entry: Entry) -> Reference:
    leaf = base64.b64encode(entry.leaf).decode()
    return Reference(log=entry.fact.log, position=entry.position, leaf=leaf)
