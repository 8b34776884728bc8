"""Verifying and replaying all logs of a node: every finding of every log, with what was looked at."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from events.alliance import Alliance
from services.ledger import guard, logs, replay, verify
from services.ledger.findings import Report
from services.ledger.guard import Guard
from services.runtime.database import Connection

Progress: TypeAlias = Callable[[int, int], object]
"""Called with how many events were looked at, and how many there are."""


class Found(NamedTuple):
    """One finding; its kinds are those of services.ledger.findings, and `guard`."""

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
    """What was looked at, and what was found; `unknown` are records of types that are not known here yet."""

    logs: int = 0
    events: int = 0
    unknown: int = 0
    findings: list[Found] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.findings

    def add(self, report: Report) -> None:
        """One log more."""
        self.logs += 1
        self.events += report.entries
        self.unknown += report.unknown
        self.findings += [Found(report.log, *finding) for finding in report.findings]


def verify_all(
    conn: Connection,
    alliance: Alliance,
    guarded: Guard | None,
    names: Sequence[str] = (),
    start: int = 0,
    progress: Progress = lambda *_: None,
) -> Outcome:
    """Verify these logs, or all that are held, after position `start`. Raises NotFound.

    An own log must also hold what the guard file says was signed: a tail that was cut off with everything
    that covers it is found only so.
    """
    outcome = Outcome()
    for log in _each(conn, names, outcome, progress):
        outcome.add(verify.verify(conn, alliance, log, start))
    outcome.findings += _cut_off(conn, guarded, names)
    return outcome


def replay_all(conn: Connection, names: Sequence[str] = (), progress: Progress = lambda *_: None) -> Outcome:
    """Replay these logs, or all that are held: every payload, and every stream's history. Raises NotFound."""
    outcome = Outcome()
    for log in _each(conn, names, outcome, progress):
        outcome.add(replay.replay(conn, log))
    return outcome


def _each(conn: Connection, names: Sequence[str], outcome: Outcome, progress: Progress) -> Iterator[str]:
    """The logs, one after the other, telling how far it is."""
    states = [logs.state(conn, name) for name in names] or logs.states(conn)
    total = sum(state.head for state in states)
    for state in states:
        progress(outcome.events, total)
        yield state.log


def _cut_off(conn: Connection, guarded: Guard | None, names: Sequence[str]) -> Iterable[Found]:
    heads = {
        log: head for log, head in (guarded.heads if guarded else {}).items() if not names or log in names
    }
    for log in guard.missing(conn, heads):
        detail = "the guard file says that this size was signed, and the ledger does not hold it"
        yield Found(log, heads[log].size, "guard", detail)
