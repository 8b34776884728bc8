"""Officers at their desks: each works at the node of its bureau, over HTTP, as pages and programs do."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from events.event import Key
from services.bureau import registry
from services.demo.embedded import Embedded

PATIENCE = 20.0
_KEYS = (f"journey-{number}" for number in count(1))


@dataclass
class Journey:
    """A running demo, and the records that the steps of a journey left in it."""

    demo: Embedded
    steps: list[Key] = field(default_factory=list)

    def officer(self, bureau: str, role: str) -> "Officer":
        """A clerk or leader of a bureau."""
        return Officer(self, bureau, role)

    def bureau(self, code: str) -> tuple["Officer", "Officer"]:
        """Clerk and leader of a bureau."""
        return self.officer(code, "clerk"), self.officer(code, "leader")

    def url(self, node: str) -> str:
        return self.demo.alliance.node(node).url

    def get(self, node: str, path: str, **asked: Any) -> Any:
        """What the API of a node says."""
        answer = httpx.get(f"{self.url(node)}/api/v1/{path}", params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stream(self, step: Key) -> str:
        """The stream that a record belongs to."""
        node = self.demo.alliance.node_of(step[0]).name
        value = self.get(node, f"records/{step[0]}/{step[1]}")["value"]
        found = re.search(r'"subject":"[a-z-]+/([0-9a-f-]{36})"', value)
        assert found is not None
        return found[1]

    def everywhere(self, step: Key) -> None:
        """Wait until a record shows at every node."""
        for node in self.demo.nodes:
            until(partial(self._shows, node, step))

    def _shows(self, node: str, step: Key) -> bool:
        folded: dict[str, dict[str, int]] = self.get(node, "positions")["models"]
        return all(vector.get(step[0], 0) >= step[1] for vector in folded.values())


@dataclass
class Officer:
    """Who acts, in which role; `journey` notes down what this officer records."""

    journey: Journey
    bureau: str
    role: str

    @property
    def node(self) -> str:
        return self.journey.demo.alliance.node_of(self.bureau).name

    @property
    def url(self) -> str:
        return self.journey.url(self.node)

    @property
    def _headers(self) -> dict[str, str]:
        return {"yinqiao-officer": f"{self.bureau}/{self.role}", "origin": self.url}

    def send(self, order: str, **body: Any) -> httpx.Response:
        """Give an order by the API, e.g. `activity/plan`, with the version where it changes something."""
        seen = {"if-match": self._version(body["stream"])} if _changes(order) else {}
        return httpx.post(
            f"{self.url}/api/v1/bureaus/{self.bureau}/{order}", json=body,
            headers={**self._headers, "idempotency-key": next(_KEYS), **seen},
        )  # fmt: skip

    def _version(self, stream: str) -> str:
        """The version of a stream of this officer's bureau, as the API says it."""
        last = self.journey.get(self.node, f"streams/{self.bureau}/{stream}")["items"][-1]
        return f'"{last["aggregateversion"]}"'

    def do(self, order: str, **body: Any) -> Key:
        """An order that this officer may give alone; its record, once it shows at every node."""
        answer = self.send(order, **body)
        assert answer.status_code == 200, answer.text
        return self._recorded((answer.json()["log"], answer.json()["position"]))

    def lay(self, order: str, **body: Any) -> str:
        """An order that binds the bureau: it becomes a draft, and nothing is recorded."""
        answer = self.send(order, **body)
        assert answer.status_code == 202, answer.text
        draft: str = answer.json()["draft"]
        return draft

    def fill(self, order: str, filled: dict[str, Any]) -> str:
        """The form of an order, with texts written into it; the address it leads to."""
        answer = httpx.post(
            f"{self.url}/forms/{order}", data={"key": next(_KEYS), "public_only": "1", **filled},
            headers=self._headers,
        )  # fmt: skip
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def lay_form(self, order: str, filled: dict[str, Any]) -> str:
        """As `lay`, by the form."""
        return parse_qs(urlsplit(self.fill(order, filled)).query)["laid"][0]

    def do_form(self, order: str, filled: dict[str, Any]) -> Key:
        """As `do`, by the form."""
        return self._recorded(_done(self.fill(order, filled)))

    def decide(self, draft: str, step: str = "release", **filled: str) -> httpx.Response:
        """Release or return a draft, as the button on its page does."""
        return httpx.post(
            f"{self.url}/drafts/{self.bureau}/{draft}/{step}", data=filled, headers=self._headers
        )

    def release(self, draft: str) -> Key:
        """The leader's word; the record, once it shows at every node."""
        answer = self.decide(draft)
        assert answer.status_code == 303, answer.text
        return self._recorded(_done(answer.headers["location"]))

    def see(self, path: str) -> str:
        """A page of this officer's node."""
        answer = httpx.get(f"{self.url}{path}", headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    def inbox(self) -> dict[str, list[dict[str, Any]]]:
        """What waits for this officer's bureau, and what came back."""
        found: dict[str, list[dict[str, Any]]] = self.journey.get(self.node, f"inbox/{self.bureau}")
        return found

    def _recorded(self, step: Key) -> Key:
        self.journey.steps.append(step)
        self.journey.everywhere(step)
        return step


def _changes(order: str) -> bool:
    context, _, name = order.partition("/")
    return registry.find(context, name).changes


def _done(location: str) -> Key:
    log, _, position = parse_qs(urlsplit(location).query)["done"][0].partition(":")
    return log, int(position)


def until(true: Callable[[], bool]) -> None:
    """Wait until it is so; fails after a while."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)
