"""Whether the nodes agree, and what they agree on: vectors, digests, figures, and every log verified."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any

from events.alliance import Alliance
from projections import activity, cooperation, digest, dispatches, model, talent, track
from projections.models import MODELS
from services.ledger import read, verify
from services.runtime.database import Connection, Database

PAUSE = 0.1
Databases = Mapping[str, Database]


def differences(databases: Databases, alliance: Alliance) -> list[str]:
    """In what the nodes do not agree now, one line each; empty when nothing is under way or waits."""
    found: list[str] = []
    covered: dict[str, dict[str, int]] = {}
    for name, database in databases.items():
        with database.connection() as conn:
            covered[name] = read.covered(conn)
            found += [f"{name}: {line}" for line in _open_ends(conn, covered[name])]
    for log in alliance.logs:
        sizes = {name: vector.get(log, 0) for name, vector in covered.items()}
        if len(set(sizes.values())) > 1:
            found.append(f"{log}: {', '.join(f'{name} has {size}' for name, size in sizes.items())}")
    return found


def _open_ends(conn: Connection, covered: Mapping[str, int]) -> list[str]:
    """What one node has not covered, not folded or set aside."""
    heads = conn.execute("SELECT log, head FROM ledger.log WHERE own").fetchall()
    found = [
        f"{log} is signed up to {covered[str(log)]} of {head}"
        for log, head in heads
        if head != covered[str(log)]
    ]
    vector = {log: size for log, size in covered.items() if size}
    for each in MODELS:
        stands = {log: at for log, at in track.vector(conn, each.name).items() if at}
        if stands != vector:
            found.append(f"{each.name} stands at {sum(stands.values())} of {sum(vector.values())}")
    rows = conn.execute("SELECT model, cause, count(*) FROM projection.waiting GROUP BY 1, 2 ORDER BY 1, 2")
    return found + [f"{number} records wait in {name}: {cause}" for name, cause, number in rows]


def wait(
    databases: Databases, alliance: Alliance, patience: float, watch: Callable[[], None] = lambda: None
) -> list[str]:
    """Wait until the nodes agree; what is still different after `patience` seconds. `watch` may raise."""
    deadline = time.monotonic() + patience
    while (found := differences(databases, alliance)) and time.monotonic() < deadline:
        watch()
        time.sleep(PAUSE)
    return found


@dataclass(frozen=True)
class Agreement:
    """What stands at the nodes once they agree; `digests` in the order of the nodes."""

    nodes: int
    bureaus: int
    events: int
    in_force_memoranda: int
    dispatches_completed: int
    activities_held: int
    digests: dict[str, list[str]]
    verified: bool

    def document(self, seconds: float) -> dict[str, Any]:
        """As `yinqiao demo --once --json` prints it."""
        return {**vars(self), "seconds": round(seconds, 1)}

    def faults(self) -> list[str]:
        """What is not as it must be."""
        found = [
            f"{name} has other rows at other nodes"
            for name, each in self.digests.items()
            if len(set(each)) > 1
        ]
        return found if self.verified else [*found, "a log does not verify"]


def state(databases: Databases, alliance: Alliance, today: date) -> Agreement:
    """The figures of the last node, the digests of all, and whether every log verifies at every node."""
    with ThreadPoolExecutor(len(databases)) as pool:
        verified = list(pool.map(lambda database: _verified(database, alliance), databases.values()))
    with [*databases.values()][-1].connection() as conn:
        events, figures = sum(read.covered(conn).values()), _figures(conn, today)
    return Agreement(
        nodes=len(databases), bureaus=len(alliance.bureaus), events=events, **figures,
        digests={each.name: [_digest(d, each) for d in databases.values()] for each in MODELS},
        verified=all(verified),
    )  # fmt: skip


def _figures(conn: Connection, today: date) -> dict[str, int]:
    with model.reading(conn, cooperation.MODEL):
        in_force = cooperation.in_force_count(conn, today)
    with model.reading(conn, talent.MODEL):
        completed = dispatches.total(conn, dispatches.Chosen(stage="completed")).dispatches
    with model.reading(conn, activity.MODEL):
        held = sum(each.activities for each in activity.counts(conn, activity.Chosen()))
    return {"in_force_memoranda": in_force, "dispatches_completed": completed, "activities_held": held}


def _digest(database: Database, which: model.ReadModel) -> str:
    with database.connection() as conn:
        return digest.digest(conn, model.live(which))


def _verified(database: Database, alliance: Alliance) -> bool:
    with database.connection() as conn:
        return all(verify.verify(conn, alliance, log).ok for log in alliance.logs)
