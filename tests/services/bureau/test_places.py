"""A division that is named in a command exists; what was recorded stands when the table changes."""

from typing import Any

import pytest

from events import divisions, errors
from events.activity import ActivityPlanned, Form
from events.values import OutsideParty, PartyKind, Place, Reason, Why
from services.bureau import activity, records, tasks
from tests.services.bureau.province import Province, day
from tests.services.bureau.test_cooperation import HOME, proposal


def plan(division: str, starts: str = "2026-05-01", **more: Any) -> activity.Plan:
    return activity.Plan(
        title="联合研学", form=Form.FIELD_STUDY, starts=day(starts), ends=day(starts),
        place=Place(division=division), **more,
    )  # fmt: skip


@pytest.mark.parametrize("division", ["999999", "500199", "999999001", "500157"])
def test_a_place_where_there_is_none_is_refused_with_its_field(province: Province, division: str) -> None:
    # 500157 was not yet there on the day, and is not there on the day of the command either
    province.now = province.now.replace(year=2025)
    with pytest.raises(errors.Invalid) as refused:
        province.do(HOME, plan(division, "2025-05-01"))
    assert refused.value.field == "place.division"
    assert division not in refused.value.message


@pytest.mark.parametrize(
    ("division", "starts"),
    [
        ("500116", "2026-05-01"),
        ("500116001", "2026-05-01"),
        ("500116001002", "2026-05-01"),
        ("500157", "2026-05-01"),
        ("500105", "2025-05-01"),
    ],
)
def test_a_division_counts_that_is_there_now_or_was_that_day(
    province: Province, division: str, starts: str
) -> None:
    assert province.do(HOME, plan(division, starts)).position == 1


def test_codes_inside_of_other_values_are_looked_at_too(province: Province) -> None:
    stranger = OutsideParty(name="某协会", kind=PartyKind.ASSOCIATION, division="999999")
    for command, field in (
        (plan("500116", outside=(stranger,)), "outside.0.division"),
        (proposal(parties=("510300", "999999")), "parties.1"),
        (tasks.SetTask(title="联合体检", owner="999999", due=day("2026-06-01")), "owner"),
    ):
        with pytest.raises(errors.Invalid) as refused:
            province.do(HOME, command)
        assert refused.value.field == field


def test_a_correction_names_no_made_up_place_either(province: Province) -> None:
    planned = province.do(HOME, plan("500116"))
    correct = records.Correct(
        aggregate="activity", stream=province.stream(planned), position=planned.position,
        reason=Why(code=Reason.TYPING), payload={"place": {"division": "999999"}},
    )  # fmt: skip
    with pytest.raises(errors.Invalid, match="no such division"):
        province.do(HOME, correct)


def test_what_is_recorded_stands_when_the_table_changes(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an activity in a division that a later table does not hold
    planned = province.do(HOME, plan("500116"))
    without = {code: row for code, row in divisions.table().items() if code != "500116"}
    monkeypatch.setattr(divisions, "table", lambda: without)
    # then it is read, and goes on
    stream = province.stream(planned)
    assert isinstance(province.history(HOME, stream)[0].data, ActivityPlanned)
    assert province.do(HOME, activity.StateSignUp(stream=stream, persons=3)).position > planned.position
