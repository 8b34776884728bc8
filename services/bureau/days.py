"""When a fact can have happened: asked of what a command records, and of what a correction makes of it."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from events import activity, errors, experts, meetings, talent, tasks
from events.event import Event

EARLY = timedelta(days=31)
"""So long before the planned day something may be held or begin, without the plan being changed first."""


def check(event: Event, state: Any, today: date) -> None:
    """Whether the day that a fact states is today or before, and not before what it follows.

    `state` is that of its stream. Raises Invalid.
    """
    if type(event) not in _SINCE:
        return
    day, first = event.day, _SINCE[type(event)](state)  # type: ignore[attr-defined]  # each in the list has one
    if day > today:
        raise errors.Invalid("day: lies in the future; record it when it has happened", field="day")
    if first is not None and day < first:
        raise errors.Invalid(f"day: lies before {first}; check it, or change the plan first", field="day")


def _never(_: Any) -> None:
    """No day is too early."""


def _planned(found: activity.Activity) -> date:
    return found.plan.starts - EARLY


def _held(found: activity.Activity) -> date | None:
    return found.held.day if found.held else None


def _called(found: meetings.Meeting) -> date:
    return found.call.day - EARLY


def _offered(found: talent.Dispatch) -> date:
    return found.offer.starts - EARLY


def _served(found: talent.Dispatch) -> date | None:
    return max((day for day, _ in found.halves), default=found.started)


_SINCE: dict[type[Event], Callable[[Any], date | None]] = {
    activity.ActivityHeld: _planned,
    activity.ActivityReported: _held,
    experts.PoolStrengthStated: _never,
    meetings.MeetingHeld: _called,
    talent.DispatchConfirmedOutside: _never,
    talent.DispatchStarted: _offered,
    talent.DispatchServiceDayLogged: _never,
    talent.DispatchEndedEarly: _served,
    talent.DispatchCompleted: _served,
    tasks.TaskDone: _never,
    tasks.UndertakingDone: _never,
    tasks.ProjectIntroduced: _never,
    tasks.ProjectEnded: _never,
}
"""The facts whose `day` has passed, each with the first day that it can be."""
