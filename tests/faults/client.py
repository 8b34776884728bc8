"""A client outside the system: works through activities of one bureau by HTTP and writes everything down."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import httpx

from events import envelope
from tests.faults.journal import Journal

PACE = 0.02
GIVE_UP = 0.15
"""How often an answer that did not come is never asked for again."""


@dataclass
class Board:
    """What clients tell one another: published activities by the log that is asked to co-host."""

    asked: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def take(self, log: str) -> tuple[str, str] | None:
        """An activity (log, stream) to answer."""
        waiting = self.asked.get(log)
        return waiting.pop(0) if waiting else None


@dataclass
class Client:
    """One bureau's clerk. `run` until told to stop; what is under way then is finished."""

    alliance: str
    log: str
    other: str
    url: str
    journal: Journal
    board: Board
    today: date
    stop: threading.Event
    sent: int = 0

    def run(self) -> None:
        """One order after the other."""
        chance = random.Random(self.log)
        with httpx.Client(base_url=self.url, timeout=5, trust_env=False) as http:
            self._http = http
            for number, (command, body, then) in enumerate(self._orders(chance)):
                if self._order(f"{command}-{number:05}", command, body, chance):
                    then()
                if self.stop.wait(PACE):
                    return

    def _orders(self, chance: random.Random) -> Iterator[tuple[str, dict[str, Any], Callable[[], None]]]:
        planned: list[str] = []
        published: list[str] = []
        number = -1
        while True:
            number += 1
            match chance.choice(["plan", "publish", "confirm", "hold", "wrong"]):
                case "publish" if planned:
                    stream = planned.pop(0)
                    yield (
                        "publish", {"stream": stream, "bureaus": [self.other]},
                        lambda s=stream: self._publish(published, s),  # type: ignore[misc]  # its own stream
                    )  # fmt: skip
                case "confirm" if asked := self.board.take(self.log):
                    yield "confirm", {"log": asked[0], "stream": asked[1]}, _nothing
                case "hold" if published:
                    body = {"stream": published.pop(0), "day": self.today.isoformat(), "persons": 30}
                    yield "hold", body, _nothing
                case "wrong" if planned:
                    later = (self.today + timedelta(days=9)).isoformat()
                    yield "hold", {"stream": planned[-1], "day": later, "persons": 1}, _nothing
                case _:
                    space = envelope.namespace(self.alliance, self.log)
                    stream = envelope.subject_id(space, f"plan-{number:05}", 0)
                    yield "plan", self._plan(number), lambda s=stream: planned.append(s)  # type: ignore[misc]  # as above

    def _publish(self, published: list[str], stream: str) -> None:
        published.append(stream)
        self.board.asked.setdefault(self.other, []).append((self.log, stream))

    def _plan(self, number: int) -> dict[str, Any]:
        return {
            "title": f"读书会第{number}期", "form": "study", "theme": "general",
            "starts": self.today.isoformat(), "ends": self.today.isoformat(),
            "place": {"division": self.log[:6]},
        }  # fmt: skip

    def _order(self, key: str, command: str, body: dict[str, Any], chance: random.Random) -> bool:
        """Send until answered, or give up; whether it was recorded as far as the client knows."""
        while True:
            self.journal.say("sent", self.log, key)
            self.sent += 1
            word, position = self._send(key, command, body)
            self.journal.say(word, self.log, key, position)  # type: ignore[arg-type]  # one of the words
            if word != "unknown":
                return word == "ok"
            if self.stop.is_set() or chance.random() < GIVE_UP:
                return False
            time.sleep(PACE * 5)

    def _send(self, key: str, command: str, body: dict[str, Any]) -> tuple[str, int]:
        headers = {"idempotency-key": key, "yinqiao-officer": f"{self.log[:6]}/leader"}
        headers |= {"if-match": f'"{_SEEN[command]}"'} if command in _SEEN else {}
        try:
            path = f"/api/v1/bureaus/{self.log[:6]}/activity/{command}"
            answer = self._http.post(path, json=body, headers=headers)
        except httpx.HTTPError:
            return "unknown", 0
        if answer.status_code == httpx.codes.OK:
            return "ok", answer.json()["position"]
        return ("refused" if answer.is_client_error else "unknown"), 0


_SEEN = {"publish": 1, "hold": 2}
"""The version of the activity that each step finds; a wrong step does not find it, and is refused."""


def _nothing() -> None:
    """Nothing follows from it."""
