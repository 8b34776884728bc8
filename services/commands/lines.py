"""A file of commands, one JSON object a line: what each line asks for, or why it asks for nothing.

    {"log": "500116", "command": "activity/plan", "body": {…}, "at": "2025-05-01T08:00:00+08:00"}

`at` is when it is taken to be recorded, with a zone, from 1900 to now; without it, now. The key of a line is
the SHA-256 digest of its bytes, in hex, so that the same line again gives the first answer.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import BinaryIO, NamedTuple

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from events import errors
from events.loops import Role
from services.bureau import commands, registry
from services.bureau.case import Officer
from services.bureau.office import Order
from services.runtime import clock

LIMIT = 256 * 1024
"""Most bytes of a line."""
EARLIEST = datetime(1900, 1, 1, tzinfo=clock.SHANGHAI)
"""What lies before it is a mistyped year."""


class Asked(BaseModel):
    """A line's four fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    log: str
    command: str
    body: dict[str, JsonValue]
    at: str | None = None


class Line(NamedTuple):
    """One line: the order and the log that it is for, or what is wrong with it."""

    number: int
    log: str = ""
    order: Order | None = None
    error: errors.Refused | None = None


class Reader:
    """Reads lines for a node that hosts `logs`; `officers` are those who act, by their bureaus."""

    def __init__(self, logs: Collection[str], officers: Mapping[str, Officer], now: datetime) -> None:
        self._logs, self._officers, self._now = logs, officers, now

    def read(self, file: BinaryIO) -> Iterator[Line]:
        """Every line that is not empty, one in memory at a time."""
        number = 0
        while raw := file.readline(LIMIT + 1):
            number += 1
            if len(raw) > LIMIT:
                yield Line(number, error=errors.Invalid(f"has more than {LIMIT} bytes: divide it"))
                while raw and not raw.endswith(b"\n"):
                    raw = file.readline(LIMIT)
            elif text := raw.removeprefix(b"\xef\xbb\xbf").strip(b"\r\n"):
                yield self._line(number, text)

    def _line(self, number: int, text: bytes) -> Line:
        try:
            asked = _asked(text)
            return Line(number, asked.log, self._order(sha256(text).hexdigest(), asked))
        except errors.Refused as error:
            return Line(number, error=error)

    def _order(self, key: str, asked: Asked) -> Order:
        context, _, name = asked.command.partition("/")
        kind = registry.find(context, name)
        acts = self._officer(asked.log)
        if acts.role not in kind.roles or (kind.binding and acts.role is not Role.LEADER):
            raise errors.NotAllowed(
                f"log: {asked.command} binds {acts.bureau}: import it as {acts.bureau}/leader", field="log"
            )
        command, at = commands.parse(kind, json.dumps(asked.body)), self._at(asked.at)
        return Order(key, acts, command, at, released=acts.role is Role.LEADER)

    def _officer(self, log: str) -> Officer:
        if log not in self._logs:
            raise errors.NotAllowed(f"log: this node does not write log {log[:12]}", field="log")
        if log[:6] not in self._officers:
            raise errors.NotAllowed(f"log: say who acts for it: --as {log[:6]}/<role>", field="log")
        return self._officers[log[:6]]

    def _at(self, text: str | None) -> datetime | None:
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise errors.Invalid("at: is written 2025-05-01T08:00:00+08:00", field="at") from None
        if moment.tzinfo is None or not EARLIEST <= moment <= self._now:
            raise errors.Invalid("at: needs a zone, and lies between 1900 and now", field="at")
        return moment


def _asked(text: bytes) -> Asked:
    """Raises Invalid that names the field and the rule, never the value."""
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise errors.Invalid("is no JSON object in UTF-8, or has a key twice", field="line") from None
    try:
        return Asked.model_validate(found)
    except ValidationError as error:
        raise commands.invalid(error) from None


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(name: str) -> JsonValue:
    raise ValueError(f"{name} is no number of JSON")
