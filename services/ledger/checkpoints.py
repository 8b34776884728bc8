"""The one writer of a node's checkpoints: sign what was appended, commit, guard; then notes may leave."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from events import checkpoints, errors
from events.checkpoints import Checkpoint
from services.ledger import guard, keyring, tree
from services.ledger.guard import Guard, GuardFile, Head
from services.ledger.keyring import Held
from services.runtime.database import Connection, Database
from services.runtime.failpoints import failpoint

RUN_RECORDS = 1_000
RUN_BYTES = 4 * 2**20
"""A checkpoint stands after at most this much (contracts.md, "Kafka")."""
_OVERHEAD = 256
_STEP = 32_000
_FEW = 64
"""So many leaves of a log are asked for with how it stands."""
_LOCK = 7_100_002


class Signed(NamedTuple):
    """A checkpoint that may leave."""

    log: str
    size: int
    note: str
    root: bytes


class _Own(NamedTuple):
    """A log that is written here: its head, and its latest checkpoint, of nothing when there is none.

    `leaves` and `lengths` of the values are those of the first entries behind it, `_FEW` at most.
    """

    log: str
    head: int
    state: str
    size: int
    root: bytes
    note: str
    leaves: Sequence[bytes]
    lengths: Sequence[int]

    @property
    def behind(self) -> int:
        """How many entries are to be covered."""
        return self.head - self.size if self.state != "stopped" else 0


class _Cover(NamedTuple):
    """What is to be stored of one log: checkpoints, and the nodes of its tree that became complete."""

    log: str
    signed: Sequence[Signed]
    nodes: Sequence[tree.Node]

    @property
    def values(self) -> dict[str, object]:
        """The parameters of `_STORE`."""
        return tree.columns(self.nodes) | {
            "log": self.log,
            "sizes": [s.size for s in self.signed],
            "roots": [s.root for s in self.signed],
            "notes": [s.note for s in self.signed],
        }


class Checkpointer:
    """Signs for the logs whose keys it is given; two by mistake take turns and cannot undo each other.

    `stuck`: the logs that hold records for which no key is here, and up to which size they could be signed.
    """

    def __init__(self, database: Database, keys: Mapping[str, Sequence[Held]], guard_file: GuardFile) -> None:
        self._database, self._keys, self._guard = database, keys, guard_file
        self.stuck: Mapping[str, int] = {}

    def round(self) -> list[Signed]:
        """Cover all that was appended before the call; gives the notes that may leave now, in order.

        Memory stays flat however much there is: it goes in steps, each committed and guarded. Notes that an
        earlier process committed and did not live to guard are among them. Raises ReadOnly when the database
        does not contain what was signed, Unavailable when it cannot be reached.
        """
        signed, more = self._step()
        while more:
            further, more = self._step()
            signed += further
        return signed

    def _step(self) -> tuple[list[Signed], bool]:
        """One transaction and one write of the guard file.

        Killed before the commit: nothing happened. Between commit and guard: the checkpoints stand, have not
        left, and the next round guards them. After the guard: whoever ships finds them by `published`.
        """
        with self._database.pipelined() as conn:
            conn.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            before, logs = self._checked(conn)
            covers, more = self._sign(conn, logs)
            failpoint("checkpoint.signed")
            for cover in covers:
                conn.execute(_STORE, cover.values)
        signed = [s for cover in covers for s in cover.signed]
        self.stuck = {log.log: end for log in logs if log.behind and (end := self._reach(log)) < log.head}
        failpoint("checkpoint.committed")
        latest = _latest(logs, signed)
        self._guard.advance(before.identity, {log: head for log, (head, _) in latest.items()})
        failpoint("checkpoint.guarded")
        return [*_left_behind(before, signed, latest), *signed], more

    def _checked(self, conn: Connection) -> tuple[Guard, list[_Own]]:
        """The guard file, which a new node gets before its first commit, and how the logs stand.

        The file is read before the lock is had: if it does not fit, another writer may have been at work
        until then, and what it says now counts. Raises ReadOnly.
        """
        found = self._guard.read()
        judge = guard.asked(conn, found)
        with conn.cursor(binary=True) as cursor:
            rows = cursor.execute(_LOGS, [_FEW, list(self._keys)]).fetchall()
        try:
            judge()
        except errors.ReadOnly:
            found = self._guard.read()
            guard.check(conn, found)
        own = [_Own._make(row) for row in rows]
        return found or self._guard.advance(guard.identity(conn), {}), own

    def _sign(self, conn: Connection, logs: Iterable[_Own]) -> tuple[list[_Cover], bool]:
        budget = _STEP
        covers: list[_Cover] = []
        for log in logs:
            due = self._due(log, max(1, budget)) if log.behind else 0
            if due and budget <= 0:
                return covers, True
            if due:
                leaves, sizes = _pending(conn, log, due)
                covers.append(self._cover(conn, log, leaves, sizes))
                budget -= len(leaves)
        return covers, budget <= 0

    def _reach(self, log: _Own) -> int:
        return keyring.reach(self._keys[log.log], log.size, log.head)

    def _due(self, log: _Own, budget: int) -> int:
        """How many records to cover next: what the budget allows, up to a size that a key here may sign."""
        keys = self._keys[log.log]
        near = keyring.reach(keys, log.size, min(log.head, log.size + budget))
        return (near if near > log.size else keyring.next_size(keys, log.size, log.head)) - log.size

    def _cover(self, conn: Connection, log: _Own, leaves: list[bytes], sizes: list[int]) -> _Cover:
        """Grow the tree to each of the sizes and sign it there."""
        grown = _tree(conn, log)
        keys = self._keys[log.log]
        sizes = [size for size in sizes if keyring.signing(keys, size)]
        nodes: list[tree.Node] = []
        made: list[Checkpoint] = []
        for size in sizes:
            nodes += grown.extend(leaves[grown.size - log.size : size - log.size])
            made.append(Checkpoint(keys[0].signer.name, size, grown.root()))
        tree.TREES.keep(grown, made[-1].root)
        signed = [
            Signed(log.log, c.size, checkpoints.sign_checkpoint(c, *keyring.signing(keys, c.size)), c.root)
            for c in made
        ]
        return _Cover(log.log, signed, nodes)


_STORE = f"""
WITH node AS ({tree.INSERT}) INSERT INTO ledger.checkpoint (log, size, root, note)
SELECT %(log)s, * FROM unnest(%(sizes)s::bigint[], %(roots)b::bytea[], %(notes)s::text[])
"""  # noqa: S608  (two constants)


def published(conn: Connection, log: str, limit: int) -> tuple[int, str] | None:
    """Size and note of a log's latest stored checkpoint not beyond `limit`, the size that the guard holds."""
    return conn.execute(  # type: ignore[return-value]  # the table's own types
        "SELECT size, note FROM ledger.checkpoint WHERE log = %s AND size <= %s ORDER BY size DESC LIMIT 1",
        [log, limit],
    ).fetchone()


