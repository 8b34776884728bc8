"""Figures are medians of rounds in which ours and the limit take turns."""

import pytest

from services.bench.harness import Contest, Figure, percentile, rate


def test_ours_and_the_limit_take_turns_and_alternate_who_begins() -> None:
    said: list[str] = []

    def part(name: str, value: float) -> float:
        said.append(name)
        return value

    contest = Contest("command", "save")
    for value in (10.0, 30.0, 20.0):
        contest.round(lambda: part("ours", value), lambda: part("limit", value * 2))  # noqa: B023  (called at once)
    assert said == ["ours", "limit", "limit", "ours", "ours", "limit"]
    assert contest.figure() == Figure("command", 20.0, "save", 40.0)


def test_the_ratio_is_ours_by_the_limit() -> None:
    assert Figure("project", 31_000, "runner", 1_500).ratio == pytest.approx(20.67, abs=0.01)


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert (percentile(values, 50), percentile(values, 99), percentile([7.0], 99)) == (50.0, 99.0, 7.0)


def test_a_rate_is_events_a_second() -> None:
    assert rate(1_000, lambda: None) > 1_000
