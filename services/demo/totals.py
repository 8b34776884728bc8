"""What a node's read models say to the query of a total."""

from collections.abc import Callable
from datetime import date

from projections import activity, dispatches, experts, model, projects, talent, tasks
from projections.model import ReadModel
from services.demo.facts import Measure, Query
from services.runtime.database import Connection, Database

_Asked = tuple[ReadModel, Callable[[Connection, Query, date, date], int]]


def measured(database: Database, query: Query) -> list[int]:
    """The value at this node, for each stretch in which it must come out."""
    which, ask = _ASKED[query.measure]
    with database.connection() as conn, model.reading(conn, which):
        return [ask(conn, query, first, last) for first, last in query.spans()]


def _held(conn: Connection, query: Query, first: date, last: date) -> list[activity.Counts]:
    chosen = activity.Chosen(bureau=query.bureau, theme=query.theme, first=first, last=last)
    by_form = [
        activity.counts(conn, activity.Chosen(**{**vars(chosen), "form": form})) for form in query.forms
    ]
    return [count for counts in by_form for count in counts]


def _activities(conn: Connection, query: Query, first: date, last: date) -> int:
    return sum(count.activities for count in _held(conn, query, first, last))


def _persons(conn: Connection, query: Query, first: date, last: date) -> int:
    return sum(count.persons for count in _held(conn, query, first, last))


def _dispatches(conn: Connection, query: Query, first: date, last: date) -> int:
    chosen = dispatches.Chosen(home=query.bureau, purpose=query.purpose, first=first, last=last)
    return dispatches.total(conn, chosen).experts


def _projects(conn: Connection, query: Query, first: date, last: date) -> int:
    return projects.count(conn, projects.Chosen(bureau=query.bureau, first=first, last=last))


def _strength(conn: Connection, query: Query, _: date, last: date) -> int:
    return sum(each.persons for each in experts.pyramid(conn, last, query.bureau) if each.tier == query.tier)


_ASKED: dict[Measure, _Asked] = {
    "activities": (activity.MODEL, _activities),
    "persons": (activity.MODEL, _persons),
    "dispatches": (talent.MODEL, _dispatches),
    "projects": (tasks.MODEL, _projects),
    "strength": (talent.MODEL, _strength),
}
