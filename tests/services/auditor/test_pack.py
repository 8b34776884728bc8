"""An evidence pack holds what was selected with all that proves it, and is the same everywhere."""

import base64
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from deploy.evidence.verify import Pack, Verifier
from events import envelope, errors, merkle, notes, tiles
from events.tiles import Proven, Tile
from services.auditor import pack, pack_archive, pack_log, pack_selection
from services.auditor.pack import Packed, Source
from services.auditor.pack_records import Record
from services.auditor.pack_selection import Selection
from services.ledger import closing, read, receipts, store
from tests.deploy.evidence import edited
from tests.services.auditor import packs
from tests.services.auditor.packs import OTHER_SIZE, SIZE
from tests.services.ledger import nodes
from tests.services.ledger.nodes import LOG, OTHER, Ledger
from tests.support.databases import Server

ALLIANCE = packs.believed(packs.versions())
NewNode = Callable[[], Ledger]


@pytest.fixture
def new_node(postgres: Server, new_database: Callable[..., str], tmp_path: Path) -> Iterator[NewNode]:
    """Makes empty ledgers, each with a guard file of its own."""
    made: list[Ledger] = []

    def new() -> Ledger:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Ledger(new_database(postgres.template("ledger", nodes.prepare_database)), folder))
        return made[-1]

    yield new
    for ledger in made:
        ledger.close()


@pytest.fixture
def node(new_node: NewNode) -> Ledger:
    """The node of `packs`."""
    made = new_node()
    packs.fill(made)
    return made


