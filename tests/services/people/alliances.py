"""A small alliance: two nodes with two bureaus, and one that hosts none."""

from datetime import UTC, date, datetime
from hashlib import sha256

from events import checkpoints, notes
from events.alliance import Alliance, Bureau, Document, Key, Log, Node

HOSTS = {"500116": "chongqing", "500117": "chongqing", "510522": "sichuan", "510300": "sichuan"}
NODES = ("chongqing", "sichuan", "observer")
NOW = datetime(2025, 10, 1, 8, 30, tzinfo=UTC)


def node_signer(name: str) -> notes.Signer:
    key = checkpoints.node_key("chuanyu", name)
    return notes.Signer(key, sha256(key.encode()).digest(), notes.Kind.COSIGNATURE)


def log_signer(log: str) -> notes.Signer:
    key = checkpoints.origin("chuanyu", log)
    return notes.Signer(key, sha256(key.encode()).digest())


def alliance(urls: dict[str, str] | None = None) -> Alliance:
    """The alliance with the nodes at these addresses."""
    urls = urls or {}
    document = Document(
        alliance="chuanyu",
        version=1,
        quorum=(notes.Signer("chuanyu.yinqiao/quorum/1", b"q" * 32).verifier.vkey,),
        bureau=tuple(_bureau(code) for code in HOSTS),
        node=tuple(_node(name, urls.get(name, f"http://{name}.invalid")) for name in NODES),
        log=tuple(_log(code, node) for code, node in HOSTS.items()),
    )
    return Alliance(document, "")


def _bureau(code: str) -> Bureau:
    return Bureau.model_validate({"code": code, "name_zh": code, "name_en": code, "from": date(2019, 1, 1)})


def _node(name: str, url: str) -> Node:
    return Node(name=name, operator=name, url=url, cosigner=node_signer(name).verifier.vkey)


def _log(code: str, node: str) -> Log:
    return Log(name=code, bureau=code, node=node, key=(Key(vkey=log_signer(code).verifier.vkey),))
