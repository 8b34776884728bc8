"""Figures, and how they are come by: what is ours and its limit take turns, and the median of each counts."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

Part = Callable[[], float]
"""Does a piece of work and gives its rate: events a second."""


class Figure(NamedTuple):
    """A measured rate (events/s; of `visible-…` milliseconds) beside its limit of the same run, same unit."""

    name: str
    rate: float
    limit: str
    limit_rate: float

    @property
    def ratio(self) -> float:
        """Ours as a multiple of the limit: of rates high is good, of milliseconds low."""
        return self.rate / self.limit_rate if self.limit_rate else 0.0


@dataclass
class Contest:
    """One figure's rounds."""

    name: str
    limit: str
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def round(self, ours: Part, limit: Part) -> None:
        """One turn each; who begins alternates, so that neither always finds the machine warm."""
        if len(self.ours) % 2:
            self.theirs.append(limit())
            self.ours.append(ours())
        else:
            self.ours.append(ours())
            self.theirs.append(limit())

    def figure(self) -> Figure:
        """The medians."""
        return Figure(self.name, median(self.ours), self.limit, median(self.theirs))


def rate(count: int, work: Callable[[], object]) -> float:
    """Events a second of work that handles `count` of them."""
    begin = time.perf_counter()
    work()
    return count / (time.perf_counter() - begin)


def percentile(values: Iterable[float], percent: int) -> float:
    """The smallest of the values that so many percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
