"""A filled form means exactly one body, and a body fills the form again."""

import pytest

from services.bureau import activity, cooperation, experts, registry, talent
from services.bureau.commands import Command
from services.gateway import forms


@pytest.mark.parametrize("kind", registry.COMMANDS, ids=lambda kind: f"{kind.context}/{kind.name}")
def test_every_command_has_a_form_whose_controls_are_known(kind: type[Command]) -> None:
    known = {
        "text",
        "number",
        "yuan",
        "date",
        "check",
        "agree",
        "choice",
        "choices",
        "bureau",
        "bureaus",
        "division",
        "file",
        "hidden",
        "group",
        "rows",
        "picks",
        "positions",
    }

    def walk(controls: tuple[forms.Field, ...]) -> None:
        for control in controls:
            assert control.kind in known, control
            walk(control.fields)

    walk(forms.fields(kind))


PLAN = {
    "title": "讲座",
    "form": "lecture",
    "theme": "general",
    "starts": "2025-03-01",
    "ends": "2025-03-01",
    "place": {"division": "500116", "name": "老年大学"},
    "quota": 30,
    "insured": True,
    "outside": [
        {"name": "江津区老年体协", "kind": "association"},
        {
            "name": "西南大学",
            "kind": "university",
            "letter": {
                "algorithm": "hmac-sha256",
                "digest": "A" * 43 + "=",
                "size": 10,
                "mediatype": "application/pdf",
            },
        },
    ],
    "cost": {"fen": 123_450, "source": "budget"},
}


def test_a_body_fills_a_form_that_means_the_body() -> None:
    filled = forms.filled(forms.fields(activity.Plan), PLAN)
    assert filled["cost.fen"] == ["1234.50"]
    assert forms.body(activity.Plan, filled) == PLAN


def test_what_is_left_empty_is_left_out_so_that_defaults_hold() -> None:
    filled = {"title": ["讲座"], "quota": [""], "outside.0.name": [""], "cost.fen": [" "], "paper.date": [""]}
    assert forms.body(activity.Plan, filled) == {"title": "讲座", "insured": False}


def test_rows_may_have_holes_and_are_counted_to_an_end() -> None:
    filled = {f"outside.{n}.name": [f"单位{n}"] for n in (0, 3, 7, *range(100, 200))}
    rows = forms.body(activity.Plan, filled)["outside"]
    assert [row["name"] for row in rows][:3] == ["单位0", "单位3", "单位7"]
    assert len(rows) == forms.ROWS


@pytest.mark.parametrize(
    ("text", "means"),
    [("12", 12), ("１２", 12), ("十二", "十二"), ("1e9", "1e9"), ("9" * 30, "9" * 30), (" 7 ", 7)],
)
def test_numbers_are_integers_or_left_for_the_command_to_refuse(text: str, means: object) -> None:
    assert forms.body(activity.Plan, {"quota": [text]})["quota"] == means


@pytest.mark.parametrize(
    ("text", "means"),
    [("0.1", 10), ("1,234.5", 123_450), ("0.001", "0.001"), ("NaN", "NaN"), ("1e400", "1e400"), ("-1", -100)],
)
def test_yuan_become_fen(text: str, means: object) -> None:
    assert forms.body(activity.Plan, {"cost.fen": [text]})["cost"]["fen"] == means


def test_texts_are_composed_as_people_mean_them() -> None:
    assert forms.body(activity.Plan, {"title": ["  Cafe\u0301 "]})["title"] == "Café"


def test_what_cannot_be_typed_is_hidden_or_picked() -> None:
    kinds = {control.name: control.kind for control in forms.fields(talent.Offer)}
    assert kinds["need"] == kinds["need_log"] == "hidden"
    assert kinds["experts"] == "picks"
    assert "batch" not in kinds
    assert {c.name: c.kind for c in forms.fields(cooperation.Sign)}["text"] == "hidden"
    assert {c.name: c.kind for c in forms.fields(experts.ShareExpert)}["agreed"] == "agree"
