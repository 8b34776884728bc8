"""The talent pool on pages: shared experts, the pyramid of strengths, stated satisfaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from events.experts import Tier
from events.talent import DispatchOffered
from events.values import Expertise, Log, Position
from projections import experts
from projections import talent as model
from services.bureau import experts as commands
from services.bureau.commands import Command
from services.bureau.talent import Offer
from services.gateway import cursors, shown
from services.gateway.filters import BUREAU, DAYS, FIELD, yes_no
from services.gateway.forms import Filled
from services.gateway.shown import Cell
from services.gateway.things import Column, Filter, Kind, Option, Stage, Thing
from services.gateway.view import View
from services.runtime.database import Connection

EXPERT_STAGES = {
    "shared": Stage("已共享", "shared", "good"),
    "withdrawn": Stage("已停止共享", "withdrawn"),
}


def expert_rows(
    conn: Connection, asked: Mapping[str, Any], today: date, limit: int, after: Any
) -> Sequence[Any]:
    flags = {name: asked[name] == "true" for name in ("may_be_offered", "withdrawn") if name in asked}
    return experts.experts(conn, experts.Chosen(**{**asked, **flags}), today, limit=limit, after=after)


def expert_values(thing: Thing, command: type[Command], view: View) -> Mapping[str, Any] | None:
    """Who needs clearance and has none cannot be offered."""
    if command is Offer:
        known = {"experts": [thing.stream], "field": thing.state.fields[0].value}
        return known if thing.state.may_be_offered(view.today) else None
    if command is commands.Clear and not thing.state.needs_clearance:
        return None
    return {}


def clearance(thing: Thing, view: View) -> list[tuple[str, Cell]]:
    """Whether the expert may be offered today, and why not."""
    if thing.state is None:
        return []
    ok = thing.state.may_be_offered(view.today)
    return [
        (
            view.t("可否选派", "may be offered"),
            blocked(None if ok else "needs-clearance" if thing.stage == "shared" else "withdrawn", view),
        )
    ]


def blocked(why: str | None, view: View) -> Cell:
    match why:
        case "needs-clearance":
            return shown.chip(view.t("任职须经审批，尚不能选派", "needs clearance first"), "bad")
        case "withdrawn":
            return shown.chip(view.t("已停止共享", "withdrawn"), "bad")
    return shown.chip(view.t("可以选派", "may be offered"), "good")


def offered(thing: Thing, view: View) -> str | None:
    """What a dispatch is called: its expert's speciality when it was offered, and what it is for."""
    offer = thing.latest(DispatchOffered)
    there = offer and view.record((offer.expert.log, offer.expert.position))
    if offer is None or there is None:
        return None
    shared: Any = there.data
    return shown.aside(shared.speciality, offer.purpose.label(view.lang), view.lang)


def called(speciality: str, position: int, lang: str) -> str:
    """An expert without a name: what they are good at, and the number under which they were shared."""
    return shown.aside(speciality, f"专家{position}号" if lang == "zh" else f"expert no. {position}", lang)


def title(thing: Thing, view: View) -> str | None:
    speciality = thing.payload.get("speciality")
    return called(speciality, thing.records[0].position, view.lang) if speciality else None


EXPERT: Kind = Kind(
    "expert",
    "talent",
    "共享专家",
    "shared experts",
    model.MODEL,
    expert_rows,
    TypeAdapter(tuple[Log, Position]),
    columns=(
        Column("专长", "speciality", lambda r, v: v.link(EXPERT, r, r.speciality)),
        Column("编号", "number", lambda r, v: shown.whole(v.t(f"{r.position}号", f"no. {r.position}"))),
        Column("单位", "bureau", lambda r, v: shown.plain(v.bureau(r.bureau))),
        Column(
            "领域",
            "fields",
            lambda r, v: shown.joined((v.choice(Expertise, f) for f in r.fields), v.t("、", ", ")),
        ),
        Column("层级", "tier", lambda r, v: v.choice(Tier, r.tier)),
        Column("在外服务", "serving", lambda r, v: v.cell(r.serving)),
        Column("可否选派", "may be offered", lambda r, v: blocked(r.blocked, v)),
    ),
    filters=(
        BUREAU,
        FIELD,
        Filter("tier", "层级", "tier", lambda v: v.choices(Tier)),
        Filter("may_be_offered", "可以选派", "may be offered", yes_no),
        Filter("withdrawn", "含停止共享", "withdrawn ones too", yes_no),
        Filter("speciality", "专长含", "speciality holds", typed="text"),
    ),
    stages=EXPERT_STAGES,
    begin=(commands.ShareExpert,),
    steps={"shared": (Offer, commands.Clear, commands.ChangeProfile, commands.WithdrawExpert)},
    values=expert_values,
    facts=clearance,
    title=title,
    empty=("还没有共享专家。本人同意后点「共享专家」。", "No expert is shared yet: share one who agreed."),
)


