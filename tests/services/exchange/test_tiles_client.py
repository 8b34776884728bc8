"""Tiles over real HTTP: what another node holds heals a topic; nothing endless, inflated or redirected."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

import pytest

from events import errors
from services.exchange.tiles_client import Sign, TilesClient
from services.transport.inprocess import InProcessExchange
from tests.services.exchange.world import Follower, Writer, agree
from tests.services.ledger.nodes import LOG

Answer: TypeAlias = Callable[[BaseHTTPRequestHandler], None]
Serve: TypeAlias = Callable[[Answer], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that answer every GET with a function; gives their addresses."""
    running: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's name)
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        running.append(server)
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def send(status: int, body: bytes = b"", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, text in headers.items():
            handler.send_header(name.replace("_", "-"), text)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def fetch(url: str, path: str = "checkpoint", sign: Sign | None = None, patience: float = 60.0) -> bytes:
    client = TilesClient(url, sign, patience=patience)
    try:
        return client(LOG, path)
    finally:
        client.close()


def test_a_node_without_a_topic_to_read_is_healed_over_http(
    inprocess: InProcessExchange,
    new_writer: Callable[..., Writer],
    new_follower: Callable[..., Follower],
    serve: Serve,
) -> None:
    # given a topic whose beginning is gone, and a node that serves what it holds, in a folder of its site
    writer, asked = new_writer(inprocess), []
    writer.ship(600)
    inprocess.drop(LOG)
    inprocess.create(LOG)
    writer.shipper._topics[LOG].shipped(0, 600)
    writer.shipper._topics[LOG].identity = inprocess.identity(LOG) or ""
    writer.ship(10)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers["x-who"])
        send(200, writer.hold(LOG, handler.path.removeprefix(f"/there/log/{LOG}/")))(handler)

    # when a follower joins, which signs what it asks
    client = TilesClient(f"{serve(answer)}/there", lambda method, path, _: {"x-who": f"{method} {path}"})
    follower = new_follower(inprocess, client)
    # then it has everything
    follower.reach(610)
    assert agree(writer.ledger, follower.ledger)
    assert asked[0] == f"GET /there/log/{LOG}/checkpoint"
    client.close()


@pytest.mark.parametrize(
    ("answer", "path", "kind"),
    [
        (send(404), "checkpoint", errors.NotFound),
        (send(410), "tile/entries/000", errors.Gone),
        (send(503), "checkpoint", errors.Unavailable),
        (send(302, location="http://127.0.0.1:1/secret"), "checkpoint", errors.Unavailable),
        (send(200, b"x" * 65_537), "checkpoint", errors.Damage),
        (send(200, b"x" * 8_193), "tile/0/000", errors.Damage),
        (send(200, b"short", content_length="9"), "checkpoint", errors.Unavailable),
    ],
)
def test_what_is_no_tile_is_told_apart(
    serve: Serve, answer: Answer, path: str, kind: type[errors.YinqiaoError]
) -> None:
    with pytest.raises(kind):
        fetch(serve(answer), path)


def test_a_compressed_answer_is_not_inflated(serve: Serve) -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    assert fetch(serve(send(200, bomb, content_encoding="gzip"))) == bomb


def test_an_answer_that_drips_is_given_up(serve: Serve) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        send(200)(handler)
        try:
            for _ in range(100):
                handler.wfile.write(b"x")
                time.sleep(0.05)
        except OSError:
            return

    with pytest.raises(errors.Unavailable, match="slowly"):
        fetch(serve(drip), patience=0.3)


def test_a_node_that_is_away_is_unavailable() -> None:
    with pytest.raises(errors.Unavailable):
        fetch("http://127.0.0.1:1")
