"""What a check is given, and what it tells."""

from enum import StrEnum
from typing import NamedTuple

from events.alliance import Alliance
from services.runtime.clock import Clock
from services.runtime.settings import Settings


class Level(StrEnum):
    """Bad needs somebody now, a warning somebody soon."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


class Finding(NamedTuple):
    """What one check found; `remedy` is empty where all is good."""

    check: str
    level: Level
    detail: str
    remedy: str = ""


class Subject(NamedTuple):
    """The node that is looked over; the alliance document has it."""

    settings: Settings
    alliance: Alliance
    now: Clock

    @property
    def own(self) -> list[str]:
        """The logs it writes."""
        return sorted(log.name for log in self.alliance.logs_of(self.settings.name))

    @property
    def followed(self) -> list[str]:
        """The logs of others that it receives."""
        own = set(self.own)
        return sorted(x for x in self.alliance.logs if x not in own and self.settings.follows(x))


def good(check: str, detail: str) -> Finding:
    """All is well."""
    return Finding(check, Level.GOOD, detail)


def warning(check: str, detail: str, remedy: str) -> Finding:
    """Somebody should look soon."""
    return Finding(check, Level.WARNING, detail, remedy)


def bad(check: str, detail: str, remedy: str) -> Finding:
    """Somebody must look now."""
    return Finding(check, Level.BAD, detail, remedy)
