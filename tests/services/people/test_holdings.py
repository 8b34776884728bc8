"""Two nodes over real HTTP: an attachment goes to those entitled, proves itself, and is gone when erased."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from events import errors, values
from services.people import fetch, requests, schema
from services.people.attachments import Store
from services.people.holdings import Holdings, Served
from services.runtime import files
from services.runtime.database import Database, migrate
from tests.services.people.alliances import NOW, alliance, node_signer
from tests.support.databases import Server

OWNER, PARTNER, NEIGHBOUR, OTHER = "500116", "510522", "510300", "500117"
TEXT = "备忘录文本".encode()


@dataclass
class Web:
    """The owner's node on the line; `spoil` stands for what a faulty or hostile node answers."""

    url: str = ""
    serve: Callable[[dict[str, str], str], Served] | None = None
    spoil: Callable[[Served], Served] = lambda served: served
    asked: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def answer(self, headers: dict[str, str], target: str) -> Served:
        assert self.serve is not None
        self.asked.append(target)
        try:
            served = self.spoil(self.serve(headers, target))
        except errors.YinqiaoError as error:
            served = Served(error.status, {}, b"")
        self.sizes.append(len(served.content))
        return served


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served = web.answer({name.lower(): value for name, value in self.headers.items()}, self.path)
            self.send_response(served.status)
            for name, value in served.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(served.content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        web.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield web
        server.shutdown()
        thread.join()


Make = Callable[[str], Holdings]
heirs: set[tuple[str, str]] = set()
"""(successor, owner whose log is closed)."""


@pytest.fixture(autouse=True)
def nobody_inherits() -> Iterator[None]:
    yield
    heirs.clear()


@pytest.fixture
def make(postgres: Server, new_database: Callable[..., str], tmp_path: Path, web: Web) -> Iterator[Make]:
    template = postgres.template("people", lambda dsn: migrate(dsn, schema.migrations()))
    who = alliance({"chongqing": web.url})
    pools: list[Database] = []
    clients = [fetch.client(), fetch.client()]

    def new(name: str) -> Holdings:
        pools.append(Database(new_database(template), size=2).open())
        files.make_folder(tmp_path / name)
        store = Store("chuanyu", tmp_path / name)
        return Holdings(
            name, lambda: who, pools[-1], store, node_signer(name), clock, clients[len(pools) - 1],
            lambda bureau, owner, _: (bureau, owner) in heirs,
        )  # fmt: skip

    yield new
    for pool in pools:
        pool.close()
    for client in clients:
        client.close()


def clock() -> datetime:
    return NOW


@pytest.fixture
def owner(make: Make, web: Web) -> Holdings:
    holdings = make("chongqing")
    web.serve = holdings.serve
    return holdings


@pytest.fixture
def partner(make: Make) -> Holdings:
    return make("sichuan")


def put(owner: Holdings) -> str:
    return owner.put(OWNER, TEXT, "text/plain", [PARTNER]).digest


def test_an_entitled_bureau_at_another_node_reads_it_and_the_bytes_travel_once(
    owner: Holdings, partner: Holdings, web: Web
) -> None:
    digest = put(owner)
    for _ in range(3):
        assert partner.get(digest, PARTNER, OWNER) == (TEXT, "text/plain; charset=utf-8")
    assert web.sizes == [len(TEXT), 0, 0]


def test_a_neighbour_on_the_same_node_is_not_entitled_with_it(owner: Holdings, partner: Holdings) -> None:
    digest = put(owner)
    partner.get(digest, PARTNER, OWNER)
    with pytest.raises(errors.NotAllowed):
        partner.get(digest, NEIGHBOUR, OWNER)
    owner.entitle(OWNER, digest, [NEIGHBOUR])
    assert partner.get(digest, NEIGHBOUR, OWNER)[0] == TEXT


def test_at_the_owners_node_the_same_rule_holds_without_a_line(owner: Holdings, web: Web) -> None:
    digest = put(owner)
    assert owner.get(digest, OWNER, OWNER)[0] == TEXT
    with pytest.raises(errors.NotAllowed):
        owner.get(digest, OTHER, OWNER)
    assert web.asked == []


def test_erased_at_its_origin_is_unreadable_at_once_everywhere(owner: Holdings, partner: Holdings) -> None:
    digest = put(owner)
    partner.get(digest, PARTNER, OWNER)
    owner.erase(OWNER, digest, values.Reason.AGREED)
    for holdings, reader in ((owner, OWNER), (partner, PARTNER)):
        with pytest.raises(errors.NotFound):
            holdings.get(digest, reader, OWNER)
    with partner._database.connection() as conn:
        assert conn.execute("SELECT count(*) FROM people.attachment").fetchone() == (0,)


def test_without_a_line_to_the_origin_a_copy_is_not_shown(
    owner: Holdings, partner: Holdings, web: Web
) -> None:
    digest = put(owner)
    partner.get(digest, PARTNER, OWNER)
    web.spoil = lambda served: Served(502, {}, b"")
    with pytest.raises(errors.Unavailable, match="502"):
        partner.get(digest, PARTNER, OWNER)
    web.spoil = lambda served: served
    assert partner.get(digest, PARTNER, OWNER)[0] == TEXT


def test_a_node_that_cannot_be_reached_is_unavailable(partner: Holdings) -> None:
    away = partner._alliance().node("observer")
    with pytest.raises(errors.Unavailable, match="observer"):
        fetch.fetch_attachment(partner._http, away, "A" * 43 + "=", PARTNER, lambda *_: {})


def test_a_node_asks_only_for_bureaus_that_it_hosts(owner: Holdings, partner: Holdings) -> None:
    digest = owner.put(OWNER, TEXT, "text/plain", [PARTNER, OTHER]).digest
    with pytest.raises(errors.NotAllowed):
        partner.get(digest, OTHER, OWNER)


def test_a_copy_is_not_served_on(owner: Holdings, partner: Holdings) -> None:
    digest = put(owner)
    partner.get(digest, PARTNER, OWNER)
    target = f"{fetch.PATH}{fetch.token(digest)}?bureau={OWNER}"
    with pytest.raises(errors.NotFound):
        partner.serve(requests.sign(node_signer("chongqing"), "sichuan", "GET", target, b"", clock), target)


def test_a_flood_is_cut_off_and_other_bytes_are_refused_before_they_are_handed_on(
    owner: Holdings, partner: Holdings, web: Web
) -> None:
    digest, home = put(owner), partner._alliance().node("chongqing")
    sign = requests.signing(node_signer("sichuan"), "chongqing", clock)
    for content, said in ((b"a" * 20_000_001, "more than"), (b"other", "not those")):
        web.spoil = lambda s, c=content: s._replace(content=c)  # type: ignore[misc]
        with pytest.raises(errors.Damage, match=said):
            fetch.fetch_attachment(partner._http, home, digest, PARTNER, sign)


def test_a_stranger_gets_nothing(owner: Holdings) -> None:
    digest = put(owner)
    with pytest.raises(errors.NotAllowed, match="no signature"):
        owner.serve({}, f"{fetch.PATH}{fetch.token(digest)}?bureau={PARTNER}")


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda s: s._replace(content=TEXT[:-1] + b"."), errors.Damage),
        (lambda s: s._replace(content=b"a" * 20_000_001), errors.Damage),
        (lambda s: s._replace(headers={**s.headers, fetch.SALT: "AAAA"}), errors.Damage),
        (lambda s: s._replace(headers={**s.headers, fetch.SALT: "?"}), errors.Damage),
        (lambda s: s._replace(headers={**s.headers, "content-type": "text/html"}), errors.Invalid),
        (lambda s: Served(302, {"location": "http://169.254.169.254/"}, b""), errors.Unavailable),
        (lambda s: Served(304, {}, b""), errors.Unavailable),
        (lambda s: Served(410, {}, b""), errors.NotFound),
        (lambda s: Served(500, {}, b""), errors.Unavailable),
    ],
)
def test_what_does_not_prove_itself_is_neither_shown_nor_kept(
    owner: Holdings, partner: Holdings, web: Web, spoil: Callable[[Served], Served], kind: type[Exception]
) -> None:
    digest = put(owner)
    web.spoil = spoil
    with pytest.raises(kind):
        partner.get(digest, PARTNER, OWNER)
    with partner._database.connection() as conn:
        assert conn.execute("SELECT count(*) FROM people.attachment").fetchone() == (0,)
    web.spoil = lambda served: served
    assert partner.get(digest, PARTNER, OWNER)[0] == TEXT


