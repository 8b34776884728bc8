"""A node from whose ledger evidence packs are made: two bureaus, two provinces, three witnesses."""

from collections.abc import Callable, Sequence
from datetime import date
from hashlib import sha256
from io import BytesIO
from uuid import UUID, uuid5

from events import alliance, checkpoints, envelope, keys, notes
from events.activity import ActivitySignUpStated
from events.alliance import Alliance
from events.alliance_document import Bureau, Document, Key, Log, Node, Policy
from events.event import Key as RecordKey
from services.auditor import answers, asking, pack, pack_selection
from services.auditor.pack import Packed, Source
from services.auditor.pack_selection import Json, Selection
from services.ledger import append, read
from services.runtime.database import Connection
from tests.services.ledger import redacted
from tests.services.ledger.nodes import ALLIANCE, LOG, OTHER, PLAN, Ledger, signer

MADE = "2026-03-02T01:00:00.000000Z"
SIZE, OTHER_SIZE = 600, 6
COSIGNED = 1_772_413_200
"""Seconds: 2026-03-02 09:00:00 in Beijing."""
_SPACE = UUID(int=7)
_NAMES = {LOG: "中共重庆市江津区委老干部局", OTHER: "中共成都市委老干部局"}
_NAMES_EN = {LOG: "Jiangjin District Bureau", OTHER: "Chengdu City Bureau"}
_OPERATORS = {"chongqing": "重庆市", "sichuan": "四川省", "observer": "高校"}
_HOSTS = {LOG: "chongqing", OTHER: "sichuan"}


def stream(log: str, number: int) -> str:
    """The stream of a log's records 3 × number + 1 and the two after it."""
    return str(uuid5(_SPACE, f"{log}/{number}"))


def fill(ledger: Ledger) -> None:
    """600 and 6 records; each of `OTHER` rests on one of `LOG`, and that of 600 on one before it."""
    ledger.open(LOG, OTHER)
    write(ledger, LOG, SIZE, {600: [(LOG, 17)]})
    write(ledger, OTHER, OTHER_SIZE, {n: [(LOG, n * 100)] for n in range(1, OTHER_SIZE + 1)})
    ledger.checkpointer(LOG, OTHER).round()


def write(ledger: Ledger, log: str, count: int, basis: dict[int, list[RecordKey]]) -> None:
    """Records on the first days of May, ten a minute."""
    entries = [_entry(log, position, basis.get(position, [])) for position in range(1, count + 1)]
    command = append.Command(str(uuid5(_SPACE, log)), bytes(32), count)
    with ledger.database.transaction() as conn:
        append.append(conn, append.Batch(log, entries, [command]))


def _entry(log: str, position: int, basis: Sequence[RecordKey]) -> append.Entry:
    number, version = divmod(position - 1, 3)
    data = ActivitySignUpStated(persons=position) if version else PLAN
    value = envelope.prepare(
        alliance=ALLIANCE, log=log, id=str(uuid5(_SPACE, f"{log}:{position}")), aggregate="activity",
        stream=stream(log, number), version=version + 1, actor=f"officer/{UUID(int=1)}", data=data,
        basis=basis,
    )  # fmt: skip
    minute = position // 10
    time = f"2025-05-01T{minute // 60:02}:{minute % 60:02}:00.000000Z"
    return append.Entry(value, time, stream(log, number), version + 1)


def values(log: str, count: int) -> list[bytes]:
    """The first records of such a log, finished."""
    entries = (_entry(log, position, []) for position in range(1, count + 1))
    return [envelope.stamp(entry.value, n, entry.time) for n, entry in enumerate(entries, 1)]


def redact(ledger: Ledger, *positions: int, signed: bool = True) -> None:
    """Decide to redact these records of `LOG`, and carry it out."""
    with ledger.database.connection() as conn:
        held = [entry.value for entry in read.entries(conn, LOG)]
    entries = [redacted.decision(held, position) for position in positions]
    commands = [append.Command(str(uuid5(_SPACE, f"redact {n}")), bytes(32), 1) for n in positions]
    with ledger.database.transaction() as conn:
        append.append(conn, append.Batch(LOG, entries, commands))
    if signed:
        ledger.checkpointer(LOG, OTHER).round()
    redacted.redact(ledger, list(redacted.stamped(len(held), *entries)))


def cosigner(node: str) -> notes.Signer:
    name = checkpoints.node_key(ALLIANCE, node)
    return notes.Signer(name, sha256(node.encode()).digest(), notes.Kind.COSIGNATURE)


def quorum(number: int) -> notes.Signer:
    return notes.Signer(f"province-{number}", sha256(b"quorum %d" % number).digest())


def document(version: int = 1, previous: str | None = None, needed: int | None = None) -> Document:
    return Document(
        alliance=ALLIANCE,
        version=version,
        previous=previous,
        quorum=tuple(quorum(number).verifier.vkey for number in range(3)),
        bureau=tuple(
            Bureau.model_validate({
                "code": code, "name_zh": _NAMES[code], "name_en": _NAMES_EN[code], "from": date(2021, 1, 1),
            })
            for code in (LOG, OTHER)
        ),
        node=tuple(
            Node(name=name, operator=who, url="https://node.example", cosigner=cosigner(name).verifier.vkey)
            for name, who in _OPERATORS.items()
        ),
        log=tuple(
            Log(name=log, bureau=log, node=host, key=(Key(vkey=signer(log).verifier.vkey),))
            for log, host in _HOSTS.items()
        ),
        policy=Policy(witnesses=tuple(_OPERATORS), needed=needed),
    )  # fmt: skip


