"""The guard file beside the database: neither may have gone back behind the other."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from events import errors
from services.auditor.checking import Found
from services.ledger import guard
from services.ledger.guard import Guard, GuardFile
from services.runtime.database import Connection


class _Signed(NamedTuple):
    """A checkpoint of an own log, and the number of the transaction that stored it."""

    log: str
    size: int
    transaction: str


def check(conn: Connection, file: GuardFile, names: Collection[str] = ()) -> list[Found]:
    """What is wrong between them, in these logs or in all; all findings are of kind `guard`.

    A checkpoint is guarded right after it is committed and before the next is signed. So one round may stand
    unguarded, while a node runs or after it was killed; more means that the file is an older one.
    """
    try:
        before = file.read()
        signed = _beyond(conn, before)
        now = file.read()  # after the database, so that a node that goes on signing is no finding
    except errors.ReadOnly as error:
        return [_found("", 0, error.message)]
    found = [*_foreign(conn, now), *_lost(conn, now), *_behind(now, signed)]
    return [f for f in found if not names or not f.log or f.log in names]


def _beyond(conn: Connection, known: Guard | None) -> list[_Signed]:
    heads = known.heads if known else {}
    rows = conn.execute(_BEYOND, [list(heads), [head.size for head in heads.values()]]).fetchall()
    return [_Signed._make(row) for row in rows]


_BEYOND = """
SELECT c.log, c.size, c.xmin::text FROM ledger.checkpoint c JOIN ledger.log l USING (log)
LEFT JOIN unnest(%s::text[], %s::bigint[]) AS g (log, size) ON g.log COLLATE "C" = c.log
WHERE l.own AND c.size > coalesce(g.size, 0) ORDER BY c.log, c.size
"""


def _foreign(conn: Connection, now: Guard | None) -> Iterator[Found]:
    if now and now.identity != (here := guard.identity(conn)):
        yield _found("", 0, f"the guard file is that of database {now.identity}, this is {here}")


def _lost(conn: Connection, now: Guard | None) -> Iterator[Found]:
    heads = now.heads if now else {}
    for log in guard.missing(conn, heads):
        detail = "the guard file says that this size was signed or cosigned, and the ledger does not hold it"
        yield _found(log, heads[log].size, detail)


def _behind(now: Guard | None, signed: list[_Signed]) -> Iterator[Found]:
    open_ = [each for each in signed if each.size > (now.size(each.log) if now else 0)]
    if now and len({each.transaction for each in open_}) < 2:  # noqa: PLR2004  (see `check`)
        return
    for log in sorted({each.log for each in open_}):
        at = now.size(log) if now else 0
        upto = max(each.size for each in open_ if each.log == log)
        yield _found(log, at + 1, f"signed up to {upto}, and the guard file says {at}: it is an older one")


def _found(log: str, position: int, detail: str) -> Found:
    return Found(log, position, "guard", detail)
