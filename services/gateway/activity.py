"""Activities on pages: their list, what may be done at each stage, reports that fall due, figures."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from events.activity import Form, Theme
from projections import activity as model
from services.bureau import activity as commands
from services.bureau.commands import Command
from services.gateway import shown
from services.gateway.figures import Figure, year
from services.gateway.filters import BY_DAY, DAYS, TITLE, flags, yes_no
from services.gateway.things import Column, Filter, Kind, Stage, Thing
from services.gateway.view import View
from services.gateway.waiting import Duty
from services.runtime.database import Connection

STAGES = {
    "planned": Stage("已计划", "planned"),
    "published": Stage("已发布", "published", "wait"),
    "held": Stage("已举办，待总结", "held, report due", "wait"),
    "reported": Stage("已总结", "reported", "good"),
    "cancelled": Stage("已取消", "cancelled", "bad"),
}


def rows(
    conn: Connection, asked: Mapping[str, Any], _today: date, limit: int, after: Any
) -> Sequence[model.Row]:
    return model.activities(conn, model.Chosen(**flags(asked, "held")), limit=limit, after=after)


def values(thing: Thing, command: type[Command], _view: View) -> Mapping[str, Any] | None:
    """A co-host's sign-up is of use until the activity is held."""
    return None if command is commands.StateOurSignUp and thing.stage != "published" else {}


ACTIVITY: Kind = Kind(
    "activity",
    "activity",
    "活动",
    "activity",
    model.MODEL,
    rows,
    BY_DAY,
    columns=(
        Column("日期", "day", lambda r, v: v.cell(r.day or r.starts)),
        Column("活动", "activity", lambda r, v: v.link(ACTIVITY, r)),
        Column("形式", "form", lambda r, v: v.choice(Form, r.form)),
        Column("主办单位", "planned by", lambda r, v: shown.plain(v.bureau(r.bureau))),
        Column("联办单位", "co-hosts", lambda r, v: v.cell(r.cohosts, "cohosts")),
        Column("人数", "people", lambda r, v: v.cell(r.persons)),
        Column("状态", "stage", lambda r, v: v.stage(ACTIVITY, r.stage)),
    ),
    filters=(
        Filter("bureau", "单位（主办或联办）", "bureau (planner or co-host)", lambda v: v.bureaus()),
        Filter("stage", "状态", "stage", lambda v: v.stages(STAGES)),
        Filter("held", "已举办", "held", yes_no),
        Filter("form", "形式", "form", lambda v: v.choices(Form)),
        Filter("theme", "主题", "theme", lambda v: v.choices(Theme)),
        *DAYS,
        TITLE,
    ),
    stages=STAGES,
    begin=(commands.Plan,),
    steps={
        "planned": (commands.Publish, commands.Change, commands.StateSignUp, commands.Hold, commands.Cancel),
        "published": (
            commands.Hold,
            commands.StateSignUp,
            commands.Publish,
            commands.Change,
            commands.Cancel,
        ),
        "held": (commands.Report,),
    },
    answers=(commands.Confirm, commands.Decline, commands.Return),
    answered_in=("cohost",),
    after={"confirmed": (commands.StateOurSignUp,)},
    values=values,
    empty=(
        "还没有活动。选好身份后点「计划活动」登记第一项。",
        "No activity yet: choose who acts and plan the first.",
    ),
)
KINDS = (ACTIVITY,)


def duties(view: View, bureau: str) -> list[Duty]:
    """Reports on activities that were held."""
    with view.site.reading(model.MODEL) as conn:
        found = model.due_reports(conn, bureau)
    what = view.t("提交活动总结", "report on the activity")
    return [
        Duty(
            what, r.title or "", view.path(ACTIVITY, r), bureau, r.report_due, r.report_due < view.today,
            commands.Report, {"stream": r.stream},
        )
        for r in found
        if r.report_due
    ]  # fmt: skip


def figures(view: View, bureau: str | None) -> list[Figure]:
    """Activities held and person-times, this year and in all."""
    first, last = year(view.today)
    with view.reading(model.MODEL) as conn:
        total = model.total(conn, model.Chosen(bureau=bureau, first=first, last=last))
        ever = model.total(conn, model.Chosen(bureau=bureau))
    path = ACTIVITY.path
    in_all = {"bureau": bureau, "held": "true"}
    asked = {**in_all, "first": first, "last": last}
    return [
        Figure("今年举办活动", "activities held this year", total.activities, path, asked),
        Figure("今年参加人次", "person-times this year", total.persons, path, asked),
        Figure("累计举办活动", "activities held in all", ever.activities, path, in_all),
        Figure("累计参加人次", "person-times in all", ever.persons, path, in_all),
    ]
