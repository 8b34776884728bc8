"""A ledger to tamper with: two own logs and a followed one, signed, cosigned and guarded as they grew."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from events import checkpoints, envelope, merkle, notes
from events.alliance import Alliance
from events.checkpoints import Checkpoint
from services.bench.load import Entry, Load
from services.ledger import append, guard, logs, receipts, store
from services.ledger.append import Batch, Command
from services.ledger.checkpoints import Checkpointer
from services.ledger.guard import Guard, GuardFile, Head
from services.ledger.keyring import Held
from services.ledger.receipts import Receipt
from services.runtime.database import Connection, Database
from tests.services.bureau.province import prepare
from tests.services.ledger import nodes
from tests.services.ledger.nodes import ALLIANCE, alliance, signer

OWN, FOLLOWED = ("500116", "500153"), "510100"
LOGS = (*OWN, FOLLOWED)
NODE, ELSEWHERE = "host", "elsewhere"
WITNESS = notes.Signer(
    checkpoints.node_key(ALLIANCE, "host"), sha256(b"node").digest(), notes.Kind.COSIGNATURE
)
THEIRS = notes.Signer(
    checkpoints.node_key(ALLIANCE, ELSEWHERE), sha256(b"elsewhere").digest(), notes.Kind.COSIGNATURE
)
ROUNDS, ROUND = 12, 160
TIME = 1_750_000_000


def _document() -> Alliance:
    """Two nodes: this one with its own logs, and that of the followed one."""
    document = alliance(*LOGS).document
    there = document.node[0].model_copy(update={"name": ELSEWHERE, "cosigner": THEIRS.verifier.vkey})
    logs_ = tuple(
        log.model_copy(update={"node": ELSEWHERE}) if log.name == FOLLOWED else log for log in document.log
    )
    return Alliance(document.model_copy(update={"node": (*document.node, there), "log": logs_}), "")


DOCUMENT = _document()


@dataclass
class Grown:
    """What a ledger's guard file held after each round, oldest first; made once, for all copies of it."""

    heads: list[dict[str, Head]]


def fill(dsn: str, folder: Path) -> Grown:
    """About two thousand events of three logs that refer to each other, in rounds; at the end projected."""
    prepare(dsn)
    database, file = Database(dsn, size=2).open(), GuardFile(folder / "guard")
    signing = Checkpointer(database, {log: (Held(signer(log)),) for log in OWN}, file)
    load, grown = Load(ALLIANCE, LOGS), Grown([])
    with database.connection() as conn:
        for log in OWN:
            logs.open_own(conn, log)
        logs.follow(conn, FOLLOWED)
        tree = merkle.CompactRange()
        for _ in range(ROUNDS):
            entries = load.take(ROUND)
            for log in OWN:
                _append(conn, log, [entry for entry in entries if entry.fact.log == log])
            signing.round()
            _accept(conn, tree, [entry for entry in entries if entry.fact.log == FOLLOWED])
            _cosign(conn, file)
            grown.heads.append(_guarded(file))
    _project(database)
    database.close()
    return grown


def _append(conn: Connection, log: str, entries: Sequence[Entry]) -> None:
    prepared = [append.Entry(e.value, e.time, e.fact.stream, e.fact.version) for e in entries]
    append.append(conn, Batch(log, prepared, _commands(prepared)))


def _commands(entries: Sequence[append.Entry]) -> list[Command]:
    """Each as if it had been restored: its event's id stands for its command."""
    at = slice(envelope.ID_AT, envelope.ID_AT + 36)
    return [Command(entry.value[at].decode(), b"", 1) for entry in entries]


def _accept(conn: Connection, tree: merkle.CompactRange, entries: Sequence[Entry]) -> None:
    tree.extend([entry.leaf for entry in entries])
    note = _note(tree)
    with conn.transaction():
        store.accept(conn, DOCUMENT, FOLLOWED, [entry.value for entry in entries], note)


def _cosign(conn: Connection, file: GuardFile) -> None:
    """Both nodes; this one remembers what it cosigned, and has published it."""
    for log in LOGS:
        size, root, note = store.latest(conn, log)
        ours = Receipt(log, NODE, size, root, TIME, notes.cosign(note, WITNESS, TIME))
        theirs = Receipt(log, ELSEWHERE, size, root, TIME, notes.cosign(note, THEIRS, TIME))
        with conn.transaction():
            receipts.keep_own(conn, [ours, theirs])
            conn.execute(
                "INSERT INTO ledger.cosigned VALUES (%s, %s, %b, %s)"
                " ON CONFLICT (log) DO UPDATE SET size = excluded.size, root = excluded.root",
                [log, size, root, TIME],
            )
    file.advance(guard.identity(conn), {log: Head(*store.latest(conn, log)[:2]) for log in LOGS})
    receipts.mark_sent(conn, receipts.of(conn))


def _guarded(file: GuardFile) -> dict[str, Head]:
    found = file.read()
    return dict(found.heads) if found else {}


def _project(database: Database) -> None:
    from projections.models import MODELS
    from services.projector.runner import Projector

    projector = Projector(database, MODELS)
    while projector.step():
        pass


def working(database: Database, conn: Connection, file: GuardFile) -> Iterator[None]:
    """A node at work: each step appends, signs, receives and cosigns, as long as somebody asks for more."""
    signing = Checkpointer(database, {log: (Held(signer(log)),) for log in OWN}, file)
    tree = merkle.CompactRange()
    tree.extend(leaves(conn, FOLLOWED))
    while True:
        for log in OWN:
            entries = list(nodes.entries_of(log, 7, _LATER))
            append.append(conn, Batch(log, entries, _commands(entries)))
        signing.round()
        values = nodes.values_of(FOLLOWED, 5, after=tree.size, time=_LATER)
        tree.extend(map(merkle.leaf_hash, values))
        note = _note(tree)
        with conn.transaction():
            store.accept(conn, DOCUMENT, FOLLOWED, values, note)
        _cosign(conn, file)
        yield


_LATER = "2025-05-01T08:00:00.000000Z"


def leaves(conn: Connection, log: str) -> list[bytes]:
    """The leaf hashes that are stored of a log."""
    query = "SELECT leaf FROM ledger.entry WHERE log = %s ORDER BY position"
    with conn.cursor(binary=True) as cursor:
        return [bytes(leaf) for (leaf,) in cursor.execute(query, [log])]  # type: ignore[call-overload]  # bytea


def _note(tree: merkle.CompactRange) -> str:
    by = signer(FOLLOWED)
    return checkpoints.sign_checkpoint(Checkpoint(by.name, tree.size, tree.root()), by)


def guarded(conn: Connection, file: GuardFile, heads: dict[str, Head]) -> None:
    """Make the guard file that of the copy behind this connection."""
    file.replace(Guard(guard.identity(conn), heads))
