"""A log is closed and goes on at another node, over Kafka, with kills in between and a node that was away."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest

from events import envelope
from events.history import stream_of
from services.runtime import clock
from tests.faults import nodes
from tests.faults.checker import agreed
from tests.faults.conftest import NewPair
from tests.faults.nodes import LOGS, WEST, Node

JIANGBEI, LIANGJIANG = "jiangbei", "liangjiang"
OLD, NEW, OTHER = nodes.HOSTED[JIANGBEI], nodes.HOSTED[LIANGJIANG], LOGS[WEST]
PATIENCE = 40.0
ALLIANCE = "closing"
_LATER = {httpx.codes.CONFLICT, httpx.codes.NOT_FOUND, httpx.codes.FORBIDDEN, httpx.codes.SERVICE_UNAVAILABLE}
"""What a node answers that starts, or has not yet heard of what the command is about."""


class Office:
    """A clerk and a leader of a node's bureau, who try until a command is taken."""

    def __init__(self, node: Node) -> None:
        self.node, self.given = node, 0

    def orders(self, command: str, **body: Any) -> str:
        """Have a command done, released by the leader where it binds; the key that it was given under."""
        self.given += 1
        key, bureau = f"order-{self.given}", self.node.log
        answer = self._post(f"/api/v1/bureaus/{bureau}/{command}", "clerk", json=body, key=key)
        if answer.status_code == httpx.codes.ACCEPTED:
            self._post(f"/drafts/{bureau}/{answer.json()['draft']}/release", "leader")
        return key

    def _post(self, path: str, role: str, json: object = None, key: str = "none") -> httpx.Response:
        headers = {
            "idempotency-key": key,
            **({"if-match": '"1"'} if path.endswith("activity/publish") else {}),
            "yinqiao-officer": f"{self.node.log}/{role}",
            "origin": self.node.url,
        }
        taken: list[httpx.Response] = []

        def ask() -> bool:
            with suppress(httpx.TransportError):
                taken.append(
                    httpx.post(self.node.url + path, json=json, headers=headers, timeout=5, trust_env=False)
                )
            return bool(taken) and taken[-1].status_code not in _LATER

        eventually(ask, path, lambda: [answer.text for answer in taken[-1:]])
        assert not taken[-1].is_error, taken[-1].text
        return taken[-1]

    def plans(self, title: str, *asked: str) -> str:
        """An activity, published to others; its stream."""
        day = (clock.today(clock.now) + timedelta(days=30)).isoformat()
        key = self.orders(
            "activity/plan", title=title, form="study", theme="general", starts=day, ends=day,
            place={"division": NEW},
        )  # fmt: skip
        stream = envelope.subject_id(envelope.namespace(ALLIANCE, self.node.log), key, 0)
        self.orders("activity/publish", stream=stream, bureaus=list(asked))
        return stream


def eventually(holds: Callable[[], bool], what: str, why: Callable[[], object] = str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"not in time: {what} {why()}"
        time.sleep(0.1)


def settled(found: dict[str, Node]) -> bool:
    """Whether all hold, sign and show the same, and nothing waits; empty logs count for nothing."""
    stands = [node.standing() for node in found.values()]
    vectors = [{log: at for log, at in vector.items() if at} for stand in stands for vector in stand[:3]]
    return all(vector == vectors[0] for vector in vectors) and not any(stand[3] for stand in stands)


def kill(node: Node) -> None:
    assert node.process is not None
    node.process.kill()
    node.process.join()


@pytest.mark.timeout(180)
def test_a_log_goes_on_at_another_node_although_all_die_in_between(new_pair: NewPair, kafka: str) -> None:
    # given three nodes; one asked another to something, and was asked itself
    found = new_pair(ALLIANCE, JIANGBEI, LIANGJIANG, WEST)
    jiangbei, liangjiang, west = (Office(found[name]) for name in (JIANGBEI, LIANGJIANG, WEST))
    for node in found.values():
        node.start()
    walk = jiangbei.plans("健步走", OTHER)
    fair = west.plans("书展", OLD)
    eventually(lambda: settled(found), "all nodes hold both")
    # when one node is away, the log is closed, and its node dies once this was answered
    kill(west.node)
    jiangbei.orders("alliance/close-log", reason="merger", successor=NEW)
    kill(jiangbei.node)
    jiangbei.node.start()
    # and its successor goes on with it, and dies as well
    liangjiang.orders("alliance/continue", log=OLD)
    kill(liangjiang.node)
    liangjiang.node.start()
    # and the one that was away answers what it was asked, where that is asked now, and the other way round
    west.node.start()
    west.orders("activity/confirm", log=NEW, stream=stream_of(OLD, walk, NEW))
    liangjiang.orders("activity/confirm", log=OTHER, stream=fair)
    # then all hold the same, from wherever they got it
    eventually(lambda: settled(found), "all nodes hold the same")
    for node in found.values():
        assert node.end() == 0, node.said()
        node.look()
    assert agreed(nodes.evidence(ALLIANCE, found, kafka)) == []
