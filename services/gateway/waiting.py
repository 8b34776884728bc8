"""What waits for a bureau: questions of others, answers that came, drafts, own duties that fall due."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode

from events import errors
from projections import inbox
from services.bureau.commands import Command

if TYPE_CHECKING:
    from services.gateway.view import View


@dataclass(frozen=True)
class Duty:
    """A step that waits for `owner`, a bureau; `what` is the step, `title` its thing's, `path` its page.

    `command` takes the step, with the `values` that are known.
    """

    what: str
    title: str
    path: str
    owner: str
    due: date
    overdue: bool
    command: type[Command] | None = None
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def form(self) -> str:
        """The address of the form that takes the step, or else of the page."""
        if self.command is None:
            return self.path
        return f"/forms/{self.command.context}/{self.command.name}?{urlencode(self.values)}"

    def document(self) -> dict[str, Any]:
        """As the API gives it."""
        command = f"{self.command.context}/{self.command.name}" if self.command else None
        said = {"what": self.what, "title": self.title, "path": self.path, "command": command}
        return said | {"form": self.form, "owner": self.owner, "due": self.due, "overdue": self.overdue}


Duties: TypeAlias = Callable[["View", str], list[Duty]]
"""The duties of one bureau."""


def duties(view: "View", bureau: str) -> list[Duty]:
    """Steps that wait for a bureau without anybody's question, of all contexts, the most urgent first."""
    from services.gateway import kinds  # (made of what says what falls due)

    found = [duty for made in kinds.DUTIES for duty in made(view, bureau)]
    return sorted(found, key=lambda duty: (duty.due, duty.path))


def count(view: "View", bureau: str) -> int:
    """How many things wait for the acting bureau; 0 while the database is away."""
    site = view.site
    try:
        with site.reading(inbox.MODEL) as conn:
            asked = inbox.waiting_for(conn, bureau, view.today)
            came = inbox.arrived(conn, bureau)
        drafts = site.desk.waiting(site.log_of(bureau))
        return len(asked) + len(came) + len(drafts) + len(view.duties)
    except errors.YinqiaoError:
        return 0
