"""The alliance as all nodes hold it: which version to believe, and who is who in it (design.md, decision 15).

A version is a signed note over a TOML body. The first is believed by its digest, each later one when more
than half of the quorum that the version before it names has signed it. The digest is over the signed text,
so that signature lines can be added or left out without making another version.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256
from typing import TypeVar
from urllib.parse import urlsplit

from events import checkpoints, errors, keys, notes
from events.alliance_document import Bureau, Document, Key, Log, Node, Policy
from events.membership import Succession

__all__ = [
    "Alliance", "Bureau", "Document", "Key", "Log", "Node", "Policy",
    "check_fork", "digest", "first", "parse", "successor",
]  # fmt: skip

T = TypeVar("T")


@dataclass(frozen=True)
class Alliance:
    """One version of the alliance document, with its digest (base64), and the questions one asks it."""

    document: Document
    digest: str

    @property
    def id(self) -> str:
        """The alliance's own name, e.g. `chuanyu`."""
        return self.document.alliance

    @property
    def version(self) -> int:
        return self.document.version

    @property
    def bureaus(self) -> tuple[str, ...]:
        """The codes of all bureaus, those of the past too."""
        return tuple(self._terms)

    @property
    def logs(self) -> tuple[str, ...]:
        return tuple(self._logs)

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(self._nodes)

    def bureau(self, code: str) -> Bureau:
        """The bureau as it is named last."""
        return _found(self._terms, "bureau", code)[-1]

    def name(self, code: str, day: date, lang: str = "zh") -> str:
        """What the bureau was called on that day (`zh` or `en`).

        Before its first day that is its first name, after its last day its last.
        """
        terms = _found(self._terms, "bureau", code)
        term = next((t for t in reversed(terms) if t.from_day <= day), terms[0])
        return term.name_en if lang == "en" else term.name_zh

    def node(self, name: str) -> Node:
        return _found(self._nodes, "node", name)

    def log(self, name: str) -> Log:
        return _found(self._logs, "log", name)

    @cached_property
    def origins(self) -> frozenset[str]:
        """Scheme, host and port of every node's pages."""
        return frozenset(f"{u.scheme}://{u.netloc}" for u in (urlsplit(n.url) for n in self.document.node))

    def logs_of(self, node: str) -> tuple[Log, ...]:
        """The logs that a node hosts; none for an observer."""
        self.node(node)
        return tuple(log for log in self.document.log if log.node == node)

    def node_of(self, log: str) -> Node:
        """The node that hosts a log."""
        return self.node(self.log(log).node)

    def origin(self, log: str) -> str:
        """The origin of a log's checkpoints, and the name of its keys."""
        return checkpoints.origin(self.id, self.log(log).name)

    def verifiers(self, log: str, size: int) -> tuple[notes.Verifier, ...]:
        """The keys that may sign a checkpoint of this size: around a rotation two, past its end none."""
        return tuple(v for key, v in _found(self._verifiers, "log", log) if key.covers(size))

    def verifier(self, log: str, size: int) -> notes.Verifier:
        """The newest of the keys that may sign a checkpoint of this size; NotFound when none may."""
        if not (verifiers := self.verifiers(log, size)):
            raise errors.NotFound(f"no key of log {log} may sign a checkpoint of size {size}")
        return verifiers[-1]

    def cosigner(self, node: str) -> notes.Verifier:
        """The key of a node's cosignatures."""
        return _found(self._cosigners, "node", node)

    def counted(self, log: str) -> tuple[str, ...]:
        """The nodes that count as witnesses of a log: those whose operator does not host it (decision 16)."""
        host = self.node_of(log).operator
        return tuple(name for name in self.document.policy.witnesses if self.node(name).operator != host)

    def witnesses(self, log: str) -> tuple[notes.Verifier, ...]:
        """The cosigners' keys of the witnesses that count for a log."""
        return tuple(self.cosigner(name) for name in self.counted(log))

    def needed(self, log: str) -> int:
        """How many of these must have cosigned a checkpoint of the log before it is witnessed."""
        return self.document.policy.needed or len(self.counted(log)) // 2 + 1

    @property
    def heartbeat_seconds(self) -> int:
        """So often a log's own node says that the log stands; three times as long without is silence."""
        return 60 * (self.document.policy.heartbeat_minutes or 10)

    def checkpoint(self, log: str, note: str | bytes) -> checkpoints.Checkpoint:
        """The log's checkpoint in a note, signed by a key that may sign this size; else Damage."""
        claimed = checkpoints.unverified(note)
        if claimed.origin != self.origin(log):
            raise errors.Damage(f"the checkpoint is of {claimed.origin!r}, not of {self.origin(log)}")
        return checkpoints.open_checkpoint(note, *self.verifiers(log, claimed.size))

    @cached_property
    def _terms(self) -> dict[str, list[Bureau]]:
        terms = defaultdict(list)
        for bureau in sorted(self.document.bureau, key=lambda b: b.from_day):
            terms[bureau.code].append(bureau)
        return dict(sorted(terms.items()))

    @cached_property
    def _logs(self) -> dict[str, Log]:
        return {log.name: log for log in self.document.log}

    @cached_property
    def _nodes(self) -> dict[str, Node]:
        return {node.name: node for node in self.document.node}

    @cached_property
    def _verifiers(self) -> dict[str, list[tuple[Key, notes.Verifier]]]:
        return {log.name: [(k, notes.Verifier.parse(k.vkey)) for k in log.key] for log in self.document.log}

    @cached_property
    def _cosigners(self) -> dict[str, notes.Verifier]:
        return {node.name: notes.Verifier.parse(node.cosigner) for node in self.document.node}


