"""What a read model is: a name, a version, its tables, and the handlers that write them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import Any, NamedTuple, TypeAlias, TypeVar

from psycopg import Connection
from psycopg.rows import class_row

from events.event import Event, Record
from projections.rows import Rows

E = TypeVar("E", bound=Event)
T = TypeVar("T")
Handler: TypeAlias = Callable[[Record[Any], Rows], None]
_Typed: TypeAlias = Callable[[Record[E], Rows], None]


class Handlers:
    """The handlers of one module, in the order they stand there."""

    def __init__(self) -> None:
        self._all: list[tuple[type[Event], Callable[[type[Event]], bool], Handler]] = []
        self._known: dict[type[Event], tuple[Handler, ...]] = {}

    def __call__(
        self, kind: type[E], *, when: Callable[[type[Event]], bool] = lambda _: True
    ) -> Callable[[_Typed[E]], _Typed[E]]:
        """Mark a handler of events of this class and its subclasses, `when(class)` holds."""

        def mark(handler: _Typed[E]) -> _Typed[E]:
            self._all.append((kind, when, handler))
            return handler

        return mark

    def of(self, kind: type[Event]) -> tuple[Handler, ...]:
        """The handlers of an event's class."""
        found = self._known.get(kind)
        if found is None:
            found = tuple(h for base, when, h in self._all if issubclass(kind, base) and when(kind))
            self._known[kind] = found
        return found


@dataclass(frozen=True)
class ReadModel:
    """Tables folded from the ledger; a change of tables or handlers needs a new `version`.

    `parts` names the `.sql` files of tables that it shares with others, put before its own.
    `verbatim`: each record is handled as it stands, corrections too, and none is folded into another.
    `local_tables` hold what is this node's own, such as arrival numbers: append-only, in no digest.
    """

    name: str
    version: int
    handlers: Handlers
    parts: tuple[str, ...] = ()
    verbatim: bool = False
    local_tables: frozenset[str] = frozenset()

    @property
    def sql(self) -> str:
        """What creates the tables, names unqualified."""
        here = resources.files("projections")
        return "".join(
            here.joinpath(f"{n}.sql").read_text(encoding="utf-8") for n in (*self.parts, self.name)
        )


class Instance(NamedTuple):
    """A model with tables of its own: the live one, the next one (`…_next`), or one of a past day.

    A `scratch` one is read by who had it built and by nobody else: its local tables stay empty, and all its
    rows are gone when the server ends unexpectedly.
    """

    name: str
    model: ReadModel
    scratch: bool = False

    @property
    def schema(self) -> str:
        """The PostgreSQL schema that holds its tables."""
        return f"model_{self.name}"


def live(model: ReadModel) -> Instance:
    """The instance that pages read."""
    return Instance(model.name, model)


@contextmanager
def reading(conn: Connection[Any], which: ReadModel | Instance) -> Iterator[Connection[Any]]:
    """One transaction in which the unqualified names of a model's queries are its tables."""
    schema = f"model_{which.name}"
    with conn.transaction():
        row = conn.execute("SELECT current_setting('search_path')").fetchone()
        conn.execute("SELECT set_config('search_path', %s, true)", [f"{schema}, pg_catalog"])
        yield conn
        conn.execute("SELECT set_config('search_path', %s, true)", row)


def fetch(
    conn: Connection[Any], shape: type[T], query: str, values: Sequence[Any] | Mapping[str, Any]
) -> list[T]:
    """What a query finds, each row as an object of this class, whose fields are the columns."""
    with conn.cursor(row_factory=class_row(shape)) as cursor:
        return cursor.execute(query.encode(), values).fetchall()