def opened(pack_: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(pack_)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def manifest(pack_: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(opened(pack_)["manifest.json"])
    return found


def positions(pack_: bytes, log: str = LOG) -> list[int]:
    lines = opened(pack_)[f"log/{log}/records.jsonl"].splitlines()
    return [int(json.loads(line)["sequence"]) for line in lines]


def execute(node: Ledger, order: LiteralString) -> None:
    with psycopg.connect(node.dsn) as conn:
        conn.execute(order)


# --- what is in it --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "here", "there"),
    [
        ("records", [3, 299], [2]),
        ("basis", [17, 200, 600], [2, 6]),
        ("subject", [301, 302, 303], []),
        ("bureau", [*range(1, SIZE + 1)], []),
        ("period", [*range(99, 211)], [6]),
        ("report", [1, 2, 3, 4, 5, 300], [1, 2]),
    ],
)
def test_a_selection_holds_its_records_byte_for_byte(
    name: str, here: list[int], there: list[int], node: Ledger
) -> None:
    told, made = packs.export(node, packs.SELECTIONS[name]())

    assert (told.records, told.logs) == (len(here) + len(there), 1 + bool(there))
    assert positions(made) == here
    assert (positions(made, OTHER) if there else []) == there
    with node.database.connection() as conn:
        values = [entry.value for entry in read.entries(conn, LOG)]
    lines = opened(made)[f"log/{LOG}/records.jsonl"].split(b"\n")
    assert lines == [*(values[position - 1] for position in here), b""]


def test_a_bureau_in_a_period_is_only_its_own(node: Ledger) -> None:
    days = ("2025-04-30T00:00:00.000000Z", "2025-05-01T00:00:00.000000Z")
    both = packs.make(node, pack_selection.period(*days))
    one = packs.make(node, pack_selection.period(*days, OTHER))

    assert [part["records"] for part in manifest(both)["logs"]] == [10, OTHER_SIZE]
    assert [part["log"] for part in manifest(one)["logs"]] == [OTHER]


def test_the_manifest_tells_all(node: Ledger) -> None:
    made = packs.make(node, packs.SELECTIONS["report"](), "sichuan")
    told, files = manifest(made), opened(made)

    assert (told["format"], told["alliance"], told["made"]) == ("yinqiao-evidence/v1", "chuanyu", packs.MADE)
    assert told["selection"] == {"kind": "report", "name": packs.report()["name"]}
    assert told["logs"][0] == {"log": LOG, "bureau": LOG, "size": SIZE, "records": 6}
    assert told["files"] == {
        name: pack_archive.digest(raw) for name, raw in files.items() if name != "manifest.json"
    }
    assert json.loads(files["report.json"]) == packs.report()
    assert [name for name in files if name.startswith("schemas/")] == [
        "schemas/yinqiao.activity.activity-planned.v2.json",
        "schemas/yinqiao.activity.activity-sign-up-stated.v1.json",
    ]
    assert files["alliance/2.note"].decode() == packs.versions()[1]


def test_a_basis_that_is_not_held_is_told(new_node: NewNode) -> None:
    # given a node that follows only the log whose records rest on another's
    node = new_node()
    node.open(OTHER)
    packs.write(node, OTHER, 2, {1: [(LOG, 5)], 2: [(LOG, 9), (OTHER, 1)]})
    node.checkpointer(OTHER).round()

    told, made = packs.export(node, pack_selection.records([(OTHER, 2)], basis=True))

    assert told.absent == [(LOG, 5), (LOG, 9)]
    assert positions(made, OTHER) == [1, 2]
    assert manifest(made)["selection"]["absent"] == [f"{LOG}:5", f"{LOG}:9"]


# --- the proofs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600, 65_536, 65_537, 70_000])
def test_the_tiles_are_all_that_is_needed_and_no_more(size: int) -> None:
    # given the subtree hashes of a tree, all leaves the same, so that it need not be built
    leaf = bytes(32)
    towers = [leaf]
    for _ in range(17):
        towers.append(merkle.node_hash(towers[-1], towers[-1]))
    root = merkle.range_root(0, size, lambda level, _: towers[level])
    indexes = sorted({0, size // 2, size - 1})
    wanted = set(pack_log.needed(size, {index // 256 for index in indexes}))
    read_: set[Tile] = set()

    def fetch(tile: Tile) -> bytes:
        assert tile in wanted
        read_.add(tile)
        return tiles.tile_bytes(tile, lambda level, _: towers[level])

    proven = Proven(size, root, fetch)
    assert all(proven(0, index) == leaf for index in indexes)
    assert read_ == wanted


def test_the_witnessed_checkpoint_is_taken_when_there_is_one(node: Ledger) -> None:
    # given 600 records witnessed, and 30 more that are not
    cosign(node, "sichuan", "observer")
    node.append(30)
    node.checkpointer(LOG).round()
    source = Source(
        ALLIANCE, packs.versions(), node.guard.read(), pack.witnessed(ALLIANCE, node.guard.read())
    )

    def size(position: int) -> tuple[int, int]:
        out = BytesIO()
        with node.database.connection() as conn:
            pack.export(conn, out, source, pack_selection.records([(LOG, position)]), packs.MADE)
        checkpoint = opened(out.getvalue())[f"log/{LOG}/checkpoint"]
        return manifest(out.getvalue())["logs"][0]["size"], len(notes.split(checkpoint)[1])

    assert size(600) == (600, 3)
    assert size(601) == (630, 1)


def cosign(node: Ledger, *names: str) -> None:
    with node.database.connection() as conn:
        note = store.latest(conn, LOG)[2]
        for name in names:
            cosigned = notes.cosign(note, packs.cosigner(name), packs.COSIGNED)
            receipts.take(conn, ALLIANCE, receipts.opened(ALLIANCE, name, cosigned))


def packed(node: Ledger, selection: Selection, *, unwitnessed: bool = False) -> tuple[Packed, bytes]:
    source = pack.source(ALLIANCE, packs.versions(), node.guard.read(), unwitnessed=unwitnessed)
    out = BytesIO()
    with node.database.connection() as conn:
        return pack.export(conn, out, source, selection, packs.MADE), out.getvalue()


def test_what_is_not_witnessed_is_left_out_or_refused_unless_it_is_asked_for(node: Ledger) -> None:
    # given 600 records witnessed, and 30 more that are not
    cosign(node, "sichuan", "observer")
    node.append(30)
    node.checkpointer(LOG).round()

    told, made = packed(node, pack_selection.bureau(LOG))
    assert positions(made) == [*range(1, 601)]
    assert told.awaited == {LOG: (600, 630)}
    for selection in (pack_selection.records([(LOG, 601)]), pack_selection.bureau(OTHER)):
        with pytest.raises(errors.Unavailable, match="not witnessed yet"):
            packed(node, selection)
    assert packed(node, pack_selection.records([(LOG, 600)]))[0].awaited == {}
    told, made = packed(node, pack_selection.bureau(LOG), unwitnessed=True)
    assert (positions(made), told.awaited) == ([*range(1, 631)], {})


# --- a closed log ---------------------------------------------------------------------------------------


def closed(node: Ledger, size: int) -> list[str]:
    """The alliance closes the log there; gives the versions of its document."""
    with node.database.transaction() as conn:
        texts = packs.closed(size, store.tree_root(conn, LOG, size))
        assert closing.state(conn, packs.believed(texts)) == [LOG]
    return texts


@pytest.mark.parametrize("size", [299, 512, 600])
def test_of_a_closed_log_nothing_void_is_packed(size: int, node: Ledger) -> None:
    texts = closed(node, size)

    made = packs.make(node, packs.SELECTIONS["bureau"](), "sichuan", "observer", texts=texts)

    assert positions(made) == [*range(1, size + 1)]
    proof = Verifier(Pack(BytesIO(made)), edited.digest()).proofs[LOG]
    assert (proof.end, proof.part.size) == (size, SIZE)
    if size < SIZE:
        with pytest.raises(errors.Void, match=f"closed at size {size}"):
            packs.make(node, pack_selection.records([(LOG, size + 1)]), texts=texts)


def test_a_node_on_the_other_side_of_a_fork_packs_nothing_of_that_log(node: Ledger) -> None:
    texts = packs.closed(299, bytes(32))
    with node.database.transaction() as conn:
        closing.state(conn, packs.believed(texts))

    with pytest.raises(errors.Damage, match="other side of a fork"):
        packs.make(node, pack_selection.records([(LOG, 3)]), texts=texts)


def test_a_checkpoint_below_the_closing_leads_to_it_too(node: Ledger) -> None:
    # given that 30 more records came, and the log is closed with them
    with node.database.connection() as conn:
        early = store.latest(conn, LOG)[:1] + store.latest(conn, LOG)[2:]
    node.append(30)
    node.checkpointer(LOG).round()
    texts = closed(node, 630)
    source = Source(packs.believed(texts), texts, node.guard.read(), lambda *_: (early[0], early[1]))
    out = BytesIO()
    with node.database.connection() as conn:
        pack.export(conn, out, source, pack_selection.records([(LOG, 3), (LOG, 599)]), packs.MADE)

    proof = Verifier(Pack(out), edited.digest()).proofs[LOG]
    assert (proof.end, proof.runs.count) == (SIZE, 2)


# --- the same everywhere ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", packs.SELECTIONS)
def test_two_nodes_with_the_same_checkpoints_make_the_same_bytes(
    name: str, node: Ledger, new_node: NewNode
) -> None:
    # given the node that wrote the logs, and one that received them
    other = new_node()
    other.follow(LOG, OTHER)
    with node.database.connection() as ours, other.database.connection() as theirs:
        for log in (LOG, OTHER):
            values = [entry.value for entry in read.entries(ours, log)]
            store.accept(theirs, ALLIANCE, log, values, store.latest(ours, log)[2])

    made = packs.make(node, packs.SELECTIONS[name](), "observer")

    assert packs.make(other, packs.SELECTIONS[name](), "observer") == made
    assert packs.make(node, packs.SELECTIONS[name](), "observer") == made  # once more


def test_names_stand_in_order_and_all_have_one_date(node: Ledger) -> None:
    texts = packs.versions(*[None] * 11)
    made = packs.make(node, packs.SELECTIONS["report"](), texts=texts)

    with zipfile.ZipFile(BytesIO(made)) as archive:
        infos = archive.infolist()
    assert [i.filename for i in infos] == sorted(i.filename for i in infos)
    assert {i.date_time for i in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert {i.compress_type for i in infos} == {zipfile.ZIP_DEFLATED}
    assert "alliance/11.note" in {i.filename for i in infos}


# --- what cannot be exported --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "selection",
    [
        pack_selection.records([(LOG, SIZE + 1)]),
        pack_selection.records([(LOG, 0)]),
        pack_selection.records([("999999", 1)]),
        pack_selection.records([]),
        pack_selection.bureau("999999"),
        pack_selection.subject(OTHER, packs.stream(LOG, 1)),
        pack_selection.period("2024-01-01T00:00:00.000000Z", "2024-02-01T00:00:00.000000Z"),
    ],
)
def test_what_is_not_here_is_refused(selection: Selection, node: Ledger) -> None:
    node.append(1)  # not covered, so not published

    with pytest.raises(errors.NotFound):
        packs.make(node, selection)


HARMS: list[LiteralString] = [
    "UPDATE ledger.entry SET value = value || ' ' WHERE log = '500116' AND position = 299",
    "UPDATE ledger.entry SET leaf = sha256(leaf) WHERE log = '500116' AND position = 299",
    "DELETE FROM ledger.entry WHERE log = '500116' AND position = 299",
    "UPDATE ledger.node SET hash = sha256(hash) WHERE log = '500116' AND index = 1",
    "DELETE FROM ledger.node WHERE log = '500116'",
    "UPDATE ledger.entry SET leaf = sha256(leaf) WHERE log = '500116' AND position = 600",
]


@pytest.mark.parametrize("harm", HARMS)
def test_what_does_not_prove_itself_is_not_packed(harm: LiteralString, node: Ledger) -> None:
    execute(node, harm)

    with pytest.raises(errors.Damage):
        packs.make(node, packs.SELECTIONS["records"]())


def test_a_redacted_record_leaves_its_place_and_brings_the_decision(node: Ledger) -> None:
    packs.redact(node, 302)

    lines = opened(packs.make(node, packs.SELECTIONS["subject"]()))[f"log/{LOG}/records.jsonl"].splitlines()

    assert lines[1] == b'{"decision":601,"redacted":302}'
    assert [envelope.read(line).sequence for line in (lines[0], *lines[2:])] == [301, 303, 601]


def test_a_decision_that_is_not_published_yet_is_awaited(node: Ledger) -> None:
    packs.redact(node, 302, signed=False)

    with pytest.raises(errors.NotFound, match="500116:601"):
        packs.make(node, packs.SELECTIONS["subject"]())


def test_bytes_that_somebody_took_are_not_packed_as_redacted(node: Ledger) -> None:
    execute(node, "UPDATE ledger.entry SET value = '' WHERE log = '500116' AND position = 302")

    with pytest.raises(errors.Damage, match="500116:302"):
        packs.make(node, packs.SELECTIONS["subject"]())


def test_a_record_with_a_line_end_stays_one_line() -> None:
    line = pack_log.line(Record(7, b'{"specversion":"1.0"\n}'))

    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "base64": base64.b64encode(b'{"specversion":"1.0"\n}').decode(),
        "position": 7,
    }


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": 1}, "name"),
        ({"vector": None}, "vector"),
        ({"vector": {LOG: 299}}, "vector"),
        ({"figures": [{"name": "x", "value": 1, "records": [[LOG, "1"]]}]}, "figures.0.records.0.1"),
        ({"figures": [{"name": "x", "value": 1, "records": [], "of": "y"}]}, "figures.0.of"),
        ({"rows": [{"records": [LOG, 1]}]}, "records.0"),
        ({"digest": float("nan")}, None),
    ],
)
def test_a_report_that_is_none_is_refused(changed: dict[str, object], field: str | None) -> None:
    with pytest.raises(errors.Invalid) as refused:
        pack_selection.report(packs.report(**changed))

    assert refused.value.field == field


def test_memory_stays_flat(new_node: NewNode, tmp_path: Path) -> None:
    node = new_node()
    node.open(LOG)

    def peak(records: int) -> int:
        node.append(records)
        node.checkpointer(LOG).round()
        tracemalloc.start()
        with (tmp_path / "pack.zip").open("w+b") as out, node.database.connection() as conn:
            pack.export(conn, out, packs.source(node), pack_selection.bureau(LOG), packs.MADE)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    first = peak(3_000)
    assert peak(9_000) - first < 9_000 * 120  # tiles, of which 256 stay at most; a record has 700 bytes
