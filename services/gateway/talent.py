"""Talent on pages: needs and dispatches; experts, pool and satisfaction stand in `experts.py`."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from events import talent as events
from events.event import Event, Key, Record
from events.talent import Purpose
from events.values import Expertise
from projections import cooperation, dispatches
from projections import talent as model
from services.bureau import talent as commands
from services.bureau.commands import Command
from services.gateway import experts, shown
from services.gateway.figures import Figure, year
from services.gateway.filters import BY_DAY, DAYS, FIELD, TITLE
from services.gateway.shown import Cell
from services.gateway.things import Column, Filter, Kind, Stage, Table, Thing
from services.gateway.view import View
from services.gateway.waiting import Duty
from services.runtime import workdays
from services.runtime.database import Connection

RATING_DAYS = 10
"""Working days after a service in which its host rates it."""
NEED_STAGES = {
    "published": Stage("征集中", "published", "wait"),
    "closed": Stage("已关闭", "closed"),
}


def need_rows(
    conn: Connection, asked: Mapping[str, Any], today: date, limit: int, after: Any
) -> Sequence[Any]:
    return model.needs(conn, model.Chosen(**asked), today, limit=limit, after=after)


def need_values(thing: Thing, command: type[Command], view: View) -> Mapping[str, Any] | None:
    """What an offer takes over from the need; only those it turns to may offer."""
    if command is not commands.Offer:
        return {}
    need = thing.facts[0].data
    if not isinstance(need, events.NeedPublished) or (
        need.to and view.officer and view.officer.bureau not in need.to
    ):
        return None
    return {
        "need_log": thing.log,
        "need": thing.stream,
        "host": thing.bureau,
        "field": need.field.value,
        "service_days": need.days,
        "starts": need.starts,
        "ends": need.ends,
    }


NEED: Kind = Kind(
    "need",
    "talent",
    "需求",
    "needs",
    model.MODEL,
    need_rows,
    BY_DAY,
    columns=(
        Column("开始日期", "first day", lambda r, v: v.cell(r.starts)),
        Column("需求", "need", lambda r, v: v.link(NEED, r)),
        Column("单位", "bureau", lambda r, v: shown.plain(v.bureau(r.bureau))),
        Column("领域", "field", lambda r, v: v.choice(Expertise, r.field)),
        Column("人数", "people", lambda r, v: v.cell(r.persons)),
        Column("天数", "days", lambda r, v: v.cell(r.days)),
        Column("已推荐", "offered", lambda r, v: v.cell(r.offered)),
        Column("已接收", "accepted", lambda r, v: v.cell(r.accepted)),
        Column("答复截止", "reply by", lambda r, v: late(v.cell(r.reply_by), r.late, v)),
        Column("状态", "stage", lambda r, v: v.stage(NEED, r.stage)),
    ),
    filters=(
        Filter("bureau", "发布单位", "published by", lambda v: v.bureaus()),
        FIELD,
        Filter("for_bureau", "面向单位", "turned to", lambda v: v.bureaus()),
        Filter("stage", "状态", "stage", lambda v: v.stages(NEED_STAGES)),
        TITLE,
    ),
    stages=NEED_STAGES,
    begin=(commands.PublishNeed,),
    steps={"published": (commands.CloseNeed,)},
    others={"published": (commands.Offer,)},
    values=need_values,
    empty=(
        "还没有需求。点「发布需求」向伙伴单位征集专家。",
        "No need yet: publish one to ask partners for experts.",
    ),
)


def late(cell: Cell, is_late: bool, view: View) -> Cell:  # noqa: FBT001  (a column of the row)
    return shown.joined([cell, shown.chip(view.t("逾期", "overdue"), "bad")], " ") if is_late else cell


DISPATCH_STAGES = {
    "offered": Stage("待批准", "offered", "wait"),
    "approved": Stage("待接收", "waiting for the host", "wait"),
    "confirmed": Stage("外部单位已同意", "outside host agreed", "wait"),
    "started": Stage("服务中", "serving", "wait"),
    "completed": Stage("已完成", "completed", "good"),
    "ended-early": Stage("已提前结束", "ended early"),
    "withdrawn": Stage("已撤回", "withdrawn", "bad"),
    "expired": Stage("逾期终止", "expired", "bad"),
}


def board(conn: Connection, asked: Mapping[str, Any], today: date, limit: int, after: Any) -> Sequence[Any]:
    return dispatches.board(conn, dispatches.Chosen(**asked), today, limit=limit, after=after)


def dispatch_values(thing: Thing, command: type[Command], _view: View) -> Mapping[str, Any] | None:
    """Which commands make sense: the host's word, the days that wait for it, the end before the rating."""
    match command:
        case commands.ConfirmOutside:
            return {} if thing.state.one_sided else None
        case commands.Start:
            return {} if thing.stage == "confirmed" or any(_accepted(a.last) for a in thing.answers) else None
        case commands.ConfirmDays:
            days = unseen(thing)
            first = [r for r in days if (r.log, r.stream) == (days[0].log, days[0].stream)]
            where = {"log": days[0].log, "stream": days[0].stream} if days else {}
            return {**where, "positions": [r.position for r in first]} if days else None
        case commands.Rate:
            return {} if thing.stage in {"completed", "ended-early"} else None
    return {}


