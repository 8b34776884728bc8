"""Only the node that signed a request is heard, for what it signed, now, and by whom it asked."""

import base64
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest

from events import errors
from services.people import requests
from services.people.requests import Gate
from tests.services.people.alliances import NOW, alliance, log_signer, node_signer

ALLIANCE = alliance()
PATH = "/api/v1/attachments/abc?bureau=500116"
NONCES = count()


def signed(
    *, by: str = "chongqing", to: str = "sichuan", method: str = "GET", path: str = PATH, body: bytes = b"",
    age: float = 0, nonce: int | None = None,
) -> dict[str, str]:  # fmt: skip
    number = next(NONCES) if nonce is None else nonce
    return requests.sign(
        node_signer(by),
        to,
        method,
        path,
        body,
        lambda: NOW - timedelta(seconds=age),
        number.to_bytes,
    )


@pytest.fixture
def gate() -> Gate:
    return Gate("sichuan", lambda: NOW)


def test_a_signed_request_names_the_node_that_asks(gate: Gate) -> None:
    assert gate.admit(ALLIANCE, signed(), "GET", PATH, b"") == "chongqing"
    assert gate.admit(ALLIANCE, signed(by="observer"), "GET", PATH, b"") == "observer"


def test_what_is_signed_is_the_base_of_rfc_9421() -> None:
    headers = signed(nonce=1, method="POST", body=b'{"hello": "world"}')
    parameters = (
        '("@method" "@request-target" "content-digest");created=1759307400;nonce="AAAAAAAAAAAAAAAAAAAAAQ=="'
        f';alg="ed25519";keyid="chuanyu.yinqiao/node/chongqing+{node_signer("chongqing").verifier.id.hex()}"'
        ';tag="chuanyu.yinqiao/node/sichuan"'
    )
    base = (
        '"@method": POST\n"@request-target": /api/v1/attachments/abc?bureau=500116\n'
        # the digest that RFC 9421 gives in its appendix B
        '"content-digest": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:\n'
        f'"@signature-params": {parameters}'
    )
    assert headers["signature-input"] == f"yinqiao={parameters}"
    signature = base64.b64decode(headers["signature"].removeprefix("yinqiao=:").removesuffix(":"))
    node_signer("chongqing").verifier.verify(base.encode(), signature)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", PATH, b""),
        ("GET", PATH.replace("500116", "500117"), b""),
        ("GET", PATH + "&x=1", b""),
        ("GET", "/", b""),
        ("GET", PATH, b"."),
    ],
)
def test_another_method_path_or_body_than_signed_is_refused(
    gate: Gate, method: str, path: str, body: bytes
) -> None:
    with pytest.raises(errors.NotAllowed):
        gate.admit(ALLIANCE, signed(), method, path, body)


def test_a_request_to_one_node_cannot_be_passed_on_to_another(gate: Gate) -> None:
    with pytest.raises(errors.NotAllowed, match="for another node"):
        gate.admit(ALLIANCE, signed(to="observer"), "GET", PATH, b"")


def test_a_key_that_is_no_nodes_is_refused(gate: Gate) -> None:
    strangers = [
        requests.sign(log_signer("500116"), "sichuan", "GET", PATH, b"", lambda: NOW),
        {**signed(), "signature-input": signed()["signature-input"].replace("chongqing+", "guests+")},
    ]
    for headers in strangers:
        with pytest.raises(errors.NotAllowed, match="no node's"):
            gate.admit(ALLIANCE, headers, "GET", PATH, b"")


@pytest.mark.parametrize("age", [61, -61, 3600, 10**9])
def test_an_old_request_or_one_from_the_future_is_refused(gate: Gate, age: int) -> None:
    with pytest.raises(errors.NotAllowed, match="clocks"):
        gate.admit(ALLIANCE, signed(age=age), "GET", PATH, b"")


@pytest.mark.parametrize("age", [60, -60, 0])
def test_clocks_may_be_a_minute_apart(gate: Gate, age: int) -> None:
    assert gate.admit(ALLIANCE, signed(age=age), "GET", PATH, b"") == "chongqing"


def test_a_get_may_come_twice_and_a_post_may_not(gate: Gate) -> None:
    get, post = signed(), signed(method="POST")
    for _ in range(2):
        assert gate.admit(ALLIANCE, get, "GET", PATH, b"") == "chongqing"
    gate.admit(ALLIANCE, post, "POST", PATH, b"")
    with pytest.raises(errors.NotAllowed, match="received before"):
        gate.admit(ALLIANCE, post, "POST", PATH, b"")


def test_what_was_let_in_is_remembered_as_long_as_it_is_good_and_no_longer() -> None:
    moments = iter([0, 59, 500])
    gate = Gate("sichuan", lambda: NOW + timedelta(seconds=next(moments)))
    post = signed(method="POST", age=-30)
    gate.admit(ALLIANCE, post, "POST", PATH, b"")
    with pytest.raises(errors.NotAllowed, match="received before"):
        gate.admit(ALLIANCE, post, "POST", PATH, b"")
    gate.admit(ALLIANCE, signed(method="POST", age=-500), "POST", PATH, b"")
    assert len(gate._seen) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda h: {},
        lambda h: {**h, "signature": ""},
        lambda h: {**h, "signature": h["signature"].replace("=:", "=:A", 1)},
        lambda h: {**h, "signature-input": h["signature-input"] + ";x=1"},
        lambda h: {**h, "signature-input": h["signature-input"].replace('"@method" ', "")},
        lambda h: {**h, "signature-input": h["signature-input"].replace("ed25519", "none")},
        lambda h: {**h, "signature-input": h["signature-input"].replace("created=", "created=1")},
        lambda h: {**h, "signature-input": h["signature-input"].replace("created=", "created=-")},
        lambda h: {**h, "content-digest": "sha-256=:AAAA:"},
    ],
)
def test_a_spoilt_signature_is_refused(gate: Gate, spoil: Callable[[dict[str, str]], dict[str, str]]) -> None:
    with pytest.raises(errors.NotAllowed):
        gate.admit(ALLIANCE, spoil(signed()), "GET", PATH, b"")


def test_a_signature_over_a_checkpoint_is_no_request(gate: Gate) -> None:
    headers = signed()
    cosignature = node_signer("chongqing").sign(b"cosignature/v1\ntime 1\nchuanyu.yinqiao/500116\n1\n")
    headers["signature"] = f"yinqiao=:{base64.b64encode(cosignature).decode()}:"
    with pytest.raises(errors.NotAllowed, match="does not fit"):
        gate.admit(ALLIANCE, headers, "GET", PATH, b"")
