"""Asking a query at the positions of a read model, with all that makes the answer come out the same again."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple, TypeAlias

from events.event import Key
from projections import model, rebuild, track, waiting
from projections.model import Instance, ReadModel
from projections.rebuild import LeftOut
from projections.track import Vector
from services.auditor import answers
from services.auditor.answers import Answer
from services.auditor.queries.base import Parameters, Query
from services.runtime.database import Connection

FORMAT = "yinqiao-report/v1"
Build: TypeAlias = Callable[[ReadModel, Vector, Sequence[LeftOut] | None], AbstractContextManager[Instance]]
"""Builds a read model as it stands at a vector, for as long as it is used.

Given what was left out then, it leaves out that, otherwise what is left out here today.
"""


class Aside(NamedTuple):
    """What the read model passed without folding it: what waited, and what was left out for good."""

    waiting: tuple[Key, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class Asked(NamedTuple):
    """A question, at what it was asked, and its answer. `digest` holds for all of it."""

    query: Query[Any]
    parameters: Parameters
    versions: dict[str, int]
    vector: Vector
    aside: Aside
    answer: Answer

    @property
    def content(self) -> dict[str, Any]:
        """What the digest is over, as JSON values: nothing of who asked, when, or with which program."""
        return {
            "format": FORMAT,
            "query": self.query.name,
            "parameters": self.parameters.model_dump(mode="json", exclude_none=True),
            "versions": self.versions,
            "vector": self.vector,
            "aside": document(self.aside),
            "answer": answers.document(self.answer),
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical content, in hex: equal wherever the same records were folded."""
        return answers.digest(self.content)


def versions(query: Query[Any]) -> dict[str, int]:
    """Of the query, and of its read model."""
    return {f"model/{query.model.name}": query.model.version, f"query/{query.name}": query.version}


def ask(conn: Connection, query: Query[Any], parameters: Parameters, instance: Instance) -> Asked:
    """Ask an instance of the query's read model. The connection is in no transaction."""
    with _one_moment(conn):
        return _ask(conn, query, parameters, instance)


def ask_now(conn: Connection, build: Build, query: Query[Any], parameters: Parameters) -> Asked:
    """Ask the live read model, at the positions where it stands. The connection is in no transaction.

    Where it is of another version, or has still to try what became ready, it is built at its positions.
    """
    live = model.live(query.model)
    with _one_moment(conn):
        if _is_settled(conn, live):
            return _ask(conn, query, parameters, live)
        vector = track.vector(conn, live.name)
    return ask_then(conn, build, query, parameters, vector)


@contextmanager
def _one_moment(conn: Connection) -> Iterator[None]:
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        conn.execute("SET LOCAL statement_timeout = 0")
        yield


def _ask(conn: Connection, query: Query[Any], parameters: Parameters, instance: Instance) -> Asked:
    with model.reading(conn, instance):
        answer = query.ask(conn, parameters)
    vector = {log: at for log, at in track.vector(conn, instance.name).items() if at}
    return Asked(query, parameters, versions(query), vector, aside(conn, instance.name), answer)


def ask_then(
    conn: Connection,
    build: Build,
    query: Query[Any],
    parameters: Parameters,
    known: Vector,
    left_out: Sequence[LeftOut] | None = None,
) -> Asked:
    """Ask what was known at a vector: the read model is built there, and dropped again in any case."""
    with build(query.model, known, left_out) as instance:
        return ask(conn, query, parameters, instance)


def _is_settled(conn: Connection, live: Instance) -> bool:
    """Whether the live instance is of this version and has tried everything that is ready."""
    state = next((s for s in track.states(conn) if s.name == live.name), None)
    return state is not None and state.version == live.model.version and not waiting.ready(conn, live.name, 1)


def aside(conn: Connection, name: str) -> Aside:
    """What an instance has passed without folding it, sorted."""
    waits = conn.execute("SELECT log, position FROM projection.waiting WHERE model = %s", [name]).fetchall()
    return Aside(
        tuple(sorted((str(log), int(at)) for log, at in waits)),  # type: ignore[call-overload]  # the table's own types
        tuple(rebuild.left_out(conn, name)),
    )


def document(of: Aside) -> dict[str, Any]:
    """As JSON values."""
    return {"waiting": [list(key) for key in of.waiting], **_by_kind(of.left_out)}


def _by_kind(left_out: Iterable[LeftOut]) -> dict[str, Any]:
    return {
        kind: [[x.log, x.position, x.stream] for x in left_out if x.kind == kind]
        for kind in ("skipped", "redacted")
    }


def read(content: dict[str, Any]) -> Aside:
    """What `document` wrote."""
    return Aside(
        tuple((log, at) for log, at in content["waiting"]),
        tuple(
            sorted(
                LeftOut(log, at, stream, kind)
                for kind in ("skipped", "redacted")
                for log, at, stream in content[kind]
            )
        ),
    )