def _accepted(last: Any) -> bool:
    return last is not None and isinstance(last.data, events.AcceptanceAccepted)


def served(thing: Thing) -> list[Any]:
    return [r for r in thing.facts if isinstance(r.data, events.DispatchServiceDayLogged)]


def unseen(thing: Thing) -> list[Any]:
    """Service days that the host has neither confirmed nor questioned."""
    said = words(thing)
    return [r for r in served(thing) if r.key not in said]


def words(thing: Thing) -> dict[Key, str]:
    """The host's last word on each service day: confirmed or questioned."""
    found: dict[Key, str] = {}
    for record in (r for a in thing.answers for r in a.facts):
        if isinstance(record.data, (events.AcceptanceDayConfirmed, events.AcceptanceDayQuestioned)):
            confirmed = isinstance(record.data, events.AcceptanceDayConfirmed)
            day = record.data.day
            found[day.log, day.position] = "confirmed" if confirmed else "questioned"
    return found


def service_days(thing: Thing, view: View) -> list[Table]:
    """The days that the expert served, with the host's word on each."""
    if not served(thing):
        return []
    head = [view.t("日期", "day"), view.t("时段", "part"), view.t("接收单位意见", "the host's word"), ""]
    said = words(thing)
    rows = [
        [
            view.cell(r.data.day),
            view.cell(r.data.half),
            _word(said.get(r.key), thing, view),
            _question(thing, r, said, view),
        ]
        for r in served(thing)
    ]
    return [Table("服务日", "service days", head, rows)]


def _word(word: str | None, thing: Thing, view: View) -> Cell:
    """The host's word on a day; an outside host gives none here."""
    match word:
        case "confirmed":
            return shown.chip(view.t("已确认", "confirmed"), "good")
        case "questioned":
            return shown.chip(view.t("有疑问", "questioned"), "bad")
    if thing.state.one_sided:
        return shown.chip(view.t("单方登记", "recorded by one side"))
    return shown.chip(view.t("待确认", "waiting"), "wait")


def _question(thing: Thing, day: Record[Event], said: Mapping[Key, str], view: View) -> Cell:
    """Where the host may question a day that it has not confirmed."""
    bureau, host = view.officer.bureau if view.officer else "", thing.state.offer.host or ""
    if not bureau or thing.now(host) != bureau or said.get(day.key) == "confirmed":
        return shown.plain("")
    asked = f"log={day.log}&stream={day.stream}&position={day.position}"
    return shown.link(view.t("提出疑问", "question it"), f"/forms/talent/question-day?{asked}")


def service(thing: Thing, view: View) -> list[tuple[str, Cell]]:
    """How much was served and confirmed, and who else went in the same batch."""
    if thing.state is None:
        return []
    found = [(view.t("同批选派", "same batch"), cell) for cell in _batch(thing, view)]
    if logged := served(thing):
        said = words(thing)
        confirmed = [r for r in logged if said.get(r.key) == "confirmed"]
        found.append((view.t("累计服务", "served"), shown.plain(view.days(halves(logged)))))
        if not thing.state.one_sided:
            found.append(
                (view.t("其中接收单位认可", "of them confirmed"), shown.plain(view.days(halves(confirmed))))
            )
    return found