def digest(note: str | bytes) -> str:
    """SHA-256 of the signed text of a note, base64: what `previous` and the settings name."""
    return keys.encode(sha256(notes.split(note)[0].encode()).digest())


def parse(note: str | bytes) -> Alliance:
    """What a note says, no signature verified; Damage or Invalid when it says nothing readable."""
    return Alliance(Document.read(notes.split(note)[0]), digest(note))


def first(note: str | bytes, trusted: str) -> Alliance:
    """Version 1, trusted by its digest; its own quorum must have signed it, to show that it can."""
    if digest(note) != trusted:
        raise errors.Damage(
            f"the alliance document has the digest {digest(note)}, the settings name {trusted}"
        )
    alliance = parse(note)
    if alliance.version != 1:
        raise errors.Damage(f"the alliance begins with version 1, not {alliance.version}")
    _signed_by_quorum(note, alliance)
    return alliance


def successor(current: Alliance, note: str | bytes) -> Alliance:
    """The next version; `current` itself when the note is that (delivered twice).

    Damage when the note does not follow `current` or its quorum did not sign, Invalid when the version
    forgets a log or a key: past checkpoints would no longer verify. Invalid too when a log is to be written
    at another node: a node that has not heard of it writes on, and two writers make a fork.
    """
    if digest(note) == current.digest:
        return current
    _signed_by_quorum(note, current)
    alliance = parse(note)
    if (alliance.id, alliance.version, alliance.document.previous) != (
        current.id, current.version + 1, current.digest,
    ):  # fmt: skip
        raise errors.Damage(
            f"version {alliance.version} of {alliance.id} does not follow version {current.version} of "
            f"{current.id}, digest {current.digest}"
        )
    _check_remembers(current.document, alliance.document)
    return alliance


def check_fork(current: Alliance, one: str | bytes, other: str | bytes) -> None:
    """Fork, naming the keys that signed both, when two different versions validly follow `current`."""
    if digest(one) == digest(other):
        return
    successor(current, one)
    successor(current, other)
    both = _signed_by_quorum(one, current) & _signed_by_quorum(other, current)
    names = ", ".join(sorted(verifier.vkey for verifier in both))
    raise errors.Fork(f"two versions {current.version + 1} of {current.id}, both signed by {names}")


def _signed_by_quorum(note: str | bytes, alliance: Alliance) -> frozenset[notes.Verifier]:
    """Those of the alliance's quorum who signed; Damage unless they are more than half."""
    quorum = [notes.Verifier.parse(vkey) for vkey in alliance.document.quorum]
    signed = frozenset(s.verifier for s in notes.open(note, quorum).signatures)
    if 2 * len(signed) <= len(quorum):
        raise errors.Damage(
            f"{len(signed)} of the {len(quorum)} keys of the quorum of version {alliance.version} signed; "
            f"it takes {len(quorum) // 2 + 1}"
        )
    return signed


def _check_remembers(old: Document, new: Document) -> None:
    logs = {log.name: log for log in new.log}
    for log in old.log:
        if (kept := logs.get(log.name)) is None:
            raise errors.Invalid(f"version {new.version} forgets log {log.name}")
        if kept.node != log.node:
            raise errors.Invalid(
                f"version {new.version} moves log {log.name} from node {log.node} to {kept.node}; "
                "close it, and let it go on in another log there"
            )
        known = {key.vkey: key.from_size for key in kept.key}
        if log.closed_size is not None and _closed(kept) != _closed(log):
            raise errors.Invalid(f"version {new.version} closes log {log.name} elsewhere than before")
        if lost := [key.vkey for key in log.key if known.get(key.vkey) != key.from_size]:
            raise errors.Invalid(f"version {new.version} forgets or moves the key {lost[0]}")


def _closed(log: Log) -> tuple[int | None, str | None, Succession]:
    return log.closed_size, log.closed_root, log.succession


def _found(things: dict[str, T], what: str, name: str) -> T:
    if name not in things:
        raise errors.NotFound(f"the alliance has no {what} {name!r}")
    return things[name]
