"""The records chosen for a pack, kept in a scratch table: memory stays flat however many there are."""

from collections.abc import Iterator
from typing import LiteralString, NamedTuple, TypeAlias

from events import envelope, errors
from events.event import Key
from services.auditor.pack_selection import Run, Selection, Sizes
from services.ledger import closing, read, redaction
from services.runtime.database import Connection

_PAGE = 500
_Row: TypeAlias = tuple[str, int, bytes | None]


class Chosen(NamedTuple):
    """The records chosen from one log."""

    log: str
    records: int
    last: int


class Record(NamedTuple):
    """One of them; `value` is None when it was redacted, by the record at `decision`."""

    position: int
    value: bytes | None
    decision: int = 0


def choose(conn: Connection, sizes: Sizes, selection: Selection, published: Sizes | None = None) -> list[Key]:
    """Fill the scratch table, which ends with the transaction; gives what is rested on and not held here.

    With a redacted record comes the decision. Raises NotFound when a record is asked for that is not
    published here, or its decision is not, or nothing is; Void; Unavailable when it is `published`, beyond
    the sizes.
    """
    published = published or sizes
    conn.execute(_TABLE)
    for run in selection.runs(conn, sizes):
        _check(conn, sizes, published, run)
        _put(conn, run)
    conn.execute("ANALYZE pack_record")
    if conn.execute("SELECT FROM pack_record LIMIT 1").fetchone() is None:
        if sizes != published and any(last >= first for _, first, last in selection.runs(conn, published)):
            raise errors.Unavailable(f"what was selected is {_AWAITED}")
        raise errors.NotFound("nothing that is published here was selected")
    absent = sorted(_close(conn, sizes)) if selection.basis else []
    _decide(conn, sizes)
    return absent


_TABLE = """
CREATE TEMPORARY TABLE pack_record (
    log      text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    step     integer NOT NULL,                -- over how many steps of basis it came in
    PRIMARY KEY (log, position)
) ON COMMIT DROP;
CREATE INDEX ON pack_record (step, log, position)
"""


_AWAITED = "published, and not witnessed yet: wait for receipts, or ask for it unwitnessed"


def _check(conn: Connection, sizes: Sizes, published: Sizes, run: Run) -> None:
    log, first, last = run
    if sizes.get(log, 0) < last <= published.get(log, 0):
        raise errors.Unavailable(f"record {log}:{last} is {_AWAITED}")
    if last > sizes.get(log, 0) and (closed := closing.of(conn, log)) is not None and last > closed.size:
        raise errors.Void(f"record {log}:{last} is void: the log was closed at size {closed.size}")
    if first < 1 or last > sizes.get(log, 0):
        raise errors.NotFound(
            f"log {log} has published records 1 to {sizes.get(log, 0)} here, not {max(first, last)}",
            field="position",
        )


def _put(conn: Connection, run: Run) -> None:
    conn.execute(
        "INSERT INTO pack_record SELECT %s, generate_series(%s::bigint, %s::bigint), 0"
        " ON CONFLICT DO NOTHING",
        run,
    )


def _close(conn: Connection, sizes: Sizes) -> set[Key]:
    """Add the basis of what was added last, until nothing is new."""
    absent: set[Key] = set()
    step = 0
    while True:
        added = 0
        for page in _pages(conn, _OF_STEP, {"step": step}):
            cited = {key for _, _, value in page if value for key in envelope.read(value).basis}
            held = {key for key in cited if key[1] <= sizes.get(key[0], 0)}
            absent |= cited - held
            added += _add(conn, sorted(held), step + 1)
        if not added:
            return absent
        step += 1


def _add(conn: Connection, keys: list[Key], step: int) -> int:
    names, positions = [log for log, _ in keys], [position for _, position in keys]
    return conn.execute(
        "INSERT INTO pack_record SELECT log, position, %s FROM unnest(%s::text[], %s::bigint[])"
        " AS cited (log, position) ON CONFLICT DO NOTHING",
        [step, names, positions],
    ).rowcount


def _decide(conn: Connection, sizes: Sizes) -> None:
    """Add the decisions to redact what was chosen; they rest on nothing."""
    rows = conn.execute(_DECISIONS).fetchall()
    decisions: list[Key] = [(log, at) for log, at in rows]  # type: ignore[misc]  # the tables' own types
    if late := [f"{log}:{at}" for log, at in decisions if at > sizes.get(log, 0)]:
        raise errors.NotFound(
            f"the decision to redact, record {late[0]}, is not published yet", field="position"
        )
    _add(conn, decisions, -1)


_DECISIONS = """
SELECT d.log, d.decision FROM ledger.redacted d
JOIN pack_record r ON r.log = d.log AND r.position = d.position ORDER BY 1, 2
"""


def chosen(conn: Connection) -> list[Chosen]:
    """How many records of which logs, in the order of their folders' names."""
    rows = conn.execute("SELECT log, count(*), max(position) FROM pack_record GROUP BY log").fetchall()
    return sorted((Chosen._make(row) for row in rows), key=lambda each: f"{each.log}/")


def values(conn: Connection, log: str) -> Iterator[Record]:
    """The chosen records of a log, in order. Raises Damage when the ledger lacks one, or its bytes only."""
    for page in _pages(conn, _OF_LOG, {"only": log}):
        yield from (Record(at, value) if value else _redacted(conn, log, at) for _, at, value in page)


def _redacted(conn: Connection, log: str, position: int) -> Record:
    (entry,) = read.entries(conn, log, position - 1, 1)
    decision = redaction.decided(conn, log, position, entry.leaf)
    if decision is None:
        raise errors.Damage(f"the bytes of record {log}:{position} are gone, and no decision says so")
    return Record(position, None, decision)


def _pages(conn: Connection, query: LiteralString, names: dict[str, object]) -> Iterator[list[_Row]]:
    log, position = "", 0
    while page := _page(conn, query, names | {"log": log, "position": position, "limit": _PAGE}):
        yield page
        log, position, _ = page[-1]


def _page(conn: Connection, query: LiteralString, names: dict[str, object]) -> list[_Row]:
    with conn.cursor(binary=True) as cursor:
        rows = cursor.execute(query, names).fetchall()
    for log, position, _, held in rows:
        if not held:
            raise errors.Damage(f"the ledger lacks record {log}:{position}")
    return [(log, position, value) for log, position, value, _ in rows]  # type: ignore[misc]  # the tables' own types


# The page is cut before it is joined: otherwise all that is left would be joined and sorted for every page.
_PAGED = """
SELECT r.log, r.position, e.value, e.log IS NOT NULL FROM ({}) AS r
LEFT JOIN ledger.entry e ON e.log = r.log AND e.position = r.position ORDER BY r.log, r.position
"""
_OF_LOG: LiteralString = _PAGED.format("""
    SELECT log, position FROM pack_record WHERE log = %(only)s AND position > %(position)s
    ORDER BY position LIMIT %(limit)s
""")
_OF_STEP: LiteralString = _PAGED.format("""
    SELECT log, position FROM pack_record
    WHERE step = %(step)s AND (log, position) > (%(log)s COLLATE "C", %(position)s)
    ORDER BY step, log, position LIMIT %(limit)s
""")
