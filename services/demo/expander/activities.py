"""Activities of one bureau: each planned, held and reported, spread over the period of its entry."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

from events.activity import Form, Theme
from events.values import Place
from services.bureau.activity import Hold, Plan, Report
from services.demo import facts
from services.demo.script import MADE_UP, Writer, at, seeded, split
from services.runtime import workdays

OPEN = {"C13": 1, "C23": 2, "C25": 1}
"""How many of the last ones of an entry are still without a report."""
CLASSES = 100
"""On-site classes behind the attendances of E05."""
_TRAVEL = frozenset({Form.STUDY_VISIT, Form.FIELD_STUDY})
_LEAD, _TAIL = 16, 9
"""Days at the ends of a period in which nothing is held, so that plan and report stand inside it."""


class Series(NamedTuple):
    """Many activities of one entry: whose, of which forms and theme, with how many people each."""

    entry: str
    log: str
    forms: tuple[Form, ...]
    theme: Theme
    first: date
    last: date
    persons: Sequence[int]
    name: str
    done: int
    """How many of them, from the first on, have a report."""


def write(writer: Writer) -> None:
    """The counted activities, and those behind the attendances that are counted."""
    for entry in ("B06", "C13", "C23", "C24", "C25", "E18"):
        for series in _counted(entry):
            _write(writer, series)
    attended = facts.entry("B08")["value"]
    _write(writer, _series("B07", split(attended, facts.entry("B07")["value"], seeded("B08"))))
    _write(writer, _series("E05", split(facts.entry("E05")["value"], CLASSES, seeded("E05"))))


def _counted(entry: str) -> list[Series]:
    """One series, or one a year for what counts each year."""
    query, value = facts.queries()[entry], facts.entry(entry)["value"]
    made = []
    for first, last in query.spans():
        name = entry if query.per is None else f"{entry}/{first.year}"
        persons = _persons(entry, value, seeded(f"{name}/persons"))
        series = _series(entry, persons)._replace(first=first, last=last, name=name)
        made.append(series if last == query.last else series._replace(done=value))
    return made


def _series(entry: str, persons: Sequence[int]) -> Series:
    query = facts.queries()[entry]
    return Series(
        entry, query.bureau, query.forms, query.theme or Theme.GENERAL, query.first, query.last, persons,
        entry, len(persons) - OPEN.get(entry, 0),
    )  # fmt: skip


def _persons(entry: str, count: int, random: Random) -> list[int]:
    low, high = facts.texts(entry)["persons"]
    return [random.randint(low, high) for _ in range(count)]


def _write(writer: Writer, series: Series) -> None:
    random, told = seeded(series.name), Counter[str]()
    for number, day in enumerate(days(series.first, series.last, len(series.persons), random)):
        one(writer, series, number, day, random, told)


def one(writer: Writer, series: Series, number: int, day: date, random: Random, told: Counter[str]) -> None:
    """Planned some days before, held, and reported some days later, or still open."""
    plan, hours = _plan(series, day, random, told), _hours(series, random)
    key = f"{series.name}/{number + 1:04}"
    stream = writer.stream(f"{key}/plan", series.log)
    before = max(series.first, day - timedelta(days=random.randint(4, _LEAD - 2)))
    writer.order(f"{key}/plan", series.log, at(before, random.randint(9, 11), random.randint(0, 59)), plan)
    held = Hold(stream=stream, day=day, persons=series.persons[number], hours=hours)
    writer.order(f"{key}/hold", series.log, at(day, random.randint(16, 18), random.randint(0, 59)), held)
    if number < series.done:
        later = day + timedelta(days=random.randint(1, _TAIL - 2))
        moment = at(later, random.randint(9, 15), random.randint(0, 59))
        writer.order(f"{key}/report", series.log, moment, Report(stream=stream, day=later))


def _plan(series: Series, day: date, random: Random, told: Counter[str]) -> Plan:
    texts, form = facts.texts(series.entry), random.choice(series.forms)
    division, where = random.choice(texts["places"])
    heading = f"{random.choice(_topics(texts, day))}{random.choice(texts['forms'][form.value])}"
    told[f"{heading}{where}"] += 1
    title = f"{heading}({where}第{told[f'{heading}{where}']}场){MADE_UP}"
    return Plan(
        title=title, form=form, theme=series.theme, starts=day, ends=day,
        place=Place(division=division, name=where), insured=form in _TRAVEL,
    )  # fmt: skip


def _topics(texts: Mapping[str, Any], day: date) -> list[str]:
    begun = [month for month in texts["topics"] if facts.first_day(month) <= day]
    found: list[str] = texts["topics"][max(begun)]
    return found


def _hours(series: Series, random: Random) -> int:
    low, high = facts.texts(series.entry)["hours"]
    return random.randint(low, high)


def days(first: date, last: date, count: int, random: Random) -> list[date]:
    """Working days, as even over the period as chance allows, in order."""
    start, span = first + timedelta(days=_LEAD), (last - first).days - _LEAD - _TAIL
    offsets = (int((number + random.random()) * span / count) for number in range(count))
    return sorted(_workday(start + timedelta(days=offset)) for offset in offsets)


def _workday(day: date) -> date:
    """The day, or the working day before it; there is always one within a fortnight."""
    return next(d for d in (day - timedelta(days=n) for n in range(15)) if workdays.is_workday(d))
