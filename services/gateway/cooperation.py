"""Cooperation on pages: memoranda; meetings, tasks and projects stand in files of their own."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from events import cooperation as events
from events import values
from events.cooperation import Kind as Agreement
from events.cooperation import SignatureLeft, Subject
from projections import cooperation as model
from projections import memoranda
from projections import tasks as tasks_model
from services.bureau import cooperation as commands
from services.bureau.commands import Command
from services.gateway import cursors, meetings, shown, tasks
from services.gateway.figures import Figure
from services.gateway.filters import BUREAU, TITLE, flags, yes_no
from services.gateway.shown import Cell
from services.gateway.things import Column, Filter, Kind, Stage, Thing
from services.gateway.view import View
from services.gateway.waiting import Duty
from services.runtime.database import Connection

STAGES = {
    "proposed": Stage("待送签", "proposed", "wait"),
    "signing": Stage("签署中", "signing", "wait"),
    "in-force": Stage("已生效", "in force", "good"),
    "withdrawn": Stage("已撤回", "withdrawn", "bad"),
    "ended": Stage("已终止", "ended"),
    "expired": Stage("已到期", "expired"),
    "unsigned": Stage("签署不成立", "a signature is gone", "bad"),
}


def register(
    conn: Connection, asked: Mapping[str, Any], today: date, limit: int, after: Any
) -> Sequence[Any]:
    chosen = flags(asked, "in_force")
    if chosen.get("in_force"):
        chosen = {**chosen, "bureau": None, "bound": chosen.get("bureau")}
    return memoranda.register(conn, memoranda.Chosen(**chosen), today, limit=limit, after=after)


def memorandum_values(thing: Thing, command: type[Command], _view: View) -> Mapping[str, Any] | None:
    """The text that is signed, and the party that gave notice; entry into force only once all have signed."""
    if command is commands.Sign:
        return {"text": thing.state.terms.text.digest}
    if command is commands.EnterIntoForce:
        return {} if all(_signed(thing, ask.bureau) for ask in thing.asks) else None
    if command is commands.ReleaseParty:
        left = next((a for a in thing.answers if a.log[:6] in _bound(thing) and _notice(a.facts)), None)
        return {"bureau": left.log[:6], "day": _notice(left.facts).day} if left else None
    return {}


def _signed(thing: Thing, bureau: str) -> bool:
    found = thing.mine(bureau)
    last = found.last.data if found and found.last else None
    return isinstance(last, events.SignatureSigned) and last.text == thing.state.terms.text.digest


def _bound(thing: Thing) -> set[str]:
    """The parties that are bound, or who stands for them."""
    force = thing.state.forces[-1] if thing.state.forces else None
    free = {bureau for bureau, _ in force.released} if force else set()
    return {thing.now(party) for party in force.parties if party not in free} if force else set()


def _notice(facts: Sequence[Any]) -> Any:
    return next((r.data for r in reversed(facts) if isinstance(r.data, SignatureLeft)), None)


def force(thing: Thing, view: View) -> list[tuple[str, Cell]]:
    """Since when it is in force, and how many have signed the text that is asked for now."""
    state = thing.state
    if state is None:
        return []
    found = (
        [(view.t("单方登记", "recorded by one side"), view.cell(state.one_sided))] if state.one_sided else []
    )
    if state.stage == "signing":
        signed = sum(_signed(thing, ask.bureau) for ask in state.asks)
        found.append((view.t("签署进度", "signed"), shown.plain(f"{signed} / {len(state.asks)}")))
    if (now := state.in_force(view.today)) is not None:
        found.append((view.t("有效，起始日", "in force since"), view.cell(now.first)))
    return found


MEMORANDUM: Kind = Kind(
    "memorandum",
    "cooperation",
    "合作备忘录",
    "memoranda",
    model.MODEL,
    register,
    TypeAdapter(tuple[cursors.Time, values.Log, values.Subject]),
    columns=(
        Column("名称", "title", lambda r, v: v.link(MEMORANDUM, r)),
        Column("类型", "kind", lambda r, v: v.choice(Agreement, r.kind)),
        Column("各方", "parties", lambda r, v: v.cell([*map(v.bureau, r.parties), *r.outside])),
        Column(
            "合作内容",
            "subjects",
            lambda r, v: shown.joined((v.choice(Subject, s) for s in r.subjects), v.t("、", ", ")),
        ),
        Column("生效日期", "in force from", lambda r, v: v.cell(r.since)),
        Column("最后一日", "last day", lambda r, v: v.cell(r.last)),
        Column("状态", "stage", lambda r, v: v.stage(MEMORANDUM, r.stage)),
    ),
    filters=(
        BUREAU,
        Filter("stage", "状态", "stage", lambda v: v.stages(STAGES)),
        Filter("in_force", "有效", "in force", yes_no),
        Filter("subject", "合作内容", "subject", lambda v: v.choices(Subject)),
        Filter("kind", "类型", "kind", lambda v: v.choices(Agreement)),
        TITLE,
    ),
    stages=STAGES,
    begin=(commands.Propose,),
    steps={
        "proposed": (commands.Amend, commands.Withdraw),
        "signing": (commands.EnterIntoForce, commands.Amend, commands.Withdraw),
        "in-force": (commands.Amend, commands.ReleaseParty, commands.End),
    },
    answers=(commands.Sign, commands.ReturnText, commands.DeclineToSign),
    answered_in=("signature",),
    after={"signed": (commands.Leave,)},
    values=memorandum_values,
    facts=force,
    renamed={"version": "terms_position"},
    empty=("还没有备忘录。点「提出并送签」起草第一份。", "No memorandum yet: propose the first."),
)
KINDS = (MEMORANDUM, meetings.MEETING, *tasks.KINDS)


def duties(view: View, bureau: str) -> list[Duty]:
    """Tasks that the bureau has to do, and memoranda that end within sixty days."""
    with view.site.reading(model.MODEL) as conn:
        ending = memoranda.ending(conn, view.today, bureau)
    renew = view.t("备忘录即将到期", "the memorandum ends soon")
    return [
        *tasks.duties(view, bureau),
        *(
            Duty(renew, r.title or "", view.path(MEMORANDUM, r), bureau, r.last, overdue=False)
            for r in ending
            if r.last
        ),
    ]


def figures(view: View, bureau: str | None) -> list[Figure]:
    """Memoranda in force today, and tasks under way and overdue."""
    with view.reading(model.MODEL) as conn:
        force_ = model.in_force_count(conn, view.today, bureau)
    with view.site.reading(tasks_model.MODEL) as conn:
        found = tasks_model.counts(conn, tasks_model.Chosen(bureau=bureau), view.today)
    return [
        Figure(
            "有效备忘录",
            "memoranda in force",
            force_,
            MEMORANDUM.path,
            {"bureau": bureau, "in_force": "true"},
        ),
        Figure(
            "进行中任务",
            "tasks under way",
            found.tasks - found.done - found.dropped,
            tasks.TASK.path,
            {"bureau": bureau, "stage": "set"},
        ),
        Figure(
            "逾期任务",
            "tasks overdue",
            found.overdue,
            tasks.TASK.path,
            {"bureau": bureau, "overdue": "true"},
            "bad" if found.overdue else "",
        ),
    ]
