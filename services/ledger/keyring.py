"""The keys with which this node signs its own logs, and the sizes that each may sign."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from events import notes
from events.alliance import Alliance


class Held(NamedTuple):
    """A key that is held: it signs checkpoints of the sizes [from_size, to_size], as the alliance says."""

    signer: notes.Signer
    from_size: int = 0
    to_size: int | None = None

    def covers(self, size: int) -> bool:
        return self.from_size <= size and (self.to_size is None or size <= self.to_size)


def held(alliance: Alliance, log: str, signers: Iterable[notes.Signer]) -> tuple[Held, ...]:
    """Those of the signers that the alliance names for the log; a key that was only asked for is left out."""
    known = {signer.verifier.vkey: signer for signer in signers}
    keys = (key for key in alliance.log(log).key if key.vkey in known)
    return tuple(Held(known[key.vkey], key.from_size, key.to_size) for key in keys)


def signing(keys: Sequence[Held], size: int) -> list[notes.Signer]:
    """Who signs at this size: around a rotation the old and the new key."""
    return [key.signer for key in keys if key.covers(size)]


def reach(keys: Sequence[Held], size: int, head: int) -> int:
    """How far what follows `size` can be signed, `head` at most; `size` when nothing of it can."""
    ends = [head if k.to_size is None else min(head, k.to_size) for k in keys if k.from_size <= head]
    return max([size, *ends])


def next_size(keys: Sequence[Held], size: int, head: int) -> int:
    """The first size after `size` that a key which begins later can sign; `size` when there is none yet."""
    return min((key.from_size for key in keys if size < key.from_size <= head), default=size)
