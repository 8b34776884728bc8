"""The body of the alliance document (contracts.md): its sections, the rules between them, and its TOML."""

import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator

from events import checkpoints, errors, notes, values
from events.membership import Part, Succession

Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
"""Alliance or node."""
Size = Annotated[int, Field(ge=0, le=values.POSITION_LIMIT)]
V = TypeVar("V", bound=values.Value)


def _vkey(text: str) -> str:
    try:
        notes.Verifier.parse(text)
    except errors.Invalid as error:
        raise ValueError(error.message) from None
    return text


Vkey = Annotated[str, AfterValidator(_vkey)]


class Bureau(values.Value):
    """An office and its official name in [from, to); the same code may come again with a later name."""

    model_config = ConfigDict(validate_by_name=True)

    code: values.Code
    name_zh: values.Title
    name_en: values.Title
    from_day: Annotated[values.Day, Field(validation_alias="from")]
    to_day: Annotated[values.Day | None, Field(validation_alias="to")] = None


class Node(values.Value):
    """A running installation: who operates it, where it serves, and its cosigner key."""

    name: Name
    operator: values.Title
    url: values.Url
    cosigner: Vkey


class Key(values.Value):
    """A log's key may sign checkpoints of the sizes [from_size, to_size], both included."""

    vkey: Vkey
    from_size: Size = 0
    to_size: Size | None = None

    def covers(self, size: int) -> bool:
        return self.from_size <= size and (self.to_size is None or size <= self.to_size)


class Suite(StrEnum):
    """What a log is hashed and signed with. Another suite is a parallel log over the same records."""

    SHA256_ED25519 = "sha256-ed25519"


class Moved(values.Value):
    """A stream of a closed log that goes on elsewhere than the others."""

    subject: values.Subject
    log: values.Log


class Log(values.Value):
    """A log, whose it is, the node that hosts it, and its keys in the order of their `from_size`.

    `suite` names its algorithms; left out it is the first one. A log that cannot close itself is closed here:
    what lies beyond its first `closed_size` records, whose root is `closed_root`, is void, and its streams go
    on in `successor`, but for those of `stream`.
    """

    name: values.Log
    bureau: values.Code
    node: Name
    suite: Annotated[Suite | None, Field(strict=False)] = None
    closed_size: Annotated[Size | None, Field(ge=1)] = None
    closed_root: values.Digest | None = None
    successor: values.Log | None = None
    key: Annotated[tuple[Key, ...], Field(min_length=1)]
    stream: tuple[Moved, ...] = ()

    @property
    def succession(self) -> Succession:
        """In which logs its streams go on."""
        logs = dict.fromkeys(moved.log for moved in self.stream)
        parts = {log: tuple(m.subject for m in self.stream if m.log == log) for log in logs}
        return Succession(
            successor=self.successor, parts=tuple(Part(log=log, streams=s) for log, s in parts.items())
        )


class Policy(values.Value):
    """The nodes whose cosignatures make a checkpoint witnessed, and how many of those that count it takes.

    A node whose operator hosts the log does not count for it. `needed` is more than half of those that count
    when it is left out. A log's own node cosigns its latest checkpoint every `heartbeat_minutes`, 10 if left
    out, also when nothing is new.
    """

    witnesses: tuple[Name, ...] = ()
    needed: Annotated[int | None, Field(ge=1, le=notes.SERVED_SIGNATURES - 2)] = None
    heartbeat_minutes: Annotated[int | None, Field(ge=1, le=1440)] = None


class Document(values.Value):
    """One version of the alliance; `previous` is the digest of the version before it (base64)."""

    format: Annotated[int, Field(ge=1, le=1)] = 1
    alliance: Name
    version: Annotated[int, Field(ge=1, le=values.POSITION_LIMIT)]
    previous: values.Digest | None = None
    quorum: Annotated[tuple[Vkey, ...], Field(min_length=1)]
    bureau: tuple[Bureau, ...] = ()
    node: tuple[Node, ...] = ()
    log: tuple[Log, ...] = ()
    policy: Policy = Policy()

    @classmethod
    def read(cls, text: str) -> Self:
        """Parse the TOML; Invalid, naming the place, when a rule is broken."""
        return read(cls, text, "the alliance document")

    def write(self) -> str:
        """The TOML, always the same for the same content."""
        return "\n".join(_toml(self)) + "\n"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.version == 1) != (self.previous is None):
            raise ValueError("every version but the first names the digest of the previous one")
        _check_names(self)
        _check_keys(self)
        _check_references(self)
        return self