@dataclass(frozen=True)
class Stated(experts.Strength):
    """One line of the pyramid, numbered for paging."""

    number: int

    @property
    def cursor(self) -> tuple[int]:
        return (self.number,)


def pyramid(
    conn: Connection, asked: Mapping[str, Any], today: date, limit: int, after: Any
) -> Sequence[Stated]:
    begin = after[0] + 1 if after else 0
    found = experts.pyramid(conn, today, asked.get("bureau"))
    lines = [
        Stated(**vars(s), number=n)
        for n, s in enumerate(found)
        if asked.get("field") in {None, s.field} and asked.get("tier") in {None, s.tier}
    ]
    return [line for line in lines if line.number >= begin][:limit]


POOL: Kind = Kind(
    "pool",
    "talent",
    "人才库",
    "talent pool",
    model.MODEL,
    pyramid,
    TypeAdapter(tuple[cursors.Number]),
    columns=(
        Column("单位", "bureau", lambda r, v: shown.plain(v.bureau(r.bureau))),
        Column("层级", "tier", lambda r, v: v.choice(Tier, r.tier)),
        Column("领域", "field", lambda r, v: v.choice(Expertise, r.field)),
        Column("人数", "people", lambda r, v: v.cell(r.persons)),
        Column("截至", "as of", lambda r, v: v.cell(r.day)),
        Column("期初数", "opening", lambda r, v: shown.plain(v.t("是", "yes") if r.opening else "")),
    ),
    filters=(BUREAU, FIELD, Filter("tier", "层级", "tier", lambda v: v.choices(Tier))),
    stages={},
    begin=(commands.StateStrength,),
    empty=("还没有填报。点「填报人才库人数」。", "Nothing stated yet."),
)


@dataclass(frozen=True)
class Marks:
    """A bureau's stated satisfaction over all periods."""

    bureau: str
    satisfied: int
    fair: int
    dissatisfied: int
    number: int

    @property
    def cursor(self) -> tuple[int]:
        return (self.number,)


def marks(
    conn: Connection, asked: Mapping[str, Any], _today: date, limit: int, after: Any
) -> Sequence[Marks]:
    begin = after[0] + 1 if after else 0
    hosts = [code for code in experts.stating(conn) if asked.get("bureau") in {None, code}]
    return [_marks(conn, asked, n, code) for n, code in enumerate(hosts) if n >= begin][:limit]


def _marks(conn: Connection, asked: Mapping[str, Any], number: int, bureau: str) -> Marks:
    found = experts.satisfaction(conn, asked.get("first"), asked.get("last"), bureau)
    return Marks(bureau, found.satisfied, found.fair, found.dissatisfied, number)


SATISFACTION: Kind = Kind(
    "satisfaction",
    "talent",
    "满意度",
    "satisfaction",
    model.MODEL,
    marks,
    TypeAdapter(tuple[cursors.Number]),
    columns=(
        Column("接收单位", "host", lambda r, v: shown.plain(v.bureau(r.bureau))),
        Column("满意", "satisfied", lambda r, v: v.cell(r.satisfied)),
        Column("基本满意", "fairly", lambda r, v: v.cell(r.fair)),
        Column("不满意", "not", lambda r, v: v.cell(r.dissatisfied)),
    ),
    filters=(BUREAU, *DAYS),
    stages={},
    begin=(commands.StateSatisfaction,),
    empty=("还没有填报。", "Nothing stated yet."),
)
KINDS = (EXPERT, POOL, SATISFACTION)


def own_experts(view: View, _filled: Filled) -> Sequence[Option]:
    """The acting bureau's shared experts; those without clearance cannot be picked, and it says why."""
    if view.officer is None:
        return []
    with view.site.reading(model.MODEL) as conn:
        found = experts.experts(conn, experts.Chosen(bureau=view.officer.bureau), view.today, limit=500)
    none = view.t("任职须经审批而尚未审批，不能选派", "needs clearance and has none: cannot be offered")
    return [
        Option(e.stream, called(e.speciality, e.position, view.lang), none if e.blocked else "")
        for e in found
    ]


OPTIONS = {"experts": own_experts}
