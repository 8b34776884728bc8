"""Nodes for tests: an alliance with keys, a database with the ledger's tables, and records to append."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

from events import activity, checkpoints, envelope, merkle, notes, values
from events.activity import ActivityPlanned, ActivitySignUpStated
from events.alliance import Alliance
from events.alliance_document import Bureau, Document, Key, Log, Node
from events.checkpoints import Checkpoint
from services.ledger import append, logs, schema
from services.ledger.checkpoints import Checkpointer
from services.ledger.guard import GuardFile
from services.ledger.keyring import Held
from services.runtime.database import Database, migrate

ALLIANCE = "chuanyu"
LOG, OTHER = "500116", "510100"
TIME = "2025-05-01T08:00:00.000000Z"


def signer(log: str) -> notes.Signer:
    return notes.Signer(checkpoints.origin(ALLIANCE, log), sha256(log.encode()).digest())


def alliance(*names: str) -> Alliance:
    """An alliance of these logs, all at one node."""
    seed = sha256(b"node").digest()
    cosigner = notes.Signer(checkpoints.node_key(ALLIANCE, "host"), seed, notes.Kind.COSIGNATURE)
    day = date(2021, 1, 1)
    document = Document(
        alliance=ALLIANCE,
        version=1,
        quorum=(notes.Signer("quorum", sha256(b"quorum").digest()).verifier.vkey,),
        bureau=tuple(
            Bureau.model_validate({"code": code, "name_zh": code, "name_en": code, "from": day})
            for code in sorted({name[:6] for name in names})
        ),
        node=(
            Node(name="host", operator="host", url="https://host.example", cosigner=cosigner.verifier.vkey),
        ),
        log=tuple(
            Log(name=name, bureau=name[:6], node="host", key=(Key(vkey=signer(name).verifier.vkey),))
            for name in names
        ),
    )
    return Alliance(document, "")


def prepare_database(dsn: str) -> None:
    migrate(dsn, schema.migrations())


@dataclass
class Ledger:
    """One node's ledger."""

    dsn: str
    folder: Path
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        self.database = Database(self.dsn, size=4).open()
        self.guard = GuardFile(self.folder / "guard")

    def close(self) -> None:
        self.database.close()

    def open(self, *names: str) -> None:
        with self.database.connection() as conn:
            for name in names:
                logs.open_own(conn, name)

    def follow(self, *names: str) -> None:
        with self.database.connection() as conn:
            for name in names:
                logs.follow(conn, name)

    def append(self, count: int, log: str = LOG, time: str = TIME) -> None:
        """Append as one bulk command; streams of three events each, the last one maybe shorter."""
        entries = list(entries_of(log, count, time))
        command = append.Command(str(uuid4()), bytes(32), count)
        with self.database.transaction() as conn:
            append.append(conn, append.Batch(log, entries, [command]))

    def checkpointer(self, *names: str) -> Checkpointer:
        keys = {name: (Held(signer(name)),) for name in names or (LOG,)}
        return Checkpointer(self.database, keys, self.guard)


PLAN = ActivityPlanned(
    title="川渝老干部红色研学",
    form=activity.Form.FIELD_STUDY,
    theme=activity.Theme.REVOLUTION,
    starts=date(2025, 5, 1),
    ends=date(2025, 5, 2),
    place=values.Place(division=LOG),
)


def entries_of(log: str, count: int, time: str = TIME) -> Iterator[append.Entry]:
    stream = ""
    for number in range(count):
        version = number % 3 + 1
        stream = str(uuid4()) if version == 1 else stream
        data = PLAN if version == 1 else ActivitySignUpStated(persons=number)
        value = envelope.prepare(
            alliance=ALLIANCE, log=log, id=str(uuid4()), aggregate="activity", stream=stream, version=version,
            actor=f"officer/{UUID(int=1)}", data=data,
        )  # fmt: skip
        yield append.Entry(value, time, stream, version)


def values_of(log: str, count: int, after: int = 0, time: str = TIME) -> list[bytes]:
    """Finished values, as they stand on a topic."""
    entries = enumerate(entries_of(log, count, time), after + 1)
    return [envelope.stamp(entry.value, position, entry.time) for position, entry in entries]


def note_over(log: str, values: list[bytes], by: str | None = None) -> str:
    """The note of `log` over exactly these values, signed with the key of `by`."""
    root = merkle.root(merkle.leaf_hash(value) for value in values)
    origin = signer(by or log).name
    return checkpoints.sign_checkpoint(Checkpoint(origin, len(values), root), signer(by or log))
