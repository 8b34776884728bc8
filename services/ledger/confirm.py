"""Leaving read-only: after a restore or a promotion, what was signed is brought back from those who hold it.

Only what the log's own key signed comes in, and only where it continues what is here. Streams that came back
are listed, so that their claims can be found again. The request of a command does not come back: its event
ids do, so that a retry can be recognised.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from events import envelope, errors
from events.alliance import Alliance
from services.ledger import guard, logs, receipts, store
from services.ledger.guard import Guard, GuardFile, Head
from services.ledger.store import Run
from services.runtime.database import Connection, Database

Source: TypeAlias = Callable[[str, int], Iterable[Run]]
"""(log, after) -> the runs that continue the log after that position, in order; none when it holds no more.

The log's own topic, or another holder's tiles (`tiles.proved_entries`). Raises Unavailable, NotFound or
Damage when it cannot say.
"""


def confirm(
    database: Database,
    alliance: Alliance,
    guard_file: GuardFile,
    own: Sequence[str],
    sources: Sequence[Source],
) -> dict[str, int]:
    """Bring the node's own logs back to all that was signed, then guard this database.

    Gives how many records each log got back. For every own log one source must answer at least. Nothing is
    overwritten; killed at any point it can be run again.

        ReadOnly: a log could not be brought up to its guarded head, or no source could be asked.
        Conflict: records were appended here in the place of others that were signed.
        Fork: this log's key signed two histories.
    """
    before = guard_file.read()
    guarded = before.heads if before else {}
    restored = {log: _restore(database, alliance, log, sources) for log in own}
    with database.connection() as conn:
        for log in guard.missing(conn, guarded):
            if log in own or not _leads(conn, log, guarded[log]):
                raise errors.ReadOnly(
                    f"log {log} was signed or cosigned up to {guarded[log].size}; not all of it has come back"
                )
        if later := receipts.beyond(conn):
            raise errors.ReadOnly(f"others cosigned log {later[0]} up to {later[1]}; nobody gave all of it")
        guard_file.replace(Guard(guard.identity(conn), {**guarded, **_heads(conn, {*own, *guarded})}))
    return restored


def _leads(conn: Connection, log: str, head: Head) -> bool:
    """Whether a followed log, received again maybe up to other checkpoints, is the one that was cosigned."""
    try:
        return store.tree_root(conn, log, head.size) == head.root
    except errors.Damage:
        return False


def _restore(database: Database, alliance: Alliance, log: str, sources: Sequence[Source]) -> int:
    with database.connection() as conn:
        logs.open_own(conn, log)
        head, size = logs.state(conn, log).head, store.latest(conn, log)[0]
    answered, before = False, -1
    while before < size:  # one source may go on from where another one ends: a topic begins behind a hole
        before = size
        for source in sources:
            try:
                for run in source(log, size):
                    size = max(size, _take(database, alliance, log, run))
            except (errors.Unavailable, errors.NotFound, errors.Damage):
                continue  # the next source may know; that one must answer is checked below
            answered = True
    if not answered:
        raise errors.ReadOnly(f"nobody could be asked for log {log}; it stays read-only until somebody can")
    return max(0, size - head)


def _take(database: Database, alliance: Alliance, log: str, run: Run) -> int:
    """Store one run of an own log, as `store.accept_run` does for others; gives its size."""
    checkpoint = alliance.checkpoint(log, run.note)
    with database.transaction() as conn:
        stored = store.locked(conn, log)
        if checkpoint.size <= stored.size:
            store.check_repeat(conn, stored, checkpoint, run.note)
        else:
            store.extend(conn, alliance, stored, run, checkpoint)
            conn.execute(_COMMANDS, [log, stored.head])
            conn.execute(_CLAIMS, [log, stored.head])
    return checkpoint.size


# Ids of restored events stand for their commands: they are UUIDv5 of the command id (contracts.md, "id").
_COMMANDS = f"""
INSERT INTO ledger.command (log, command, digest, position, count)
SELECT log, convert_from(substring(value FROM {envelope.ID_AT + 1} FOR 36), 'UTF8'), '', position, 1
FROM ledger.entry WHERE log = %s AND position > %s AND value <> ''
"""  # noqa: S608  (a number)

# Claims stand in no record: services.bureau.reclaiming knows what the records mean, and finds them again.
_CLAIMS = """
INSERT INTO ledger.reclaim (log, stream)
SELECT DISTINCT log, stream FROM ledger.entry WHERE log = %s AND position > %s AND stream IS NOT NULL
ON CONFLICT DO NOTHING
"""


def _heads(conn: Connection, own: Iterable[str]) -> dict[str, Head]:
    latest = {log: store.latest(conn, log) for log in own}
    return {log: Head(size, root) for log, (size, root, _) in latest.items() if size}
