"""Activities on pages: their list, their facts, and what may be done at each stage."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from events.activity import ActivityReported, Form, Theme
from projections import activity as model
from services.bureau import activity as commands
from services.gateway import shown
from services.gateway.things import Column, Filter, Kind, Stage, Thing
from services.gateway.view import View
from services.runtime.database import Connection

STAGES = {
    "planned": Stage("已计划", "planned"),
    "published": Stage("已发布", "published", "wait"),
    "held": Stage("已举办，待总结", "held, report due", "wait"),
    "reported": Stage("已总结", "reported", "good"),
    "cancelled": Stage("已取消", "cancelled", "bad"),
}


def rows(conn: Connection, conditions: Mapping[str, Any], limit: int, after: Any) -> Sequence[model.Row]:
    return model.activities(conn, model.Chosen(**conditions), limit=limit, after=after)


def facts(thing: Thing, view: View) -> list[tuple[str, shown.Cell]]:
    activity = thing.state
    held, report = activity.held, thing.latest(ActivityReported)
    return [
        (view.t("主办单位", "planned by"), shown.plain(view.bureau(thing.bureau))),
        *shown.fields(activity.plan, view, without={"title"}),
        *([(view.t("举办情况", "held"), shown.joined(_held(held, view), ","))] if held else []),
        *([(view.t("总结提交日期", "reported"), view.cell(report.day))] if report else []),
    ]


def _held(held: Any, view: View) -> list[shown.Cell]:
    counted = view.t(f"{held.persons}人参加", f"{held.persons} people")
    hours = [shown.plain(view.t(f"{held.hours}小时", f"{held.hours} hours"))] if held.hours else []
    return [view.cell(held.day), shown.plain(counted), *hours]


def _options(choice: type[Form] | type[Theme]) -> Any:
    return lambda view: [(c.value, c.label(view.lang)) for c in choice]


def _when(row: model.Row) -> date | None:
    return row.day or row.starts


ACTIVITY = Kind(
    "activity", "activity", "活动", "activity", model.MODEL, rows, TypeAdapter(tuple[date, str, str]),
    columns=(
        Column("日期", "day", lambda r, v: v.cell(_when(r))),
        Column("活动", "activity", lambda r, v: shown.link(r.title or r.stream[:8], f"/activity/activity/{r.log}/{r.stream}")),
        Column("形式", "form", lambda r, v: shown.plain(Form(r.form).label(v.lang) if r.form else "")),
        Column("主办单位", "planned by", lambda r, v: shown.plain(v.bureau(r.bureau))),
        Column("联办单位", "co-hosts", lambda r, v: v.cell(r.cohosts, "cohosts")),
        Column("人数", "people", lambda r, v: v.cell(r.persons)),
        Column("状态", "stage", lambda r, v: v.stage(ACTIVITY, r.stage)),
    ),
    filters=(
        Filter("bureau", "单位(主办或联办)", "bureau (planner or co-host)", lambda v: v.bureaus()),
        Filter("stage", "状态", "stage", lambda v: [(n, v.t(s.zh, s.en)) for n, s in STAGES.items()]),
        Filter("form", "形式", "form", _options(Form)),
        Filter("theme", "主题", "theme", _options(Theme)),
        Filter("first", "从", "from"),
        Filter("last", "到", "to"),
    ),
    stages=STAGES, facts=facts, begin=(commands.Plan,),
    steps={
        "planned": (commands.Publish, commands.Change, commands.StateSignUp, commands.Hold, commands.Cancel),
        "published": (commands.Hold, commands.StateSignUp, commands.Publish, commands.Change, commands.Cancel),
        "held": (commands.Report,),
    },
    answers=(commands.Confirm, commands.Decline, commands.Return),
    after={"confirmed": (commands.StateOurSignUp,)},
    empty=("还没有活动。点「计划活动」登记第一项。", "No activity yet: press “Plan an activity”."),
)  # fmt: skip
KINDS = (ACTIVITY,)
