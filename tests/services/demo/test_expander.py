"""The script is the same at every call, keeps the seed's periods, and marks what it made up."""

import pytest

from events import errors
from services.bureau.activity import Plan
from services.bureau.cooperation import Propose
from services.demo import documents, expander, facts
from services.demo.script import MADE_UP, Script, Writer, at, seeded, split
from services.runtime.clock import local


@pytest.fixture(scope="module")
def script() -> Script:
    return expander.expand(documents.NAME)


def test_expanding_twice_gives_the_same_orders_and_texts(script: Script) -> None:
    again = expander.expand(documents.NAME)
    assert again.steps == script.steps
    assert again.papers == script.papers
    # and they are compared by what will be signed, not only by equality
    bodies = [s.order.digest() for log in sorted(script.steps) for s in script.steps[log]]
    assert bodies == [s.order.digest() for log in sorted(again.steps) for s in again.steps[log]]


def test_it_becomes_about_14_thousand_events_in_known_logs(script: Script) -> None:
    assert 13_500 < sum(script.ends().values()) < 15_500
    assert set(script.ends()) <= {bureau["code"] for bureau in facts.bureaus()}


def test_positions_follow_one_another_and_times_never_go_back(script: Script) -> None:
    for steps in script.steps.values():
        due = 1
        for step in steps:
            assert step.position == due
            due += step.events
        times = [step.order.at for step in steps if step.order.at is not None]
        assert times == sorted(times)
        assert len(times) == len(steps)


def test_every_order_is_given_in_the_period_of_its_entry(script: Script) -> None:
    for steps in script.steps.values():
        for step in steps:
            entry = step.order.key.split("/")[1]
            first, last = facts.period(entry)
            assert step.order.at is not None
            assert first <= local(step.order.at).date() <= last, step.order.key


def test_every_entry_of_the_three_contexts_becomes_orders(script: Script) -> None:
    wanted = {name for name, entry in facts.entries().items() if entry["context"] in facts.CONTEXTS}
    keys = {step.order.key.split("/")[1] for steps in script.steps.values() for step in steps}
    # the attendances of B08 are those of B07's activities; A14's principles are tasks beside A13's
    assert wanted - keys == {"B08", "A14"}


def test_titles_that_no_document_gives_are_marked(script: Script) -> None:
    said = {entry.get("title_zh") for entry in facts.entries().values()}
    for steps in script.steps.values():
        for step in steps:
            match step.order.command:
                case Plan(title=title) if "经济圈" not in title:
                    assert MADE_UP in title
                case Propose(title=title) if step.order.key.split("/")[1] in {"A03", "A06", "A12"}:
                    assert MADE_UP in title
                    assert title not in said


def test_an_order_before_what_it_rests_on_is_refused() -> None:
    # given an order that is said to rest on a later one
    writer = Writer("chuanyu")
    plan = next(s.order.command for s in expander.expand("chuanyu").steps["500236"])
    later = writer.order("x/1", "500236", at(facts.first_day("2024-05"), 9), plan)
    writer.order("x/2", "510100", at(facts.first_day("2024-04"), 9), plan, after=[later])
    # then the script does not come about
    with pytest.raises(errors.Invalid, match="on which it rests"):
        writer.script()


@pytest.mark.parametrize(("total", "parts"), [(8200, 255), (15000, 100), (7, 7), (157, 3)])
def test_a_split_adds_up_exactly(total: int, parts: int) -> None:
    found = split(total, parts, seeded("test"))
    assert (sum(found), len(found), min(found) >= 1) == (total, parts, True)
