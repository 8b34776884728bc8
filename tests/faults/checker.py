"""The history checker: what clients were told against what every node holds once the system is quiet.

I1  every command answered `ok` stands in its log exactly once, where the answer said
I2  no refused one does; of an unknown one at most one record, and the table of commands tells which
I3  a log = its topic without repeats = that log in every other ledger; nothing extra anywhere
I4  positions are 1…n, versions in each stream are 1…n
I5  every read model is equal at every node and to a fold made from nothing; no record is shown twice
I6  positions never went back
I7  every checkpoint ever seen is a prefix of its log; each guard file stands for the latest ones
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from events import envelope, merkle
from tests.faults.journal import Said

Entry = tuple[int, bytes]
"""Position and value."""
Vector = Mapping[str, int]


class Signed(NamedTuple):
    """A checkpoint that was seen anywhere at any time."""

    log: str
    size: int
    root: bytes


@dataclass(frozen=True)
class Held:
    """What one node holds at the end; `vectors` are the positions of its read models as time went by."""

    name: str
    own: frozenset[str]
    ledger: Mapping[str, Sequence[Entry]]
    commands: Mapping[str, frozenset[str]]
    latest: Mapping[str, Signed]
    guarded: Mapping[str, Signed]
    digests: Mapping[str, str]
    folded: Mapping[str, str]
    shown: Counter[tuple[str, int]]
    vectors: Sequence[Vector] = ()


@dataclass(frozen=True)
class Evidence:
    """Everything that is looked at; `topics` as they are read, repeats among them."""

    alliance: str
    nodes: tuple[Held, ...]
    topics: Mapping[str, Sequence[Entry]]
    seen: frozenset[Signed] = field(default_factory=frozenset)

    def with_node(self, name: str, **changes: object) -> "Evidence":
        """The same, but for one node: for planting."""
        nodes = tuple(replace(n, **changes) if n.name == name else n for n in self.nodes)  # type: ignore[arg-type]  # fields
        return replace(self, nodes=nodes)


def check(journal: Iterable[Said], evidence: Evidence) -> list[str]:
    """What is wrong, a line each; each begins with the number of what was broken."""
    return [*_commands(list(journal), evidence), *agreed(evidence)]


def agreed(evidence: Evidence) -> list[str]:
    """As `check`, where nobody wrote down what was ordered: I3 to I7."""
    checks = (_copies, _sequences, _models, _positions, _checkpoints)
    return [line for check_ in checks for line in check_((), evidence)]


def _commands(journal: Sequence[Said], evidence: Evidence) -> Iterator[str]:
    """I1, I2."""
    sent = {(s.log, s.key) for s in journal}
    told = {word: {(s.log, s.key): s for s in journal if s.word == word} for word in ("ok", "refused")}
    for node in evidence.nodes:
        for log in node.own:
            keys = {key for log_, key in sent if log_ == log}
            places = _places(evidence.alliance, log, keys, node.ledger[log])
            for key, found in places.items():
                ok, refused = (told[word].get((log, key)) for word in ("ok", "refused"))
                yield from _one(ok, refused, found, f"{log} {key}")
                if bool(found) != (key in node.commands[log]):
                    yield f"I2 {log} {key}: {len(found)} records, and the table of commands says otherwise"
            if strange := node.commands[log] - places.keys():
                yield f"I3 {log}: commands that nobody sent: {sorted(strange)[:3]}"
            known = sum(map(len, places.values()))
            if known != len(node.ledger[log]):
                yield f"I3 {log}: {len(node.ledger[log])} records, of which {known} were ordered"


def _one(ok: Said | None, refused: Said | None, found: list[int], what: str) -> Iterator[str]:
    if ok is not None and found != [ok.position]:
        yield f"I1 {what}: answered with position {ok.position}, stands at {found}"
    if ok is None and refused and found:
        yield f"I2 {what}: refused, and stands at {found}"
    if len(found) > 1:
        yield f"I2 {what}: stands {len(found)} times, at {found}"


def _places(alliance: str, log: str, keys: Iterable[str], entries: Iterable[Entry]) -> dict[str, list[int]]:
    """Where the first event of each command stands."""
    space = envelope.namespace(alliance, log)
    by_id: dict[str, list[int]] = defaultdict(list)
    for position, value in entries:
        by_id[envelope.read(value).id].append(position)
    return {key: by_id[envelope.event_id(space, key, 0)] for key in keys}


def _copies(_: Sequence[Said], evidence: Evidence) -> Iterator[str]:
    """I3."""
    for home in evidence.nodes:
        for log in home.own:
            truth = list(home.ledger[log])
            if sorted(set(evidence.topics[log])) != sorted(truth):
                yield f"I3 {log}: the topic without repeats is not the log of {home.name}"
            for node in evidence.nodes:
                if list(node.ledger[log]) != truth:
                    yield f"I3 {log}: {node.name} does not hold what {home.name} wrote"


def _sequences(_: Sequence[Said], evidence: Evidence) -> Iterator[str]:
    """I4."""
    for node in evidence.nodes:
        for log, entries in node.ledger.items():
            read = [(position, envelope.read(value)) for position, value in entries]
            if [p for p, _ in read] != list(range(1, len(read) + 1)) or any(p != e.sequence for p, e in read):
                yield f"I4 {log} at {node.name}: positions are not 1…{len(read)}"
            versions: Counter[str] = Counter()
            for position, entry in read:
                versions[entry.stream] += 1
                if entry.version != versions[entry.stream]:
                    yield f"I4 {log}:{position} at {node.name}: version {entry.version} out of turn"


def _models(_: Sequence[Said], evidence: Evidence) -> Iterator[str]:
    """I5."""
    first = evidence.nodes[0]
    for node in evidence.nodes:
        for model, found in node.digests.items():
            if found != first.digests[model]:
                yield f"I5 {model}: {node.name} and {first.name} show different things"
            if found != node.folded[model]:
                yield f"I5 {model} at {node.name}: not what a fold from nothing gives"
        held = Counter({(log, p): 1 for log, entries in node.ledger.items() for p, _ in entries})
        if node.shown != held:
            wrong = sorted((node.shown - held) + (held - node.shown))
            yield f"I5 {node.name} shows otherwise than once each: {wrong[:3]}"


def _positions(_: Sequence[Said], evidence: Evidence) -> Iterator[str]:
    """I6."""
    for node in evidence.nodes:
        for before, after in pairwise(node.vectors):
            if back := [log for log, at in before.items() if after.get(log, 0) < at]:
                yield f"I6 {node.name}: the read models went back in {back}"


def _checkpoints(_: Sequence[Said], evidence: Evidence) -> Iterator[str]:
    """I7."""
    for node in evidence.nodes:
        if missing := {log for log, at in node.latest.items() if node.guarded.get(log) != at}:
            yield f"I7 {node.name}: the guard file lacks the latest checkpoint of {sorted(missing)}"
        seen = evidence.seen | set(node.latest.values()) | set(node.guarded.values())
        for log, entries in node.ledger.items():
            leaves = [merkle.leaf_hash(value) for _, value in entries]
            for signed in sorted(s for s in seen if s.log == log):
                if merkle.root(leaves[: signed.size]) != signed.root or signed.size > len(leaves):
                    yield f"I7 {log} at {node.name}: the first {signed.size} are not those once signed"
