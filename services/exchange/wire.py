"""A record of a log as it travels: key, value and headers (contracts.md, "Kafka")."""

from typing import NamedTuple

from events import envelope
from services.transport import base

CONTENT_TYPE = b"application/cloudevents+json; charset=utf-8"
NOTE_LIMIT = 8_192
"""A served note carries at most 15 signatures of about 150 bytes."""
_DIGITS = 20
_SUBJECT = b',"subject":"'


class Slot(NamedTuple):
    """What a message says of itself; nothing of it is believed."""

    position: int
    note: str | None


class Unusable(NamedTuple):
    """A message without a place in a log, and the kind of damage that is."""

    kind: str


def pack(position: int, value: bytes, note: str | None) -> base.Record:
    """The record to publish; `note` when it is the last one under a checkpoint.

    A redacted one has no value and no subject: who lacks it must get the stretch from elsewhere.
    """
    headers = [("content-type", CONTENT_TYPE), ("sequence", b"%020d" % position)]
    if note is not None:
        headers.append(("checkpoint", note.encode()))
    return subject(value) if value else b"redacted", value, headers


def subject(value: bytes) -> bytes:
    """The subject of a value of our own: by contract no attribute before it holds a quote."""
    start = value.index(_SUBJECT) + len(_SUBJECT)
    return value[start : value.index(b'"', start)]


def read(message: base.Message) -> Slot | Unusable:
    """The slot that a message claims, when it can be a record at all."""
    sequence = note = b""
    for name, text in message.headers:
        if name == "sequence":
            sequence = text or b""
        elif name == "checkpoint":
            note = text or b""
    value = message.value
    if not value:
        return Unusable("tombstone")
    if len(value) > envelope.LIMIT:
        return Unusable("giant")
    if not sequence.isdigit() or len(sequence) > _DIGITS:
        return Unusable("unreadable")
    if not note:
        return Slot(int(sequence), None)
    return Slot(int(sequence), note.decode("utf-8", "replace") if len(note) <= NOTE_LIMIT else None)
