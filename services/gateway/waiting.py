"""What waits for a bureau: questions of others, answers that came, drafts, own duties that fall due."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, TypeAlias

from events import errors
from projections import inbox
from services.bureau.case import Officer
from services.gateway.site import Site

if TYPE_CHECKING:
    from services.gateway.view import View


@dataclass(frozen=True)
class Duty:
    """Something of the bureau's own that falls due by itself; `what` is the step, `title` its thing's."""

    what: str
    title: str
    path: str
    due: date
    overdue: bool


Duties: TypeAlias = Callable[["View", str | None], list[Duty]]
"""The duties of one bureau, or of all, the most urgent first."""


def count(site: Site, officer: Officer) -> int:
    """How many things wait for the bureau; 0 while the database is away."""
    try:
        with site.reading(inbox.MODEL) as conn:
            asked = inbox.waiting_for(conn, officer.bureau, site.today())
            came = inbox.arrived(conn, officer.bureau)
        return len(asked) + len(came) + len(site.desk.waiting(site.log_of(officer.bureau)))
    except errors.YinqiaoError:
        return 0