def test_a_lost_key_store_heals_by_asking_again(owner: Holdings, partner: Holdings, tmp_path: Path) -> None:
    digest = put(owner)
    partner.get(digest, PARTNER, OWNER)
    for key in (tmp_path / "sichuan").iterdir():
        key.unlink()
    for _ in range(2):
        assert partner.get(digest, PARTNER, OWNER)[0] == TEXT


def test_clocks_too_far_apart_are_refused(owner: Holdings, partner: Holdings) -> None:
    digest = put(owner)
    partner._clock = lambda: NOW + timedelta(minutes=2)
    with pytest.raises(errors.NotAllowed):
        partner.get(digest, PARTNER, OWNER)


def test_two_readers_at_once_make_one_copy_that_both_can_read(owner: Holdings, partner: Holdings) -> None:
    digest = owner.put(OWNER, TEXT, "text/plain", [PARTNER, NEIGHBOUR]).digest
    got: list[bytes] = []
    readers = [PARTNER, NEIGHBOUR] * 2
    threads = [
        threading.Thread(target=lambda r=r: got.append(partner.get(digest, r, OWNER)[0])) for r in readers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [TEXT] * 4
    assert partner.get(digest, PARTNER, OWNER) == partner.get(digest, NEIGHBOUR, OWNER)


def test_a_digest_has_one_name_in_a_path(owner: Holdings) -> None:
    digest = put(owner)
    assert fetch.digest(fetch.token(digest)) == digest
    assert set("/+=") & set(fetch.token(digest)) == set()
    for token in ("", "%2e%2e", "汉字", "A" * 99):
        with pytest.raises(errors.NotFound):
            owner._own(fetch.digest(token), OWNER)


def test_uploads_that_nothing_named_go_after_a_week(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    holdings = make("chongqing")
    abandoned, named = (holdings.put(OWNER, TEXT, "text/plain", ()).digest for _ in range(2))
    holdings.entitle(OWNER, named, ())
    monkeypatch.setattr(holdings, "_clock", lambda: datetime.now(UTC) + timedelta(days=6))
    assert holdings.sweep() == 0
    monkeypatch.setattr(holdings, "_clock", lambda: datetime.now(UTC) + timedelta(days=8))
    assert (holdings.sweep(), holdings.sweep()) == (1, 0)
    assert holdings.get(named, OWNER, OWNER)[0] == TEXT
    with pytest.raises(errors.NotFound):
        holdings.get(abandoned, OWNER, OWNER)


def test_who_goes_on_in_the_owners_place_reads_opens_and_erases_what_it_left(
    owner: Holdings, partner: Holdings
) -> None:
    # given an attachment of a bureau whose log is closed, and its successor at another node
    digest = put(owner)
    with pytest.raises(errors.NotAllowed):
        partner.get(digest, NEIGHBOUR, OWNER)
    heirs.add((NEIGHBOUR, OWNER))
    # then the successor reads it, by the line and at the owner's node
    assert partner.get(digest, NEIGHBOUR, OWNER)[0] == TEXT
    assert owner.get(digest, NEIGHBOUR, OWNER)[0] == TEXT
    # and opens it to others, and erases it, and nobody else does
    with pytest.raises(errors.NotAllowed):
        owner.erase(OTHER, digest, values.Reason.OTHER)
    owner.entitle(NEIGHBOUR, digest, [OTHER])
    assert owner.get(digest, OTHER, OWNER)[0] == TEXT
    owner.erase(NEIGHBOUR, digest, values.Reason.OTHER)
    with pytest.raises(errors.NotFound):
        owner.get(digest, NEIGHBOUR, OWNER)


def test_of_a_redacted_record_neither_the_attachment_nor_a_copy_is_left(
    owner: Holdings, partner: Holdings
) -> None:
    # given an attachment, and a copy of it
    digest = put(owner)
    partner.get(digest, PARTNER, OWNER)
    # when both nodes remove it, twice
    for holdings in (partner, owner, partner, owner):
        holdings.remove(digest)
    # then nobody reads it
    for holdings, asker in ((owner, OWNER), (partner, PARTNER)):
        with pytest.raises(errors.NotFound):
            holdings.get(digest, asker, OWNER)
    owner.remove("A" * 43 + "=")  # what never was here
