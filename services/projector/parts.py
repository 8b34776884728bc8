"""Building by several processes side by side: each folds its logs, whose rows no other touches."""

import gc
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess

from events import errors
from projections import track
from projections.apply import Interwoven
from projections.model import Instance
from projections.models import BY_NAME
from services.projector.building import Builder
from services.runtime import clock, logs
from services.runtime.database import Database

WORTHWHILE = 20_000
"""Records below which starting processes takes longer than folding."""
_INTERWOVEN = 3
_LOOK = 0.2


def build(builder: Builder, ends: Mapping[str, int], processes: int) -> None:
    """Fold what was begun up to `ends`, by so many processes when that pays and can be divided.

    It can unless a record has to wait, or a stream goes on in another log: then one process begins anew.
    Raises Unavailable.
    """
    if processes > 1 and sum(ends.values()) >= WORTHWHILE and _known(builder.instances):
        try:
            return _side_by_side(builder, ends, divided(ends, processes))
        except Interwoven:
            builder.begin()
    return builder.build(ends)


def divided(ends: Mapping[str, int], parts: int) -> list[list[str]]:
    """The logs in parts of about as many records, the largest first."""
    found: list[list[str]] = [[] for _ in range(min(parts, len(ends)))]
    for log in sorted(ends, key=lambda log: (-ends[log], log)):
        min(found, key=lambda part: sum(ends[known] for known in part)).append(log)
    return found


def _known(instances: Sequence[Instance]) -> bool:
    """Whether another process finds the very same models by their names."""
    return all(BY_NAME.get(i.model.name) is i.model for i in instances)


def _side_by_side(builder: Builder, ends: Mapping[str, int], parts: Sequence[Sequence[str]]) -> None:
    names = [(i.name, i.model.name, i.scratch) for i in builder.instances]
    spawn = multiprocessing.get_context("spawn")  # a fork would take a serving process's threads along
    running = [
        spawn.Process(target=_fold, args=[builder.database.dsn, names, dict(ends), part], daemon=True)
        for part in parts
    ]
    try:
        for process in running:
            process.start()
        _watch(builder, ends, running)
    finally:
        for process in running:
            process.kill()
            process.join()


def _watch(builder: Builder, ends: Mapping[str, int], running: Sequence[BaseProcess]) -> None:
    while any(process.exitcode is None for process in running):
        time.sleep(_LOOK)
        _check(running)
        with builder.database.connection() as conn:
            done = track.vector(conn, builder.instances[0].name)
        builder.progress(sum(done.values()), sum(ends.values()))
    _check(running)


def _check(running: Sequence[BaseProcess]) -> None:
    codes = [process.exitcode for process in running]
    if _INTERWOVEN in codes:
        raise Interwoven
    if any(codes):
        raise errors.Unavailable("a process that built read models ended early; what it said stands above")


def _fold(dsn: str, names: list[tuple[str, str, bool]], ends: dict[str, int], part: list[str]) -> None:
    """In a process of its own."""
    logs.configure(clock.now)
    gc.disable()  # nothing in here refers in circles; to look for them costs a tenth
    elsewhere = {log: at for log, at in ends.items() if log not in part}
    database = Database(dsn, size=1).open()
    try:
        builder = Builder(database, [Instance(n, BY_NAME[m], s) for n, m, s in names], elsewhere=elsewhere)
        builder.build({log: ends[log] for log in part})
    except Interwoven:
        raise SystemExit(_INTERWOVEN) from None
    finally:
        database.close()