def read(kind: type[V], text: str, what: str) -> V:
    """Parse TOML as a model; Invalid, naming the place in `what`, when a rule is broken."""
    if "\t" in text or "\r" in text:
        raise errors.Invalid(f"{what} has no tabs and no carriage returns")
    try:
        return kind.model_validate(_tuples(tomllib.loads(text)), by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise errors.Invalid(f"{what}: {place} {first['msg']}", field=place) from None
    except (ValueError, RecursionError) as error:  # tomllib also lets a giant integer's error through
        raise errors.Invalid(f"{what} is no TOML: {error}") from None


def _check_names(doc: Document) -> None:
    _unique("node", (node.name for node in doc.node))
    _unique("log", (log.name for log in doc.log))
    _unique("witness", doc.policy.witnesses)
    for bureau in doc.bureau:
        if bureau.to_day is not None and bureau.to_day <= bureau.from_day:
            raise ValueError(f"bureau {bureau.code} ends before it begins")
    terms = sorted(doc.bureau, key=lambda b: (b.code, b.from_day))
    for one, next_ in pairwise(terms):
        if one.code == next_.code and (one.to_day is None or one.to_day > next_.from_day):
            raise ValueError(f"bureau {one.code} has two names from {next_.from_day} on")


def _check_keys(doc: Document) -> None:
    """No key stands twice: its holder would count twice in a quorum, or sign for another's log."""
    _unique("quorum key", (_public(vkey, "quorum", notes.Kind.ED25519) for vkey in doc.quorum))
    used: list[bytes] = []
    for node in doc.node:
        name = checkpoints.node_key(doc.alliance, node.name)
        used.append(_public(node.cosigner, f"node {node.name}", notes.Kind.COSIGNATURE, name))
    for log in doc.log:
        name = checkpoints.origin(doc.alliance, log.name)
        used.extend(_public(key.vkey, f"log {log.name}", notes.Kind.ED25519, name) for key in log.key)
        _check_sizes(log)
    _unique("key", used)


def _check_sizes(log: Log) -> None:
    if log.key[0].from_size != 0:
        raise ValueError(f"log {log.name}: the first key signs from size 0 on")
    for key in log.key:
        if key.to_size is not None and key.to_size < key.from_size:
            raise ValueError(f"log {log.name}: a key ends before it begins")
    for one, next_ in pairwise(log.key):
        if next_.from_size < one.from_size or (one.to_size is not None and next_.from_size > one.to_size + 1):
            raise ValueError(f"log {log.name}: keys follow one another without a gap")


def _check_references(doc: Document) -> None:
    bureaus = {bureau.code for bureau in doc.bureau}
    nodes = {node.name for node in doc.node}
    for log in doc.log:
        if log.bureau not in bureaus or log.name.split("-")[0] != log.bureau:
            raise ValueError(f"log {log.name}: it is named by the code of a bureau of the alliance")
        if log.node not in nodes:
            raise ValueError(f"log {log.name}: there is no node {log.node}")
    for log in doc.log:
        _check_closed(log, {other.name for other in doc.log} - {log.name})
    for witness in doc.policy.witnesses:
        if witness not in nodes:
            raise ValueError(f"policy: there is no node {witness}")
    if doc.policy.needed is not None:
        _check_needed(doc, doc.policy.needed)


def _check_closed(log: Log, others: set[str]) -> None:
    if (log.closed_size is None) != (log.closed_root is None):
        raise ValueError(f"log {log.name}: closed_size and closed_root stand together")
    if log.closed_size is None and (log.successor or log.stream):
        raise ValueError(f"log {log.name}: only a closed log has a successor")
    if unknown := set(log.succession.logs) - others:
        raise ValueError(f"log {log.name}: it cannot go on in {min(unknown)}")
    _unique(f"stream of log {log.name}", (moved.subject for moved in log.stream))


def _check_needed(doc: Document, needed: int) -> None:
    """So many witnesses must count for each log: otherwise nothing of it could ever be witnessed."""
    operators = {node.name: node.operator for node in doc.node}
    for log in doc.log:
        counted = [w for w in doc.policy.witnesses if operators[w] != operators[log.node]]
        if len(counted) < needed:
            raise ValueError(
                f"policy: {len(counted)} witnesses count for log {log.name}, and {needed} are needed"
            )


def _public(vkey: str, where: str, kind: notes.Kind, name: str | None = None) -> bytes:
    verifier = notes.Verifier.parse(vkey)
    if verifier.kind is not kind:
        raise ValueError(f"{where}: the key is of type {verifier.kind:#04x}, not {kind:#04x}")
    if name is not None and verifier.name != name:
        raise ValueError(f"{where}: the key is named {verifier.name}, not {name}")
    return verifier.public


def _unique(what: str, items: Iterable[object]) -> None:
    seen = list(items)
    if len(set(seen)) < len(seen):
        raise ValueError(f"a {what} stands there twice")


def _tuples(value: Any) -> Any:
    """TOML has lists, the frozen models tuples, and strict models do not turn one into the other."""
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _toml(doc: Document) -> Iterator[str]:
    yield from _pairs(format=doc.format, alliance=doc.alliance, version=doc.version, previous=doc.previous)
    yield from _list("quorum", doc.quorum)
    yield from sections(doc.bureau, doc.node, doc.log)
    yield from ("", "[policy]", *_list("witnesses", doc.policy.witnesses))
    yield from _pairs(needed=doc.policy.needed, heartbeat_minutes=doc.policy.heartbeat_minutes)


def sections(bureaus: Iterable[Bureau], nodes: Iterable[Node], logs: Iterable[Log]) -> Iterator[str]:
    """The lines of these sections, as every document writes them."""
    for b in bureaus:
        yield from ("", "[[bureau]]")
        yield from _pairs(code=b.code, name_zh=b.name_zh, name_en=b.name_en)
        yield from _pairs(**{"from": b.from_day, "to": b.to_day})
    for node in nodes:
        yield from ("", "[[node]]", *_pairs(**dict(node)))
    for log in logs:
        yield from ("", "[[log]]", *_pairs(name=log.name, bureau=log.bureau, node=log.node, suite=log.suite))
        yield from _pairs(closed_size=log.closed_size, closed_root=log.closed_root, successor=log.successor)
        for key in log.key:
            yield from ("", "[[log.key]]", *_pairs(**dict(key)))
        for moved in log.stream:
            yield from ("", "[[log.stream]]", *_pairs(**dict(moved)))


def _pairs(**pairs: str | int | date | None) -> Iterator[str]:
    return (f"{key} = {_literal(value)}" for key, value in pairs.items() if value is not None)


def _list(key: str, items: Iterable[str]) -> Iterator[str]:
    yield from (f"{key} = [", *(f"    {_literal(item)}," for item in items), "]")


def _literal(value: str | int | date) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