def _tree(conn: Connection, log: _Own) -> tree.Tree:
    try:
        return tree.TREES.at(conn, log.log, log.size, log.root)
    except errors.Damage as error:
        raise errors.ReadOnly(
            f"{error.message}; nothing more is signed before `yinqiao audit verify`"
        ) from error


_LOGS = """
SELECT l.log, l.head, l.state, coalesce(c.size, 0), coalesce(c.root, sha256('')), coalesce(c.note, ''),
    coalesce(e.leaves, '{}'), coalesce(e.lengths, '{}')
FROM ledger.log l LEFT JOIN LATERAL (
    SELECT size, root, note FROM ledger.checkpoint WHERE log = l.log ORDER BY size DESC LIMIT 1
) c ON true LEFT JOIN LATERAL (
    SELECT array_agg(f.leaf ORDER BY f.position) AS leaves,
        array_agg(octet_length(f.value) ORDER BY f.position) AS lengths
    FROM (
        SELECT position, leaf, value FROM ledger.entry
        WHERE log = l.log AND position > coalesce(c.size, 0) AND position <= l.head ORDER BY position LIMIT %s
    ) f
) e ON l.head > coalesce(c.size, 0) WHERE l.own AND l.log = ANY(%s) ORDER BY l.log
"""


def _latest(logs: Iterable[_Own], signed: Iterable[Signed]) -> dict[str, tuple[Head, str]]:
    """The latest checkpoint of each log that has one, now that these were signed too."""
    before = {log.log: (Head(log.size, log.root), log.note) for log in logs if log.size}
    return before | {s.log: (Head(s.size, s.root), s.note) for s in signed}


def _pending(conn: Connection, log: _Own, count: int) -> tuple[list[bytes], list[int]]:
    """The next leaf hashes, and the sizes at which a checkpoint must stand. Raises ReadOnly for a hole."""
    if count <= _FEW:
        leaves, lengths = list(log.leaves[:count]), log.lengths[:count]
    else:
        leaves, lengths = _read(conn, log, count)
    if len(leaves) != count:
        raise errors.ReadOnly(f"log {log.log} lacks records after position {log.size}")
    return leaves, [log.size + end for end in cuts(lengths)]


def _read(conn: Connection, log: _Own, count: int) -> tuple[list[bytes], list[int]]:
    with conn.cursor(binary=True) as cursor:
        rows: list[Any] = cursor.execute(
            "SELECT leaf, octet_length(value) FROM ledger.entry"
            " WHERE log = %s AND position > %s AND position <= %s ORDER BY position",
            [log.log, log.size, log.size + count],
        ).fetchall()
    return [leaf for leaf, _ in rows], [length for _, length in rows]


def cuts(lengths: Iterable[int]) -> list[int]:
    """Where runs over values of these lengths must end, the end of the last one too."""
    ends, start, weight, end = [], 0, 0, 0
    for end, length in enumerate(lengths, 1):
        weight += length + _OVERHEAD
        if end - start > RUN_RECORDS or weight > RUN_BYTES:
            ends.append(end - 1)
            start, weight = end - 1, length + _OVERHEAD
    return [*ends, end]


def _left_behind(before: Guard, signed: list[Signed], latest: Mapping[str, tuple[Head, str]]) -> list[Signed]:
    """The latest notes that stand committed since longer than this round and were never guarded."""
    fresh = {s.log for s in signed}
    return [
        Signed(log, head.size, note, head.root)
        for log, (head, note) in sorted(latest.items())
        if log not in fresh and head.size > before.size(log)
    ]
