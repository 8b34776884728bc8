"""What is left of a redacted record: pages say so, proofs hold, and all have the rest of the log."""

from collections.abc import Callable
from datetime import date

import pytest
from fastapi.testclient import TestClient

from events import errors, holes, merkle, tiles
from events.activity import Form
from events.holes import Hole
from events.loops import Role
from events.proofs import InclusionProof
from events.tiles import Tile
from events.values import Place, Reason, Why
from services.bureau.activity import Change, Confirm, Plan, Publish
from services.bureau.commands import Command
from services.bureau.office import Answer, Order
from services.bureau.redacting import Redact
from services.ledger import read
from tests.services.gateway.clerks import Clerk
from tests.services.gateway.houses import House

HOME, GUEST = "500116", "500117"
DAY, PLACE = date(2026, 4, 1), Place(division=HOME)
CHANGED = 3


def do(house: House, bureau: str, command: Command) -> Answer:
    key = f"{type(command).__name__}-{command.model_dump_json()}"
    return house.site.office.do(bureau, Order(key, house.officer(bureau, Role.LEADER), command))


@pytest.fixture
def stream(house: House) -> str:
    """An activity: planned, asked about, changed and confirmed; the question and the change are redacted."""
    planned = do(house, HOME, Plan(title="江津讲座", form=Form.LECTURE, starts=DAY, ends=DAY, place=PLACE))
    with house.database.connection() as conn:
        stream = read.record(conn, (HOME, planned.position)).stream
    asked = do(house, HOME, Publish(stream=stream, bureaus=(GUEST,)))
    do(house, HOME, Change(stream=stream, starts=DAY, ends=DAY, place=PLACE))
    house.catch_up()
    do(house, GUEST, Confirm(log=HOME, stream=stream))
    for position in (asked.position, CHANGED):
        do(house, HOME, Redact(position=position, reason=Why(code=Reason.OTHER)))
    house.catch_up()
    return stream


@pytest.mark.usefixtures("stream")
def test_the_bundle_is_gone_and_comes_with_its_holes(client: TestClient) -> None:
    path = Tile(None, 0, 5)
    gone = client.get(f"/log/{HOME}/{path.path}")
    assert (gone.status_code, gone.headers["content-type"]) == (410, "application/problem+json")
    answer = client.get(f"/log/{HOME}/{holes.path(path)}")
    entries = holes.decode(path, answer.content)
    assert [n for n, entry in enumerate(entries, 1) if isinstance(entry, Hole)] == [2, 3]
    # and no copy of what may be redacted stays on the way, while hashes do
    assert answer.headers["cache-control"] == "no-store"
    hashes = client.get(f"/log/{HOME}/tile/0/000.p/5")
    assert "immutable" in hashes.headers["cache-control"]
    assert tiles.tile_hashes(Tile(0, 0, 5), hashes.content) == [holes.leaf_hash(entry) for entry in entries]
    assert client.get(f"/log/{HOME}/entries+holes/000.p/9").status_code == 404
    assert client.get(f"/log/{HOME}/entries+holes/0").status_code == 422


@pytest.mark.usefixtures("stream")
def test_the_permalink_names_the_decision_and_the_leaf_is_proved(client: TestClient) -> None:
    for lang, says in (("zh", "已依决定删除"), ("en", "By decision")):
        html = client.get(f"/records/{HOME}/2?lang={lang}").text
        assert says in html
        assert f'href="/records/{HOME}/4"' in html
    found = client.get(f"/api/v1/records/{HOME}/2").json()
    assert (found["value"], found["redacted"], found["sentence"]) == (None, 4, None)
    assert client.get(f"/audit/records/{HOME}/2.json").status_code == 410
    proof = client.get(f"/api/v1/proofs/{HOME}/2.tlog-proof")
    assert proof.status_code == 200
    with pytest.raises(errors.Damage):
        InclusionProof.parse(proof.text).check(b"")
    assert found["leaf"] != merkle.leaf_hash(b"")


def test_pages_that_come_across_it_are_no_error_pages(clerk: Callable[[str], Clerk], stream: str) -> None:
    reader = clerk(f"{HOME}/leader")
    for path in (
        f"/records/{HOME}/1", f"/records/{HOME}/2", f"/records/{HOME}/3", f"/records/{HOME}/4",
        f"/records/{GUEST}/1", f"/activity/activity/{HOME}/{stream}", "/activity/activity", "/inbox",
        "/timeline", f"/timeline?stream={HOME}/{stream}",
        "/audit/events", f"/audit/events?stream={HOME}/{stream}", "/audit/replay",
        f"/audit/lineage/{HOME}/1", f"/audit/lineage/{HOME}/2", f"/audit/lineage/{GUEST}/1",
        f"/audit/streams/{HOME}/{stream}", f"/api/v1/streams/{HOME}/{stream}",
        f"/api/v1/audit/lineage/{GUEST}/1",
    ):  # fmt: skip
        assert reader.client.get(path).status_code == 200, path
    assert "已依决定删除" in reader.get(f"/audit/lineage/{GUEST}/1")
