"""What a check of a log found, and where.

Kinds of finding, first those of the bytes (verify), then those of what they mean (replay):

    missing     no record at this position, though the head, a checkpoint or a receipt says so
    beyond      a record beyond the head, or in a followed log beyond the last checkpoint
    leaf        the bytes do not hash to the leaf hash that is stored beside them
    source      the bytes are no envelope, or none of this log
    position    they claim another position
    time        they claim a time before that of the record before them, or the head's row claims another
    node        a stored hash of the tree is not that of the 256 records, or hashes, under it
    root        a checkpoint is not over the records since the one before it
    signature   a checkpoint's note does not say the same as its row, or is not signed
    receipt     a stored receipt is not signed, or not over the records that it names
    closing     the ledger lets the log end elsewhere than the alliance document does
    state       it is said to be open, closed or stopped, and records, document and breaches say otherwise
    breach      the log is accused, and the evidence does not show it
    redacted    a record is listed as redacted whose bytes are here, or never were
    payload     the bytes are no envelope, or the payload is none of its type
    columns     stream, version or owner stand differently beside the bytes
    stream      the versions of a stream are not 1, 2, 3, …
    history     the event cannot follow those before it in its stream
"""

from dataclasses import dataclass, field
from typing import NamedTuple

LIMIT = 1_000
"""Findings of one log that are kept: a record that was put in moves all that follow it."""


class Finding(NamedTuple):
    """What is wrong, and at which position."""

    position: int
    kind: str
    detail: str


@dataclass
class Report:
    """What was looked at (positions `start` + 1 to `end`) and what was found.

    `unknown` counts records of types that this version does not know, `redacted` those whose bytes their own
    log removed by decision; they are no finding. `more` counts the
    findings beyond `LIMIT`, of which nothing else is kept.
    """

    log: str
    start: int
    end: int
    entries: int = 0
    checkpoints: int = 0
    streams: int = 0
    unknown: int = 0
    redacted: int = 0
    more: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.findings

    def find(self, position: int, kind: str, detail: str) -> None:
        if len(self.findings) < LIMIT:
            self.findings.append(Finding(position, kind, detail))
        else:
            self.more += 1
