"""A log here beside the same log elsewhere: what both have must be the same, byte for byte."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from events import errors, merkle
from events.alliance import Alliance
from services.auditor.checking import Found
from services.ledger import logs, redaction
from services.ledger.findings import LIMIT
from services.runtime.database import Connection

_BATCH = 1_000
_BYTE = 8


class Copy(NamedTuple):
    """A record as it stands elsewhere: the leaf hash of its bytes, and the note that came with it, if any."""

    position: int
    leaf: bytes
    note: str | None = None


def compare(
    conn: Connection, alliance: Alliance, log: str, copies: Iterable[Copy], kind: str
) -> Iterator[Found]:
    """Compare a log with copies of its records, which may repeat and have junk among them. Raises NotFound.

    A position is a finding when other bytes came for it and never those that are held here. Of an own log
    nothing can have left that is not here: a signed checkpoint beyond its head is a finding too.
    """
    state = logs.state(conn, log)
    same, other = bytearray(state.head // _BYTE + 1), set[int]()
    rest = iter(copies)
    while batch := list(islice(rest, _BATCH)):
        held = _leaves(conn, log, [copy.position for copy in batch])
        for copy in batch:
            if held.get(copy.position) == copy.leaf:
                same[copy.position // _BYTE] |= 1 << copy.position % _BYTE
            elif copy.position <= state.head and len(other) < LIMIT:
                other.add(copy.position)
            elif copy.position > state.head and state.own and _signed(alliance, log, copy):
                text = (
                    f"a signed checkpoint of size {copy.position} stands there, here are {state.head} records"
                )
                yield Found(log, state.head + 1, kind, text)
                break
    for position in sorted(other):
        if not same[position // _BYTE] & 1 << position % _BYTE:
            yield Found(log, position, kind, "other bytes stand there at this position, and not these")


def _leaves(conn: Connection, log: str, positions: Sequence[int]) -> dict[int, bytes]:
    with conn.cursor(binary=True) as cursor:
        rows = cursor.execute(
            "SELECT position, value, leaf FROM ledger.entry WHERE log = %s AND position = ANY(%s::bigint[])",
            [log, list(set(positions))],
        ).fetchall()
    return {p: leaf if value == redaction.GONE else merkle.leaf_hash(value) for p, value, leaf in rows}  # type: ignore[misc,arg-type]  # the table's own types


def _signed(alliance: Alliance, log: str, copy: Copy) -> bool:
    try:
        return copy.note is not None and alliance.checkpoint(log, copy.note).size == copy.position
    except errors.Damage:
        return False


def differing(ours: merkle.Subtree, theirs: merkle.Subtree, size: int) -> Iterator[int]:
    """The positions, within the first `size`, whose leaf hashes differ: only the ways to them are looked at.

    Raises what a subtree function raises for a hash that it lacks.
    """
    for level, index in merkle.complete(0, size):
        yield from _below(ours, theirs, level, index)


def _below(ours: merkle.Subtree, theirs: merkle.Subtree, level: int, index: int) -> Iterator[int]:
    if ours(level, index) == theirs(level, index):
        return
    if level == 0:
        yield index + 1
        return
    for half in (2 * index, 2 * index + 1):
        yield from _below(ours, theirs, level - 1, half)
