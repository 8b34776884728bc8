"""Every total of the three contexts has one query, and no two queries count the same."""

from itertools import combinations

import pytest

from services.demo import facts
from services.demo.facts import Query


def totals() -> dict[str, int]:
    return {
        name: entry["value"]
        for name, entry in facts.entries().items()
        if entry["kind"] == "total" and entry["context"] in facts.CONTEXTS
    }


def test_every_total_of_the_three_contexts_names_its_query() -> None:
    assert sorted(facts.queries()) == sorted(totals())
    assert all(facts.queries()[name].context == facts.entry(name)["context"] for name in totals())


def test_the_queries_ask_the_bureau_and_the_period_of_the_seed() -> None:
    for name, query in facts.queries().items():
        assert (query.bureau, query.first, query.last) == (facts.entry(name)["bureau"], *facts.period(name))


def test_the_counted_activities_are_4106() -> None:
    counted = {name: q for name, q in facts.queries().items() if q.measure == "activities"}
    assert sum(totals()[name] * len(query.spans()) for name, query in counted.items()) == 4106


@pytest.mark.parametrize("measure", ["activities", "persons", "dispatches", "projects", "strength"])
def test_no_two_queries_of_a_measure_overlap(measure: str) -> None:
    asked = [query for query in facts.queries().values() if query.measure == measure]
    assert not [pair for pair in combinations(asked, 2) if overlap(*pair)]


def overlap(one: Query, other: Query) -> bool:
    return (
        one.bureau == other.bureau
        and one.first <= other.last
        and other.first <= one.last
        and (one.theme, one.tier, one.purpose) == (other.theme, other.tier, other.purpose)
        and (not one.forms or bool(set(one.forms) & set(other.forms)))
    )
