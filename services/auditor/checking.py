"""Verifying and replaying all logs of a node: every finding of every log, with what was looked at."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from events.alliance import Alliance
from services.ledger import logs, replay, verify
from services.ledger.findings import Report
from services.ledger.logs import State
from services.runtime.database import Connection

STRETCH = 25_000
"""Records that are verified in one piece, by whoever is free."""

Progress: TypeAlias = Callable[[int, int], object]
"""Called with how many events were looked at, and how many there are."""


class Found(NamedTuple):
    """One finding; its kinds are those of services.ledger.findings, and those of other checks of a node.

    `log` is empty where it is of no log. Position 0 is none in particular.
    """

    log: str
    position: int
    kind: str
    detail: str

    @property
    def bureau(self) -> str:
        """Whose log it is."""
        return self.log[:6]


@dataclass
class Outcome:
    """What was looked at, and what was found; `unknown` are records of types that are not known here yet.

    `redacted` are those whose bytes their own logs removed by decision, which is no finding. `more` findings
    there are beyond those that are listed; `reports` are those of logs and their stretches.
    """

    logs: int = 0
    events: int = 0
    unknown: int = 0
    redacted: int = 0
    more: int = 0
    findings: list[Found] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.findings

    def join(self, other: "Outcome") -> None:
        """What another look at the same logs found."""
        self.unknown += other.unknown
        self.redacted = max(self.redacted, other.redacted)
        self.more += other.more
        self.findings += other.findings
        self.reports += other.reports

    def add(self, report: Report) -> None:
        """What was found in a log, or a stretch of it."""
        self.events += report.entries
        self.unknown += report.unknown
        self.redacted += report.redacted
        self.more += report.more
        self.findings += [Found(report.log, *finding) for finding in report.findings]
        self.reports.append(report)


class Task(NamedTuple):
    """A stretch of a log to be verified, up to `end` or to its end; or a log to be replayed."""

    log: str
    start: int
    end: int | None = None
    replayed: bool = False


Run: TypeAlias = Callable[[Iterable[Task]], Iterator[Report]]
"""Does the tasks, maybe several at once, and gives the reports in their order."""


class How(NamedTuple):
    """Who does the work (none: the caller), and who is told how far it is."""

    run: Run | None = None
    progress: Progress = lambda *_: None


_ALONE = How()


def do(conn: Connection, alliance: Alliance, task: Task) -> Report:
    """One task. Raises NotFound."""
    if task.replayed:
        return replay.replay(conn, task.log, task.start)
    return verify.verify(conn, alliance, task.log, task.start, task.end)


def verify_all(
    conn: Connection, alliance: Alliance, names: Sequence[str] = (), start: int = 0, how: How = _ALONE
) -> Outcome:
    """Verify these logs, or all that are held, after position `start`. Raises NotFound.

    A log is looked at in stretches. Where one has a finding the log is looked at again in one piece, which
    tells best what is wrong.
    """
    states = _states(conn, names)
    reports: dict[str, list[Report]] = {state.log: [] for state in states}
    tasks = [task for state in states for task in _stretches(conn, state, start)]
    for report in _done(conn, alliance, states, tasks, how):
        reports[report.log].append(report)
    outcome = Outcome(logs=len(states))
    for log, found in reports.items():
        good = len(found) == 1 or all(report.ok for report in found)
        for report in found if good else [verify.verify(conn, alliance, log, start)]:
            outcome.add(report)
    return outcome


def replay_all(
    conn: Connection, alliance: Alliance, names: Sequence[str] = (), start: int = 0, how: How = _ALONE
) -> Outcome:
    """Replay these logs, or all that are held: every payload, and every stream's history. Raises NotFound.

    With `start` only the streams that went on after it.
    """
    states = _states(conn, names)
    outcome = Outcome(logs=len(states))
    tasks = [Task(state.log, start, replayed=True) for state in states]
    for report in _done(conn, alliance, states, tasks, how):
        outcome.add(report)
    return outcome


def _states(conn: Connection, names: Sequence[str]) -> list[State]:
    return [logs.state(conn, name) for name in dict.fromkeys(names)] or logs.states(conn)


def _stretches(conn: Connection, state: State, start: int) -> Iterator[Task]:
    long = state.head - start > STRETCH
    ends = verify.stretches(conn, state.log, start, STRETCH)[:-1] if long else []
    for after, end in pairwise([start, *ends, None]):
        yield Task(state.log, after or start, end)


def _done(
    conn: Connection, alliance: Alliance, states: Iterable[State], tasks: Iterable[Task], how: How
) -> Iterator[Report]:
    """The reports, telling how far it is."""
    total, done = sum(state.head for state in states), 0
    how.progress(done, total)
    for report in (how.run or partial(map, partial(do, conn, alliance)))(tasks):
        done += report.entries
        how.progress(done, total)
        yield report
