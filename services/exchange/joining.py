"""Beginning to follow a log: what enough witnesses cosigned of it is learnt first, and then holds.

Their receipts are taken in as if they had come over the exchange: kept until the ledger is as far, compared
then, and a log that led elsewhere meanwhile is stopped with both notes as evidence.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from events import errors, notes
from events.alliance import Alliance
from services.exchange.tiles_client import Holder
from services.ledger import receipts, store
from services.runtime import logs
from services.runtime.database import Connection, Database

WITNESSED = "witnessed"
"""The path under which a holder shows a log's newest witnessed checkpoint, beside `checkpoint`."""
PATIENCE = 30.0
"""Seconds for asking about all logs together; what nobody answered in this time is said and goes on."""
_ENOUGH = 3
_log = logs.get(__name__)


class Met(NamedTuple):
    """The size of a log that is proved to be witnessed; 0 when nobody could show any."""

    log: str
    size: int


def meet(
    database: Database,
    alliance: Alliance,
    names: Iterable[str],
    holders: Sequence[Holder],
    monotonic: Callable[[], float] = time.monotonic,
) -> list[Met]:
    """Learn the newest witnessed checkpoint of each log of which nothing is stored here. Raises Unavailable.

    A holder that is away is not asked again. Logs without witnesses that count are left out.
    """
    with database.connection() as conn:
        new = [log for log in names if not store.latest(conn, log)[0] and alliance.counted(log)]
    asked, end = list(holders), monotonic() + PATIENCE
    found = [_meet(database, alliance, log, asked if monotonic() < end else []) for log in new]
    for met in found:
        if met.size:
            _log.info("log-met", log=met.log, witnessed=met.size)
        else:
            _log.warning("log-not-witnessed", log=met.log, needed=alliance.needed(met.log))
    return found


def _meet(database: Database, alliance: Alliance, log: str, holders: list[Holder]) -> Met:
    size, note = max(_shown(alliance, log, holders), default=(0, ""))
    if size:
        with database.transaction() as conn:
            _take(conn, alliance, log, note)
    return Met(log, size)


def _shown(alliance: Alliance, log: str, holders: list[Holder]) -> Iterator[tuple[int, str]]:
    """What up to three holders show and prove."""
    shown = 0
    for holder in list(holders):
        try:
            note = holder(log, WITNESSED).decode(errors="replace")
            yield check(alliance, log, note), note
        except errors.Unavailable:
            holders.remove(holder)
        except (errors.NotFound, errors.Damage):
            continue
        else:
            shown += 1
        if shown == _ENOUGH:
            return


def check(alliance: Alliance, log: str, note: str) -> int:
    """The size of a checkpoint that the log and enough of its witnesses signed. Raises Damage."""
    checkpoint = alliance.checkpoint(log, note)
    signed = notes.open(note, alliance.witnesses(log)).signatures
    if len(signed) < alliance.needed(log):
        raise errors.Damage(f"{len(signed)} witnesses cosigned, log {log} needs {alliance.needed(log)}")
    return checkpoint.size


def _take(conn: Connection, alliance: Alliance, log: str, note: str) -> None:
    for node in alliance.counted(log):
        own = [*alliance.verifiers(log, check(alliance, log, note)), alliance.cosigner(node)]
        if notes.open(note, [*own, *alliance.witnesses(log)]).signed_by(alliance.cosigner(node)):
            receipts.take(conn, alliance, receipts.opened(alliance, node, notes.keep(note, own)))
