"""From an event along what it rests on and what rests on it, across bureaus, as a graph."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from events import errors, loops
from events.event import Event, Key, Record
from projections import model, sentences, timeline, track
from projections.sentences import Names
from services.auditor import records, states
from services.auditor.records import Held
from services.ledger import read
from services.runtime.database import Connection

LIMIT = 200
"""Nodes of a graph, unless more are asked for."""
Kind: TypeAlias = Literal["basis", "causation", "answers", "corrects"]
Direction: TypeAlias = Literal["back", "forth", "both"]


class Node(NamedTuple):
    """A record of the graph; `steps` from where it began.

    `record` is None where it cannot be read here; `gone`: because its bytes were removed by decision.
    """

    log: str
    position: int
    stream: str
    time: str
    type: str
    record: Record[Event] | None
    steps: int
    gone: bool = False

    @property
    def key(self) -> Key:
        """(log, position)."""
        return self.log, self.position

    def sentence(self, lang: str, names: Names) -> str:
        """What it says in `zh` or `en`; what is known of its type when it cannot be read."""
        if self.gone:
            return "内容已依决定删除" if lang == "zh" else "redacted: its content was removed by decision"
        if self.record is None:
            return self.type or ("此处未存" if lang == "zh" else "not held here")
        return sentences.sentence(self.record, lang, names)


class Edge(NamedTuple):
    """`source` rests on, follows from, answers or corrects `target`."""

    source: Key
    target: Key
    kind: Kind


class Graph(NamedTuple):
    """Nodes by steps and time, edges between them; `cut`: there is more, beyond the limit."""

    start: Key
    nodes: list[Node]
    edges: list[Edge]
    cut: bool


def graph(
    conn: Connection,
    start: Key,
    direction: Direction = "both",
    *,
    limit: int = LIMIT,
    steps: int | None = None,
    correlated: bool = False,
) -> Graph:
    """The records around one: `back` to what it rests on, `forth` to what rests on it, as far as `steps`.

    With `correlated` it begins from every record of the same correlation. Who rests on a record is known as
    far as the timeline was folded. Raises NotFound.
    """
    begin = records.load(conn, [start]).get(start)
    if begin is None:
        raise errors.NotFound(f"record {start[0]}:{start[1]} is not held at this node", field="position")
    walk = _Walk(conn, direction, limit)
    walk.add([start])
    if correlated and begin.record is not None and begin.record.correlation is not None:
        walk.add(_of_correlation(conn, begin.record.correlation, limit))
    while walk.frontier and (steps is None or walk.steps < steps):
        walk.step()
    return walk.graph(start)


def among(conn: Connection, keys: Sequence[Key], *, cut: bool = False) -> Graph:
    """These records, and the edges between them; `start` is the first. Raises NotFound when there is none."""
    if not keys:
        raise errors.NotFound("there is no record behind it", field="figure")
    walk = _Walk(conn, "both", len(keys), cut=cut)
    walk.add(keys)
    return walk.graph(keys[0])


def _of_correlation(conn: Connection, correlation: str, limit: int) -> list[Key]:
    with of_timeline(conn):
        return timeline.of_correlation(conn, correlation, limit + 1)


@contextmanager
def of_timeline(conn: Connection) -> Iterator[None]:
    """Reading the live timeline. Raises Unavailable while it is of another version."""
    state = next((s for s in track.states(conn) if s.name == timeline.MODEL.name), None)
    if state is None or state.version != timeline.MODEL.version:
        raise errors.Unavailable("the timeline is of another version: rebuild it first")
    with model.reading(conn, timeline.MODEL):
        yield


@dataclass
class _Walk:
    """The search by widening circles; what it met stays within the limit."""

    conn: Connection
    direction: Direction
    limit: int
    steps: int = 0
    cut: bool = False
    frontier: list[Key] = field(default_factory=list)
    met: dict[Key, int] = field(default_factory=dict)
    held: dict[Key, Held] = field(default_factory=dict)

    def add(self, keys: Iterable[Key]) -> None:
        """Meet records, until there are enough."""
        for key in keys:
            if key in self.met:
                continue
            if len(self.met) >= self.limit:
                self.cut = True
                return
            self.met[key] = self.steps
            self.frontier.append(key)

    def step(self) -> None:
        """One circle wider."""
        here, self.frontier = self.frontier, []
        self.steps += 1
        self._load(here)
        if self.direction != "forth":
            self.add(key for at in here if (h := self.held.get(at)) for key in _targets(h.record))
        if self.direction != "back":
            self.add(self._citing(here))

    def _citing(self, here: Collection[Key]) -> Iterator[Key]:
        with of_timeline(self.conn):
            found = timeline.resting_on(self.conn, here, self.limit + 1)
        yield from (source for source, _ in found)
        for key in here:
            if (held := self.held.get(key)) and held.record is not None:
                yield from _corrections(self.conn, held.record)

    def _load(self, keys: Iterable[Key]) -> None:
        self.held |= records.load(self.conn, [key for key in keys if key not in self.held])

    def graph(self, start: Key) -> Graph:
        """What was met, and every edge within it."""
        self._load(self.met)
        nodes = [_node(key, self.held.get(key), steps) for key, steps in self.met.items()]
        edges = {edge for node in nodes for edge in self._edges(node)}
        return Graph(start, sorted(nodes, key=lambda n: (n.steps, n.time, n.key)), sorted(edges), self.cut)

    def _edges(self, node: Node) -> Iterator[Edge]:
        if node.record is not None:
            for target in _targets(node.record):
                if target in self.met:
                    held = self.held.get(target)
                    found = kinds(node.record, target, held and held.record)
                    yield from (Edge(node.key, target, kind) for kind in found)


def _node(key: Key, held: Held | None, steps: int) -> Node:
    if held is None:
        return Node(*key, "", "", "", None, steps)
    return Node(*key, held.stream, held.time, held.type, held.record, steps, held.gone)


def _targets(record: Record[Event] | None) -> list[Key]:
    """What a record rests on, and what it corrects or voids."""
    if record is None:
        return []
    changed = states.changed(record.data)
    return [*record.basis, *([(record.log, changed)] if changed is not None else [])]


def kinds(record: Record[Event], target: Key, there: Record[Event] | None) -> Iterable[Kind]:
    """How a record stands to one of its targets; basis, when nothing closer can be said."""
    found: list[Kind] = []
    if target == (record.log, states.changed(record.data)):
        found.append("corrects")
    if isinstance(record.data, loops.Answer) and target == _key(record.data):
        found.append("answers")
    if there is not None and there.id == record.causation:
        found.append("causation")
    return found or ["basis"]


def _key(answer: loops.Answer) -> Key:
    return answer.question.log, answer.question.position


def _corrections(conn: Connection, record: Record[Event]) -> Iterator[Key]:
    """The records of its stream that correct or void it."""
    try:
        history = read.history(conn, record.log, record.stream)
    except errors.BadRecord:
        return
    yield from (later.key for later in history if states.changed(later.data) == record.position)


def document(of: Graph, names: Callable[[str], Names]) -> dict[str, Any]:
    """The graph as JSON values, each record said in both languages; `names(lang)` names bureaus."""
    said = {lang: names(lang) for lang in ("zh", "en")}
    return {
        "start": list(of.start),
        "nodes": [
            {
                "log": n.log, "position": n.position, "stream": n.stream, "time": n.time, "type": n.type,
                "steps": n.steps, **{lang: n.sentence(lang, by) for lang, by in said.items()},
            }
            for n in of.nodes
        ],
        "edges": [{"source": list(e.source), "target": list(e.target), "kind": e.kind} for e in of.edges],
        "cut": of.cut,
    }  # fmt: skip