def versions(*needed: int | None) -> list[str]:
    """Notes of an alliance with these policies, each signed by two of the three of the quorum."""
    made: list[str] = []
    for version, each in enumerate(needed or (None, None), 1):
        previous = alliance.digest(made[-1]) if made else None
        made.append(notes.sign(document(version, previous, each).write(), quorum(0), quorum(version % 2 + 1)))
    return made


def closed(size: int, root: bytes, log: str = LOG) -> list[str]:
    """Those versions, and one that closes a log."""
    made = versions()
    base = document(3, alliance.digest(made[-1]))
    told = {"closed_size": size, "closed_root": keys.encode(root)}
    logs = tuple(each.model_copy(update=told) if each.name == log else each for each in base.log)
    closing = base.model_copy(update={"log": logs}).write()
    return [*made, notes.sign(closing, quorum(0), quorum(1))]


def believed(texts: Sequence[str]) -> Alliance:
    found = alliance.first(texts[0], alliance.digest(texts[0]))
    for text in texts[1:]:
        found = alliance.successor(found, text)
    return found


def witnessed(*nodes: str) -> Callable[[Connection, str, int], tuple[int, str]]:
    """The latest checkpoint, cosigned by these nodes, a minute apart."""

    def covering(conn: Connection, log: str, at_least: int) -> tuple[int, str]:
        size, note = _latest(conn, log)
        for minute, node in enumerate(nodes):
            note = notes.cosign(note, cosigner(node), COSIGNED + 60 * minute)
        return size, note

    return covering


def _latest(conn: Connection, log: str) -> tuple[int, str]:
    row = conn.execute(
        "SELECT size, note FROM ledger.checkpoint WHERE log = %s ORDER BY size DESC LIMIT 1", [log]
    ).fetchone()
    assert row is not None
    return row  # type: ignore[return-value]  # the table's own types


def source(ledger: Ledger, *nodes: str, texts: Sequence[str] = ()) -> Source:
    texts = texts or versions()
    return Source(believed(texts), texts, ledger.guard.read(), witnessed(*nodes))


def make(ledger: Ledger, selection: Selection, *nodes: str, texts: Sequence[str] = ()) -> bytes:
    """The bytes of a pack."""
    return export(ledger, selection, *nodes, texts=texts)[1]


def export(
    ledger: Ledger, selection: Selection, *nodes: str, texts: Sequence[str] = ()
) -> tuple[Packed, bytes]:
    out = BytesIO()
    with ledger.database.connection() as conn:
        told = pack.export(conn, out, source(ledger, *nodes, texts=texts), selection, MADE)
    return told, out.getvalue()


def report(**changed: object) -> Json:
    """Two figures: activities of both bureaus, counted by stream, and persons, a sum."""
    some = [[LOG, n] for n in (1, 2, 3, 4, 300)] + [[OTHER, 1], [OTHER, 2]]
    streams = [[LOG, stream(LOG, number)] for number in (0, 1, 99)] + [[OTHER, stream(OTHER, 0)]]
    row = {"log": LOG, "stream": stream(LOG, 1), "key": "", "fields": {"persons": 5}}
    return sealed({
        "name": "2025 年川渝联合活动",
        "query": "activities",
        "parameters": {"first": "2025-01-01"},
        "vector": {LOG: SIZE, OTHER: OTHER_SIZE},
        "versions": {"query/activities": 1},
        "aside": {"waiting": [], "skipped": [], "redacted": []},
        "figures": [
            {"name": "activities", "zh": "联合活动场次", "en": "joint activities", "value": 4, "count": True,
             "of": "streams", "streams": streams, "records": some},
            {"name": "persons", "zh": "人数", "en": "persons", "value": 62, "count": False,
             "streams": [streams[0], streams[3]], "records": [[LOG, 2], [OTHER, 2]]},
        ],
        "rows": [{**row, "records": [[LOG, 5]]}, {**row, "key": "no records"}],
    }) | changed  # fmt: skip


def sealed(document: Json) -> Json:
    """With the digest that a report of this content has."""
    figures = [
        {**{n: f.get(n) for n in ("name", "zh", "en", "value", "streams")}, "counts": f["count"]}
        for f in document["figures"]
    ]
    rows = [{n: row.get(n) for n in ("log", "stream", "key", "fields")} for row in document["rows"]]
    said = {n: document[n] for n in ("query", "parameters", "versions", "vector", "aside")}
    answer = {"figures": figures, "rows": rows}
    return document | {"digest": answers.digest({**said, "format": asking.FORMAT, "answer": answer})}


SELECTIONS: dict[str, Callable[[], Selection]] = {
    "records": lambda: pack_selection.records([(LOG, 3), (LOG, 299), (OTHER, 2)]),
    "basis": lambda: pack_selection.records([(OTHER, 6), (OTHER, 2)], basis=True),
    "subject": lambda: pack_selection.subject(LOG, stream(LOG, 100)),
    "bureau": lambda: pack_selection.bureau(LOG),
    "period": lambda: pack_selection.period("2025-05-01T00:09:59.999999Z", "2025-05-01T00:20:00.000000Z"),
    "report": lambda: pack_selection.report(report()),
}
