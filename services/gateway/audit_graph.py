"""A graph of records as a picture: from left to right as one rests on another, in SVG made here."""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from markupsafe import Markup, escape

from events.event import Key
from services.auditor.lineage import Edge, Graph, Node

WIDTH, HEIGHT = 200, 46
"""A node's size, in pixels."""
_ACROSS, _DOWN, _MARGIN = WIDTH + 56, HEIGHT + 16, 8


class Words(NamedTuple):
    """What stands in a node: two short lines, and all of it for who points at it."""

    first: str
    second: str
    whole: str


Say = Callable[[Node], Words]


def svg(graph: Graph, say: Say, title: str) -> Markup:
    """The picture; each node leads to its record."""
    places = _places(graph)
    columns = max((x for x, _ in places.values()), default=0) + 1
    rows = max((y for _, y in places.values()), default=0) + 1
    width, height = columns * _ACROSS - 56 + 2 * _MARGIN, rows * _DOWN - 16 + 2 * _MARGIN
    lines = "".join(_edge(edge, places) for edge in graph.edges)
    boxes = "".join(_node(node, places, say(node), start=node.key == graph.start) for node in graph.nodes)
    return Markup(  # noqa: S704  (every text in it is escaped where it is put in)
        f'<svg class="lineage" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="group"'
        f' aria-label="{escape(title)}"><defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4"'
        ' markerUnits="userSpaceOnUse" markerWidth="10" markerHeight="10" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z"/></marker></defs>'
        f"{lines}{boxes}</svg>"
    )


def _places(graph: Graph) -> dict[Key, tuple[int, int]]:
    """Column and row of each node: right of all that it rests on, in the order of time."""
    depths = depth(graph.nodes, graph.edges)
    rows: dict[int, count[int]] = {}
    return {
        node.key: (depths[node.key], next(rows.setdefault(depths[node.key], count())))
        for node in sorted(graph.nodes, key=lambda n: (n.time, n.key))
    }


def depth(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[Key, int]:
    """How many steps each node stands after the first of those it rests on; a circle ends somewhere."""
    targets: dict[Key, list[Key]] = {}
    for edge in edges:
        targets.setdefault(edge.source, []).append(edge.target)
    found: dict[Key, int] = {}
    for node in sorted(nodes, key=lambda n: (n.time, n.key)):
        if node.key not in found:
            _settle(node.key, targets, found)
    return found


def _settle(start: Key, targets: Mapping[Key, Sequence[Key]], found: dict[Key, int]) -> None:
    """Depth first, without recursion: chains may be long."""
    stack, under_way = [start], {start}
    while stack:
        key = stack[-1]
        due = [t for t in targets.get(key, ()) if t not in found and t not in under_way]
        if due:
            stack.append(due[0])
            under_way.add(due[0])
        else:
            found[key] = 1 + max((found[t] for t in targets.get(key, ()) if t in found), default=-1)
            stack.pop()


def _at(place: tuple[int, int]) -> tuple[int, int]:
    return _MARGIN + place[0] * _ACROSS, _MARGIN + place[1] * _DOWN


def _edge(edge: Edge, places: Mapping[Key, tuple[int, int]]) -> str:
    """From what comes first to what rests on it."""
    (x1, y1), (x2, y2) = _at(places[edge.target]), _at(places[edge.source])
    x1, y1, y2 = x1 + WIDTH, y1 + HEIGHT // 2, y2 + HEIGHT // 2
    middle = (x1 + x2) // 2
    path = f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2 - 1} {y2}"
    return f'<path class="edge {edge.kind}" d="{path}" marker-end="url(#tip)"/>'


def _node(node: Node, places: Mapping[Key, tuple[int, int]], words: Words, *, start: bool) -> str:
    x, y = _at(places[node.key])
    return (
        f'<a href="/records/{node.log}/{node.position}"><g class="{"node start" if start else "node"}">'
        f"<title>{escape(words.whole)}</title>"
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="5"/>'
        f'<text x="{x + 8}" y="{y + 18}">{escape(words.first)}</text>'
        f'<text class="said" x="{x + 8}" y="{y + 36}">{escape(words.second)}</text></g></a>'
    )
