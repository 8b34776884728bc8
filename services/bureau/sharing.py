"""Who may read an attachment: every bureau that the stream naming it has to do with."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from events.event import Event, Record
from events.history import Corrected
from events.values import Attachment, Value

_CODE = re.compile(r"[0-9]{6}")
_PLACES = frozenset({"division"})


def attachments(payload: Value) -> list[str]:
    """The digests of the attachments that a payload or a command names, a correction's new payload too."""
    found = [value.digest for _, value in _walk("", payload) if isinstance(value, Attachment)]
    if isinstance(payload, Corrected):
        return found + attachments(payload.new())
    return found + list(_unparsed(getattr(payload, "payload", None)))


def _unparsed(value: Any) -> Iterator[str]:
    """Those in the JSON of a command that corrects."""
    if isinstance(value, dict) and isinstance(value.get("digest"), str):
        yield value["digest"]
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _unparsed(part)


def inherited(digest: str, records: Iterable[Record[Event]], log: str) -> bool:
    """Whether a stream names the attachment since it stood in another log, whose node keeps it."""
    return any(r.log != log and digest in attachments(r.data) for r in records)


def audience(records: Iterable[Record[Event]]) -> frozenset[str]:
    """The bureaus that the facts of a stream name: asked, answered, hosts, parties."""
    found = (_bureau(name, value) for record in records for name, value in _walk("", record.data))
    return frozenset(code for code in found if code)


def _bureau(name: str, value: Any) -> str | None:
    if name == "log":
        return str(value)[:6]
    return value if isinstance(value, str) and name not in _PLACES and _CODE.fullmatch(value) else None


def _walk(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    yield name, value
    if isinstance(value, Value):
        for field in type(value).model_fields:
            yield from _walk(field, getattr(value, field))
    elif isinstance(value, tuple):
        for item in value:
            yield from _walk(name, item)