def halves(logged: Sequence[Any]) -> int:
    """Half-days of service days."""
    return sum(2 if r.data.half is events.Half.FULL else 1 for r in logged)


def _batch(thing: Thing, view: View) -> list[Cell]:
    """All dispatches of the batch, this one in words; none when it went alone."""
    batch = thing.state.offer.batch
    if batch is None:
        return []
    with view.site.reading(model.MODEL) as conn:
        rows = dispatches.board(
            conn, dispatches.Chosen(batch=batch, home=thing.bureau), view.today, limit=100
        )
    if len(rows) < 2:  # noqa: PLR2004  (itself alone)
        return []
    count = shown.plain(view.t(f"共{len(rows)}人：", f"{len(rows)} people: "))
    others = [_mate(row, thing, view) for row in sorted(rows, key=lambda r: r.stream != thing.stream)]
    return [shown.joined([count, shown.joined(others, view.t("、", ", "))], "")]


def _mate(row: dispatches.Dispatch, thing: Thing, view: View) -> Cell:
    name = row.speciality or Expertise(row.field).label(view.lang)
    if row.stream == thing.stream:
        return shown.plain(shown.aside(name, view.t("本次", "this one"), view.lang))
    return shown.link(name, view.path(DISPATCH, row))


def host(row: dispatches.Dispatch, view: View) -> Cell:
    if row.host:
        return shown.plain(view.bureau(row.host))
    return shown.joined([shown.plain(row.outside or ""), shown.chip(view.t("单方登记", "one side"))], " ")


DISPATCH: Kind = Kind(
    "dispatch",
    "talent",
    "选派",
    "dispatches",
    model.MODEL,
    board,
    BY_DAY,
    columns=(
        Column("开始日期", "first day", lambda r, v: v.cell(r.started or r.starts)),
        Column(
            "专家",
            "expert",
            lambda r, v: v.link(DISPATCH, r, r.speciality or Expertise(r.field).label(v.lang)),
        ),
        Column("派出单位", "home", lambda r, v: shown.plain(v.bureau(r.home))),
        Column("接收单位", "host", host),
        Column("事由", "purpose", lambda r, v: v.choice(Purpose, r.purpose)),
        Column("计划天数", "days", lambda r, v: v.cell(r.days)),
        Column("已服务", "served", lambda r, _: shown.plain(f"{r.served / 2:g}", number=True)),
        Column("已确认", "confirmed", lambda r, _: shown.plain(f"{r.confirmed / 2:g}", number=True)),
        Column("状态", "stage", lambda r, v: late(v.stage(DISPATCH, r.stage), r.overdue, v)),
    ),
    filters=(
        Filter("bureau", "单位（派出或接收）", "bureau (home or host)", lambda v: v.bureaus()),
        Filter("home", "派出单位", "home", lambda v: v.bureaus()),
        Filter("host", "接收单位", "host", lambda v: v.bureaus()),
        FIELD,
        Filter("stage", "状态", "stage", lambda v: v.stages(DISPATCH_STAGES)),
        Filter("purpose", "事由", "purpose", lambda v: v.choices(Purpose)),
        *DAYS,
        Filter("served_first", "服务日从", "served from"),
        Filter("served_last", "服务日到", "served to"),
    ),
    stages=DISPATCH_STAGES,
    begin=(commands.Offer,),
    steps={
        "offered": (commands.WithdrawOffer,),
        "approved": (commands.Start, commands.ConfirmOutside, commands.ChangeOffer, commands.WithdrawOffer),
        "confirmed": (commands.Start, commands.ChangeOffer, commands.WithdrawOffer),
        "started": (commands.LogDay, commands.Complete, commands.EndEarly),
    },
    answers=(commands.Accept, commands.DeclineOffer, commands.ReturnOffer),
    answered_in=("acceptance",),
    after={"accepted": (commands.ConfirmDays, commands.Rate), "rated": (commands.ConfirmDays,)},
    values=dispatch_values,
    facts=service,
    tables=service_days,
    tabled=(events.DispatchServiceDayLogged,),
    title=experts.offered,
    empty=("还没有选派。可从「需求」页面选派专家。", "No dispatch yet: offer experts from a need."),
)


