"""Everything that has a list and pages, in a list a reader can see."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from events import errors
from projections import inbox
from services.bureau.commands import Command
from services.gateway import activity, cooperation, talent, things
from services.gateway.figures import Figure
from services.gateway.forms import Filled
from services.gateway.things import Kind, Option, Thing
from services.gateway.waiting import Duties
from services.ledger import heirs, read

if TYPE_CHECKING:
    from services.gateway.view import View

CONTEXTS = (cooperation, talent, activity)
KINDS: tuple[Kind, ...] = tuple(kind for context in CONTEXTS for kind in context.KINDS)
BY_AGGREGATE: Mapping[str, Kind] = {kind.aggregate: kind for kind in KINDS}
BY_PATH: Mapping[tuple[str, str], Kind] = {(kind.context, kind.aggregate): kind for kind in KINDS}
DUTIES: tuple[Duties, ...] = tuple(context.duties for context in CONTEXTS)
FIGURES: tuple[Callable[["View", str | None], list[Figure]], ...] = tuple(
    context.figures for context in CONTEXTS
)
_OPTIONS: Mapping[str, Callable[["View", Filled], Sequence[Option]]] = {
    name: made for context in CONTEXTS for name, made in getattr(context, "OPTIONS", {}).items()
}


def kind(context: str, aggregate: str) -> Kind:
    """Raises NotFound."""
    if (context, aggregate) not in BY_PATH:
        raise errors.NotFound("there is no such page")
    return BY_PATH[context, aggregate]


def find(view: "View", log: str, stream: str, expected: Kind | None = None) -> Thing:
    """One thing with the answers to it; an answer's stream gives the thing it answers. Raises NotFound.

    One of a closed log is given as it stands where it goes on.
    """
    with view.site.database.connection() as conn:
        log, stream = heirs.goes_on(conn, log, stream)
        records = read.history(conn, log, stream)
    found = expected or (BY_AGGREGATE.get(records[0].aggregate) if records else None)
    if found is None:
        return _asked(view, log, stream)
    with view.reading(inbox.MODEL) as conn:
        answers = inbox.answering(conn, log, stream)
    with view.site.database.connection() as conn:
        return things.load(conn, found, log, stream, answers)


def _asked(view: "View", log: str, stream: str) -> Thing:
    with view.site.database.connection() as conn:
        question = things.question_of(read.history(conn, log, stream))
        theirs = read.record(conn, question)
    if theirs.aggregate not in BY_AGGREGATE:
        raise errors.NotFound("there is no such thing here")
    return find(view, theirs.log, theirs.stream, BY_AGGREGATE[theirs.aggregate])


def options(view: "View", command: type[Command], filled: Filled) -> dict[str, Sequence[Option]]:
    """What can be picked in a command's fields that name things of the platform."""
    return {name: made(view, filled) for name, made in _OPTIONS.items() if name in command.model_fields}
