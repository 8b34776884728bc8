"""Ways to tamper with a ledger, each at a random place; what they change, and where it must be found."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any, NamedTuple, TypeAlias

from events import checkpoints, envelope, merkle, notes
from events.alliance import Alliance
from events.checkpoints import Checkpoint
from services.ledger.guard import GuardFile
from services.runtime.database import Connection
from tests.faults import ledger
from tests.faults.ledger import DOCUMENT, LOGS, OWN, Grown
from tests.services.ledger.nodes import ALLIANCE

TILE = 256


class Where(NamedTuple):
    """The log, and the positions between which the first finding must lie."""

    log: str
    first: int
    last: int


@dataclass
class Scene:
    """The copy that is tampered with, inside a transaction that is rolled back; `document` may be swapped."""

    conn: Connection
    guard: GuardFile
    grown: Grown
    random: Random
    document: Alliance = DOCUMENT

    def do(self, order: str, *values: object) -> None:
        self.conn.execute(order.encode(), values)

    def one(self, query: str, *values: object) -> tuple[Any, ...]:
        row = self.conn.execute(query.encode(), values, binary=True).fetchone()
        assert row is not None, query
        return row

    def head(self, log: str) -> int:
        return int(self.one("SELECT head FROM ledger.log WHERE log = %s", log)[0])

    def place(self, logs: tuple[str, ...] = LOGS, last: int = 1) -> tuple[str, int]:
        """A log and a position in it, `last` or more before its end."""
        log = self.random.choice(logs)
        return log, self.random.randint(1, self.head(log) - last)

    def value(self, log: str, position: int) -> bytes:
        (value,) = self.one("SELECT value FROM ledger.entry WHERE log = %s AND position = %s", log, position)
        return bytes(value)

    def write(self, log: str, position: int, value: bytes, *, leaf: bool) -> None:
        """Put other bytes in, with a leaf hash that fits them or the old one."""
        self.do("UPDATE ledger.entry SET value = %s WHERE log = %s AND position = %s", value, log, position)
        if leaf:
            self.do(
                "UPDATE ledger.entry SET leaf = %s WHERE log = %s AND position = %s",
                merkle.leaf_hash(value), log, position,
            )  # fmt: skip

    def sizes(self, log: str) -> list[int]:
        rows = self.conn.execute("SELECT size FROM ledger.checkpoint WHERE log = %s ORDER BY 1", [log])
        return [int(str(size)) for (size,) in rows]

    def note(self, log: str, size: int) -> str:
        (note,) = self.one("SELECT note FROM ledger.checkpoint WHERE log = %s AND size = %s", log, size)
        return str(note)

    def around(self, log: str, position: int) -> Where:
        """What can be known of a record that was changed with its leaf hash: its run, or its tile."""
        before = max((size for size in self.sizes(log) if size < position), default=0)
        return Where(log, min(before + 1, (position - 1) // TILE * TILE + 1), position)


Plant: TypeAlias = Callable[[Scene], Where]


def byte_changed(scene: Scene) -> Where:
    log, position = scene.place()
    scene.write(log, position, _flipped(scene, scene.value(log, position)), leaf=False)
    return Where(log, position, position)


def byte_and_leaf_changed(scene: Scene) -> Where:
    log, position = scene.place()
    scene.write(log, position, _flipped(scene, scene.value(log, position)), leaf=True)
    return scene.around(log, position)


def _flipped(scene: Scene, value: bytes) -> bytes:
    at = scene.random.randrange(len(value))
    return value[:at] + bytes([value[at] ^ scene.random.randint(1, 255)]) + value[at + 1 :]


def row_changed(scene: Scene) -> Where:
    """Another actor, in an envelope that is one."""
    log, position = scene.place()
    value = scene.value(log, position)
    forged = value.replace(b"-000000000007", b"-00000000000%d" % scene.random.choice((1, 2, 3, 4)), 1)
    scene.write(log, position, forged, leaf=True)
    return scene.around(log, position)


def leaf_changed(scene: Scene) -> Where:
    log, position = scene.place()
    scene.do("UPDATE ledger.entry SET leaf = sha256(leaf) WHERE log = %s AND position = %s", log, position)
    return Where(log, position, position)


def time_changed(scene: Scene) -> Where:
    log, position = scene.place()
    value = scene.value(log, position)
    at = envelope.TIME_AT + envelope.TIME_WIDTH - 4 - scene.random.randrange(3)
    digit = (value[at] - 48 + scene.random.randint(1, 9)) % 10 + 48
    scene.write(log, position, value[:at] + bytes([digit]) + value[at + 1 :], leaf=True)
    return scene.around(log, position)


def swapped(scene: Scene) -> Where:
    log, position = scene.place()
    scene.do(
        """UPDATE ledger.entry e SET value = o.value, leaf = o.leaf, stream = NULL, version = NULL
        FROM ledger.entry o WHERE e.log = o.log AND e.log = %s
        AND (e.position, o.position) IN ((%s, %s), (%s, %s))""",
        log, position, position + 1, position + 1, position,
    )  # fmt: skip
    return scene.around(log, position)


def deleted(scene: Scene) -> Where:
    log, position = scene.place()
    scene.do("DELETE FROM ledger.entry WHERE log = %s AND position = %s", log, position)
    return Where(log, position, position)


def inserted(scene: Scene) -> Where:
    """A record that says it belongs there; all after it move up."""
    log, position = scene.place()
    far = 1_000_000
    for step in (far, 1 - far):
        scene.do(
            "UPDATE ledger.entry SET position = position + %s WHERE log = %s AND position >= %s",
            step, log, position,
        )  # fmt: skip
    scene.do(
        "INSERT INTO ledger.entry SELECT log, %s, own, gen_random_uuid(), 1, leaf, value FROM ledger.entry"
        " WHERE log = %s AND position = %s",
        position, log, position + 1,
    )  # fmt: skip
    scene.do("UPDATE ledger.log SET head = head + 1 WHERE log = %s", log)
    return scene.around(log, position + 1)


def tail_cut(scene: Scene) -> Where:
    log, position = scene.place()
    scene.do("DELETE FROM ledger.entry WHERE log = %s AND position > %s", log, position)
    return Where(log, position + 1, position + 1)


def tail_cut_with_all_that_covers_it(scene: Scene) -> Where:
    """As if it had never been; only the guard file still knows."""
    log = scene.random.choice(LOGS)
    size = scene.random.choice(scene.sizes(log)[:-1])
    end = scene.head(log)
    _cut(scene, log, size, ("checkpoint", "receipt"))
    (root,) = scene.one("SELECT root FROM ledger.checkpoint WHERE log = %s AND size = %s", log, size)
    scene.do("UPDATE ledger.cosigned SET size = %s, root = %s WHERE log = %s", size, root, log)
    return Where(log, size + 1, end)


def rolled_back_with_its_guard_file(scene: Scene) -> Where:
    """Database and guard file are old ones; only what others cosigned still knows."""
    log = scene.random.choice(OWN)
    old = scene.grown.heads[scene.random.randrange(3, len(scene.grown.heads) - 1)][log]
    _cut(scene, log, old.size, ("checkpoint",))
    scene.do("UPDATE ledger.receipt SET held = false WHERE log = %s AND size > %s", log, old.size)
    scene.do("UPDATE ledger.cosigned SET size = %s, root = %s WHERE log = %s", old.size, old.root, log)
    ledger.guarded(scene.conn, scene.guard, {**scene.grown.heads[-1], log: old})
    return Where(log, old.size + 1, old.size + 1)


def _cut(scene: Scene, log: str, size: int, tables: tuple[str, ...]) -> None:
    scene.do("DELETE FROM ledger.entry WHERE log = %s AND position > %s", log, size)
    for table in tables:
        scene.do(f"DELETE FROM ledger.{table} WHERE log = %s AND size > %s", log, size)  # noqa: S608  (three names)
    scene.do("DELETE FROM ledger.node WHERE log = %s AND (index + 1) * 256 ^ level > %s", log, size)
    (time,) = scene.one(
        "SELECT convert_from(substring(value FROM 64 FOR 27), 'UTF8') FROM ledger.entry"
        " WHERE log = %s AND position = %s",
        log, size,
    )  # fmt: skip
    scene.do("UPDATE ledger.log SET head = %s, time = %s WHERE log = %s", size, time, log)


def checkpoint_replaced(scene: Scene) -> Where:
    """By an older one of the same log, in its own right a good one."""
    log = scene.random.choice(LOGS)
    sizes = scene.sizes(log)
    at = scene.random.randrange(1, len(sizes))
    scene.do(
        "UPDATE ledger.checkpoint c SET root = o.root, note = o.note FROM ledger.checkpoint o"
        " WHERE c.log = %s AND o.log = c.log AND c.size = %s AND o.size = %s",
        log, sizes[at], scene.random.choice(sizes[:at]),
    )  # fmt: skip
    return Where(log, sizes[at - 1] + 1, sizes[at])


def checkpoint_signed_by_another_key(scene: Scene) -> Where:
    log = scene.random.choice(LOGS)
    size = scene.random.choice(scene.sizes(log))
    (root,) = scene.one("SELECT root FROM ledger.checkpoint WHERE log = %s AND size = %s", log, size)
    note = _forged(log, size, root)
    scene.do("UPDATE ledger.checkpoint SET note = %s WHERE log = %s AND size = %s", note, log, size)
    return Where(log, size, size)


def history_rewritten_under_another_key(scene: Scene) -> Where:
    """A record changed, and everything over it made anew; only the log's key is lacking."""
    log, position = scene.place()
    row_changed_at(scene, log, position)
    leaves = ledger.leaves(scene.conn, log)
    for index in range(len(leaves) // TILE):
        node = merkle.root(leaves[index * TILE : (index + 1) * TILE])
        scene.do("UPDATE ledger.node SET hash = %s WHERE log = %s AND index = %s", node, log, index)
    later = [size for size in scene.sizes(log) if size >= position]
    for size in later:
        root = merkle.root(leaves[:size])
        scene.do(
            "UPDATE ledger.checkpoint SET root = %s, note = %s WHERE log = %s AND size = %s",
            root, _forged(log, size, root), log, size,
        )  # fmt: skip
    return Where(log, position, later[0])


def row_changed_at(scene: Scene, log: str, position: int) -> None:
    forged = scene.value(log, position).replace(b"-000000000007", b"-000000000009", 1)
    scene.write(log, position, forged, leaf=True)


def _forged(log: str, size: int, root: bytes) -> str:
    by = notes.Signer(checkpoints.origin(ALLIANCE, log), sha256(b"somebody").digest())
    return checkpoints.sign_checkpoint(Checkpoint(by.name, size, root), by)


def key_swapped_in_the_alliance_document(scene: Scene) -> Where:
    log = scene.random.choice(LOGS)
    stranger = notes.Signer(checkpoints.origin(ALLIANCE, log), sha256(b"somebody").digest()).verifier.vkey
    entries = tuple(
        entry.model_copy(update={"key": (entry.key[0].model_copy(update={"vkey": stranger}),)})
        if entry.name == log else entry
        for entry in DOCUMENT.document.log
    )  # fmt: skip
    scene.document = Alliance(DOCUMENT.document.model_copy(update={"log": entries}), "")
    first = scene.sizes(log)[0]
    return Where(log, first, first)


def receipt_forged(scene: Scene) -> Where:
    """Cosigned by somebody in the witness's name."""
    log, size = _receipt(scene)
    (note,) = scene.one("SELECT note FROM ledger.checkpoint WHERE log = %s AND size = %s", log, size)
    by = notes.Signer(ledger.WITNESS.name, sha256(b"somebody").digest(), notes.Kind.COSIGNATURE)
    forged = notes.cosign(str(note), by, ledger.TIME)
    scene.do("UPDATE ledger.receipt SET note = %s WHERE log = %s AND size = %s", forged, log, size)
    return Where(log, size, size)


def receipt_root_changed(scene: Scene) -> Where:
    log, size = _receipt(scene)
    scene.do("UPDATE ledger.receipt SET root = sha256(root) WHERE log = %s AND size = %s", log, size)
    return Where(log, size, size)


def receipt_time_changed(scene: Scene) -> Where:
    log, size = _receipt(scene)
    scene.do("UPDATE ledger.receipt SET time = time + %s WHERE log = %s AND size = %s", 10**8, log, size)
    return Where(log, size, size)


def receipt_moved(scene: Scene) -> Where:
    """To a size, here or still to come, of which its note does not speak."""
    log, size = _receipt(scene)
    to = size + scene.random.randint(1, 400)
    if to in {size for _, size in _receipts(scene, log)}:
        to += 1
    scene.do("UPDATE ledger.receipt SET size = %s, held = false WHERE log = %s AND size = %s", to, log, size)
    return Where(log, min(size, to), to)


def remembered_root_changed(scene: Scene) -> Where:
    """Of what this node cosigned last."""
    log = scene.random.choice(LOGS)
    scene.do("UPDATE ledger.cosigned SET root = sha256(root) WHERE log = %s", log)
    size = scene.sizes(log)[-1]
    return Where(log, size, size)


def remembered_time_changed(scene: Scene) -> Where:
    log = scene.random.choice(LOGS)
    scene.do("UPDATE ledger.cosigned SET time = 0 WHERE log = %s", log)
    return Where(log, scene.sizes(log)[-1], scene.sizes(log)[-1])


def own_receipts_deleted(scene: Scene) -> Where:
    """Or said to be of records that are still to come."""
    log = scene.random.choice(LOGS)
    change = scene.random.choice(("DELETE FROM ledger.receipt", "UPDATE ledger.receipt SET held = false"))
    scene.do(f"{change} WHERE log = %s AND node = %s", log, ledger.NODE)
    return Where(log, scene.sizes(log)[-1], scene.sizes(log)[-1])


def remembering_deleted(scene: Scene) -> Where:
    log = scene.random.choice(LOGS)
    scene.do("DELETE FROM ledger.cosigned WHERE log = %s", log)
    return Where(log, scene.sizes(log)[-1], scene.sizes(log)[-1])


def all_about_cosigning_deleted(scene: Scene) -> Where:
    """Of a followed log; the guard file knows that there was something."""
    log = ledger.FOLLOWED
    scene.do("DELETE FROM ledger.cosigned WHERE log = %s", log)
    scene.do("DELETE FROM ledger.receipt WHERE log = %s", log)
    return Where(log, scene.sizes(log)[-1], scene.sizes(log)[-1])


def _receipt(scene: Scene) -> tuple[str, int]:
    return scene.random.choice(_receipts(scene, scene.random.choice(LOGS)))


def _receipts(scene: Scene, log: str) -> list[tuple[str, int]]:
    rows = scene.conn.execute("SELECT size FROM ledger.receipt WHERE log = %s ORDER BY 1", [log]).fetchall()
    return [(log, int(str(size))) for (size,) in rows]


def version_changed(scene: Scene) -> Where:
    log, position = scene.place()
    scene.do(
        "UPDATE ledger.entry SET version = version + 900 WHERE log = %s AND position = %s", log, position
    )
    return Where(log, position, position)


def stream_changed(scene: Scene) -> Where:
    log, position = scene.place()
    scene.do(
        "UPDATE ledger.entry SET stream = gen_random_uuid() WHERE log = %s AND position = %s", log, position
    )
    return Where(log, position, position)


def owner_changed(scene: Scene) -> Where:
    log, position = scene.place((ledger.FOLLOWED,))
    scene.do("UPDATE ledger.entry SET own = NOT own WHERE log = %s AND position = %s", log, position)
    return Where(log, position, position)


def node_changed(scene: Scene) -> Where:
    log = scene.random.choice(LOGS)
    index = scene.random.randrange(scene.sizes(log)[-1] // TILE)
    scene.do("UPDATE ledger.node SET hash = sha256(hash) WHERE log = %s AND index = %s", log, index)
    return Where(log, index * TILE + 1, index * TILE + 1)


def head_moved(scene: Scene) -> Where:
    log = scene.random.choice(LOGS)
    head = scene.head(log)
    moved = head + scene.random.choice((-1, 1)) * scene.random.randint(1, 100)
    scene.do("UPDATE ledger.log SET head = %s WHERE log = %s", moved, log)
    return Where(log, min(head, moved) + 1, min(head, moved) + 1)


def head_time_changed(scene: Scene) -> Where:
    log = scene.random.choice(LOGS)
    scene.do("UPDATE ledger.log SET time = '2024-01-01T00:00:00.000000Z' WHERE log = %s", log)
    return Where(log, scene.head(log), scene.head(log))


def closing_forged(scene: Scene) -> Where:
    """As if the alliance document closed it there; what comes after would be void."""
    log = scene.random.choice(LOGS)
    size = scene.random.choice(scene.sizes(log)[:-1])
    scene.do(
        "INSERT INTO ledger.closed SELECT log, size, root, '{}' FROM ledger.checkpoint"
        " WHERE log = %s AND size = %s",
        log, size,
    )  # fmt: skip
    if scene.random.randrange(2):
        scene.do("UPDATE ledger.log SET state = 'closed' WHERE log = %s", log)
    return Where(log, size + 1, size + 1)


def taken_over(scene: Scene) -> Where:
    """An own log as if it were a followed one, or the other way round."""
    log = scene.random.choice(LOGS)
    for table in ("log", "entry"):
        scene.do(f"UPDATE ledger.{table} SET own = NOT own WHERE log = %s", log)  # noqa: S608  (two names)
    return Where(log, 0, 0)


def state_changed(scene: Scene) -> Where:
    log = scene.random.choice(LOGS)
    state = scene.random.choice(("closed", "stopped"))
    scene.do("UPDATE ledger.log SET state = %s WHERE log = %s", state, log)
    return Where(log, scene.head(log), scene.head(log))


def breach_forged(scene: Scene) -> Where:
    """With nothing, or with what the log really signed and recorded, as evidence."""
    log, position = scene.place()
    sizes = scene.random.sample(scene.sizes(log), 2)
    signed = [scene.note(log, size).encode() for size in sizes]
    evidence = scene.random.choice(([], signed, [scene.value(log, position), signed[0]]))
    kind = scene.random.choice(("fork", "wrong-position", "wrong-source", "reopened"))
    scene.do("INSERT INTO ledger.breach VALUES (%s, %s, %s, '', %s)", log, position, kind, evidence)
    scene.do("UPDATE ledger.log SET state = 'stopped' WHERE log = %s", log)
    return Where(log, position, position)


def redaction_forged(scene: Scene) -> Where:
    """Its bytes taken without a decision, or still here."""
    log, position = scene.place()
    if scene.random.randrange(2):
        scene.do("UPDATE ledger.entry SET value = '' WHERE log = %s AND position = %s", log, position)
    scene.do("INSERT INTO ledger.redacted VALUES (%s, %s, %s)", log, position, position + 1)
    return Where(log, position, position)


def command_changed(scene: Scene) -> Where:
    """What a repeated command is answered with: another record, or it is recorded twice."""
    log, position = scene.place(OWN)
    change = scene.random.choice(("position = position + 1", "command = command || '0'", "count = count + 1"))
    scene.do(f"UPDATE ledger.command SET {change} WHERE log = %s AND position = %s", log, position)  # noqa: S608
    return Where(log, position, position + 1)


def command_deleted(scene: Scene) -> Where:
    log, position = scene.place(OWN)
    scene.do("DELETE FROM ledger.command WHERE log = %s AND position >= %s", log, position)
    return Where(log, position, position)


def command_forged(scene: Scene) -> Where:
    """An answer to a command that was never given; it would be taken for done."""
    log, position = scene.place(OWN)
    scene.do("INSERT INTO ledger.command VALUES (%s, 'forged', '', %s, 1)", log, position)
    return Where(log, position, position)


def foreign_answer(scene: Scene) -> Where:
    """A record of another log, as good as there are, in the place of one."""
    log, position = scene.place()
    other, at = scene.place(tuple(name for name in LOGS if name != log))
    scene.do(
        "UPDATE ledger.entry e SET value = o.value, leaf = o.leaf FROM ledger.entry o"
        " WHERE e.log = %s AND e.position = %s AND o.log = %s AND o.position = %s",
        log, position, other, at,
    )  # fmt: skip
    return scene.around(log, position)


def guard_file_moved_back(scene: Scene) -> Where:
    log = scene.random.choice(OWN)
    heads = scene.grown.heads
    old = heads[scene.random.randrange(len(heads) - 2)]
    ledger.guarded(scene.conn, scene.guard, {**heads[-1], log: old[log]})
    return Where(log, old[log].size + 1, old[log].size + 1)


def guarded_line_removed(scene: Scene) -> Where:
    """Of an own log or of one that was only cosigned."""
    log = scene.random.choice(LOGS)
    rest = {name: head for name, head in scene.grown.heads[-1].items() if name != log}
    ledger.guarded(scene.conn, scene.guard, rest)
    return Where(log, 1, 1)


def guard_file_of_another_database(scene: Scene) -> Where:
    found = scene.guard.read()
    assert found is not None
    system, timeline, database = found.identity.split(" ")
    identity = f"{system} {timeline} {int(database) + scene.random.randint(1, 99)}"
    scene.guard.replace(type(found)(identity, found.heads))
    return Where("", 0, 0)


PLANTS: tuple[Plant, ...] = (
    byte_changed, byte_and_leaf_changed, row_changed, leaf_changed, time_changed, swapped, deleted,
    inserted, tail_cut, tail_cut_with_all_that_covers_it, checkpoint_replaced,
    checkpoint_signed_by_another_key, history_rewritten_under_another_key,
    key_swapped_in_the_alliance_document, receipt_forged, receipt_root_changed, remembered_root_changed,
    version_changed, stream_changed, owner_changed, node_changed, head_moved, head_time_changed,
    foreign_answer, guard_file_moved_back, guard_file_of_another_database, rolled_back_with_its_guard_file,
    receipt_time_changed, receipt_moved, closing_forged, state_changed, remembered_time_changed,
    own_receipts_deleted, remembering_deleted, all_about_cosigning_deleted, guarded_line_removed,
    taken_over, command_changed, command_deleted, command_forged, breach_forged, redaction_forged,
)  # fmt: skip