KINDS = (NEED, DISPATCH, *experts.KINDS)
OPTIONS = experts.OPTIONS


def duties(view: View, bureau: str) -> list[Duty]:
    """Needs that wait for our offer, our own that are short of people, days to confirm, services to rate."""
    with view.site.reading(model.MODEL) as conn:
        short = model.needs(conn, model.Chosen(bureau=bureau, stage="published"), view.today, limit=500)
        unseen = dispatches.unseen(conn, bureau, view.today)
        unrated = dispatches.unrated(conn, bureau, view.today)
    close = view.t("需求到期未满额", "the need is short of people")
    confirm, rate = view.t("确认服务日", "confirm service days"), view.t("评价服务", "rate the service")
    return [
        *_needs_to_answer(view, bureau),
        *(
            Duty(
                close, n.title, view.path(NEED, n), bureau, n.reply_by, True,
                commands.CloseNeed, {"stream": n.stream},
            )
            for n in short
            if n.late and n.reply_by
        ),
        *(_host_duty(confirm, d, view, bureau, d.ends, commands.ConfirmDays) for d in unseen),
        *(
            _host_duty(rate, d, view, bureau, workdays.add(d.ended or d.ends, RATING_DAYS), commands.Rate)
            for d in unrated
        ),
    ]  # fmt: skip


def _host_duty(
    what: str, row: dispatches.Dispatch, view: View, bureau: str, due: date, command: type[Command]
) -> Duty:
    title = row.speciality or Expertise(row.field).label(view.lang)
    where = {"log": row.log, "stream": row.stream}
    return Duty(what, title, view.path(DISPATCH, row), bureau, due, due < view.today, command, where)


def _needs_to_answer(view: View, bureau: str) -> list[Duty]:
    """Needs turned to the bureau by name, or to all and it is a partner under a memorandum for talent."""
    with view.site.reading(model.MODEL) as conn:
        found = model.open_to(conn, bureau, view.today)
    partners = _partners(view, bureau) if any(not n.turned_to for n in found) else frozenset[str]()
    what = view.t("答复需求", "answer the need")
    return [
        Duty(
            what, n.title, view.path(NEED, n), bureau, due, due < view.today,
            commands.Offer, {"log": n.log, "stream": n.stream},
        )
        for n in found
        for due in [n.reply_by or n.starts]
        if n.turned_to or n.bureau in partners
    ]  # fmt: skip


def _partners(view: View, bureau: str) -> frozenset[str]:
    """The bureaus with which a memorandum in force opens talent."""
    with view.site.reading(cooperation.MODEL) as conn:
        pairs = cooperation.partnerships(conn, view.today, bureau)
    open_ = (p for p in pairs if "talent" in p.subjects and not p.outside)
    return frozenset(code for p in open_ for code in (p.bureau, p.partner)) - {bureau}


def figures(view: View, bureau: str | None) -> list[Figure]:
    """Dispatches under way and completed, service days this year."""
    first, last = year(view.today)
    with view.reading(model.MODEL) as conn:
        stages = dispatches.by_stage(conn, dispatches.Chosen(bureau=bureau))
        served_halves = sum(
            s.halves
            for s in dispatches.service(conn, dispatches.Chosen(bureau=bureau, first=first, last=last))
        )
    asked = {"bureau": bureau}
    return [
        Figure(
            "服务中专家",
            "experts serving",
            stages.get("started", 0),
            DISPATCH.path,
            {**asked, "stage": "started"},
        ),
        Figure(
            "已完成选派",
            "dispatches completed",
            stages.get("completed", 0),
            DISPATCH.path,
            {**asked, "stage": "completed"},
        ),
        Figure(
            "今年服务天数",
            "service days this year",
            served_halves / 2,
            DISPATCH.path,
            {**asked, "served_first": first, "served_last": last},
        ),
    ]
