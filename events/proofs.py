"""Proofs that leave the house (C2SP tlog-proof): one record stands in a log whose checkpoint is signed."""

import re
from dataclasses import dataclass
from typing import Self

from events import checkpoints, errors, keys, merkle

VERSION = "c2sp.org/tlog-proof@v1"
ENDING = ".tlog-proof"
MOST_HASHES = 63
_HEAD = re.compile(rf"{re.escape(VERSION)}\n(?:extra ([A-Za-z0-9+/=]*)\n)?index (0|[1-9][0-9]{{0,18}})\n")


@dataclass(frozen=True)
class InclusionProof:
    """The record at `index`, from 0, is in the tree of the checkpoint `note`: `hashes` lead to its root.

    `note` carries the log's signature and whatever cosignatures there are. `extra` is trusted by nobody.
    """

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes = b""

    @property
    def text(self) -> str:
        """The file, which ends in `.tlog-proof`."""
        extra = f"extra {keys.encode(self.extra)}\n" if self.extra else ""
        path = "".join(f"{keys.encode(hash_)}\n" for hash_ in self.hashes)
        return f"{VERSION}\n{extra}index {self.index}\n{path}\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read exactly what `text` writes; Damage for anything else. Nothing is verified."""
        head, _, note = text.partition("\n\n")
        match = _HEAD.match(head + "\n")
        if match is None:
            raise errors.Damage(f"a proof begins with {VERSION} and the index of its record")
        hashes = [keys.decode(line) for line in (head + "\n")[match.end() :].split("\n")[:-1]]
        if len(hashes) > MOST_HASHES or any(h is None or len(h) != merkle.HASH_SIZE for h in hashes):
            raise errors.Damage("the path of a proof is hashes of 32 bytes in base64, one a line")
        extra = keys.decode(match[1]) if match[1] else b""
        found = cls(int(match[2]), tuple(h for h in hashes if h), note, extra or b"")
        if found.text != text:
            raise errors.Damage("this proof is not written as proofs are")
        return found

    def check(self, value: bytes) -> checkpoints.Checkpoint:
        """The checkpoint whose tree holds exactly these bytes; its signatures are for the caller to verify.

        Raises Damage when the path does not lead from the bytes to its root.
        """
        checkpoint = checkpoints.unverified(self.note)
        leaf = merkle.leaf_hash(value)
        merkle.verify_inclusion(self.index, checkpoint.size, leaf, self.hashes, checkpoint.root)
        return checkpoint
