"""What every page knows: the node, the language, the letters' size, who acts, and how fresh it is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache, cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from events import errors
from events.event import Event, Key, Record
from events.loops import Role
from events.values import Choice, Reason
from projections import sentences, timeline
from projections.model import ReadModel
from services.bureau.case import Officer
from services.gateway import acting, fresh, labels, shown, static, waiting
from services.gateway.site import Site
from services.gateway.things import Kind, Stage
from services.projector.source import LedgerSource
from services.runtime import clock
from services.runtime.database import Connection

PREFERENCES = {"lang": ("zh", "en"), "size": ("normal", "large"), "contrast": ("normal", "high")}
"""What a visitor may choose by `?name=value`; a cookie keeps it."""
PLACES = (
    ("/", "总览", "Overview"),
    ("/inbox", "待办", "Inbox"),
    ("/timeline", "时间线", "Timeline"),
    ("/cooperation", "合作", "Cooperation"),
    ("/talent", "人才", "Talent"),
    ("/activity", "活动", "Activities"),
    ("/audit", "核查", "Audit"),
)
_YEAR = 365 * 24 * 3600


class View:
    """One request's page: words in the visitor's language, and how values read."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.site: Site = request.app.state.site
        self.chosen = {name: _chosen(request, name, among) for name, among in PREFERENCES.items()}
        self.asof: list[fresh.Freshness] = []
        self._cited: dict[Key, Record[Event]] = {}

    @property
    def lang(self) -> str:
        """`zh` or `en`."""
        return self.chosen["lang"]

    @cached_property
    def officer(self) -> Officer | None:
        """Who acts, if somebody was chosen."""
        return acting.acting_or_none(self.request)

    @cached_property
    def today(self) -> date:
        return self.site.today()

    def t(self, zh: str, en: str) -> str:
        """The words of the visitor's language."""
        return zh if self.lang == "zh" else en

    def bureau(self, code: str) -> str:
        """A bureau's official name as of today."""
        try:
            return self.site.alliance.name(code, self.today, self.lang)
        except errors.NotFound:
            return code

    def role(self, role: Role) -> str:
        return role.label(self.lang)

    def said(self, error: errors.YinqiaoError) -> str:
        """What an error says."""
        from services.gateway import said

        return said.detail(error, self.lang)

    def role_named(self, name: str) -> str:
        """A role by its stored name."""
        return Role(name).label(self.lang)

    def reason(self, code: str | None) -> str:
        """A reason of the closed list by its stored name."""
        return Reason(code).label(self.lang) if code else ""

    def context(self, name: str) -> str:
        """What a context is called."""
        zh, en = labels.CONTEXTS.get(name, (name, name))
        return self.t(zh, en)

    def cause(self, name: str) -> str:
        """Why a record is set aside."""
        zh, en = labels.CAUSES.get(name, (name, name))
        return self.t(zh, en)

    def actor(self, actor: str) -> str:
        """Who an envelope says has acted: an officer of the demo, or the bureau's timer."""
        if actor == "system":
            return self.t("系统定时", "timer")
        bureau, role = acting.known(self.site).get(actor.removeprefix("officer/"), ("", None))
        return f"{self.bureau(bureau)} · {self.role(role)}" if role else self.t("经办人员", "an officer")

    def sentence(self, record: Record[Event]) -> str:
        """What a record says; the records that it names are looked up unless the page knows them."""
        self.know([record])
        return sentences.sentence(record, self.lang, self.bureau, self._cited)

    def record(self, key: Key) -> Record[Event] | None:
        """A record that the page names; None when it is not held here or cannot be read."""
        if key not in self._cited:
            with self.site.database.connection() as conn:
                self._cited |= LedgerSource(conn).records([key])
        return self._cited.get(key)

    def know(self, records: Iterable[Record[Event]]) -> None:
        """Look up what the sentences of these records name, in one query; what is not held stays unknown."""
        missing = {key for record in records for key in sentences.named(record.data)} - self._cited.keys()
        if missing:
            with self.site.database.connection() as conn:
                self._cited |= LedgerSource(conn).records(missing)

    def cell(self, value: object, name: str = "") -> shown.Cell:
        """How a value of a payload or of a row reads."""
        return shown.cell(value, self, name)

    def stage(self, kind: Kind, name: str | None) -> shown.Cell:
        """A stage as a coloured word."""
        stage = kind.stage(name or "")
        return shown.chip(self.t(stage.zh, stage.en), stage.tone)

    def stages(self, stages: Mapping[str, Stage]) -> list[tuple[str, str]]:
        """Stages to filter by."""
        return [(name, self.t(stage.zh, stage.en)) for name, stage in stages.items()]

    def choices(self, choice: type[Choice]) -> list[tuple[str, str]]:
        """The members of a closed list, to filter by."""
        return [(member.value, member.label(self.lang)) for member in choice]

    def choice(self, choice: type[Choice], value: str | None) -> shown.Cell:
        """A stored value of a closed list as a word."""
        return shown.word(choice(value).label(self.lang) if value else "", self.lang)

    def days(self, halves: int) -> str:
        """Half-days as days: 2.5 天."""
        return self.t(f"{halves / 2:g} 天", f"{halves / 2:g} {'day' if halves == 2 else 'days'}")  # noqa: PLR2004  (one day)

    def model(self, name: str) -> str:
        """What a read model is called."""
        zh, _ = labels.MODELS.get(name, (name, name))
        return f"{zh} {name}" if self.lang == "zh" else name

    def path(self, kind: Kind, row: Any) -> str:
        """The page of a list's row."""
        return f"{kind.path}/{row.log}/{row.stream}"

    def link(self, kind: Kind, row: Any, text: str = "") -> shown.Cell:
        """A row's title, leading to its page."""
        return shown.link(text or getattr(row, "title", None) or row.stream[:8], self.path(kind, row))

    def bureaus(self) -> list[tuple[str, str]]:
        """All bureaus of today, as code and name."""
        terms = self.site.alliance.document.bureau
        return sorted(
            {(b.code, self.bureau(b.code)) for b in terms if b.to_day is None or b.to_day > self.today}
        )

    def day(self, day: date | None) -> str:
        """A date as it is said: 2025年3月1日."""
        return "" if day is None else shown.day(day, self.lang)

    def time(self, moment: str | datetime) -> Markup:
        """A moment on the clocks of Chongqing and Chengdu; the zone shows on hovering."""
        at = clock.local(clock.moment(moment) if isinstance(moment, str) else moment)
        said = at.strftime("%Y-%m-%d %H:%M:%S")
        return Markup('<time datetime="{}" title="{} Asia/Shanghai">{}</time>').format(
            at.isoformat(), said, said[:16]
        )

    def url(self, **changed: str | None) -> str:
        """This page's address with some of its parameters changed; None leaves one out."""
        found = [
            (k, v)
            for k, v in self.request.query_params.multi_items()
            if k not in changed and k not in PREFERENCES
        ]
        found += [(k, v) for k, v in changed.items() if v is not None]
        return f"{self.request.url.path}?{urlencode(found)}" if found else self.request.url.path

    @contextmanager
    def reading(self, model: ReadModel) -> Iterator[Connection]:
        """Read a model's tables, and say on the page how fresh they are."""
        with self.site.reading(model) as conn:
            if all(f.model != model.name for f in self.asof):
                self.asof.append(fresh.of(conn, model.name))
            yield conn

    def page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """The page made of a template, the visitor's choices kept."""
        if not self.asof and status < HTTPStatus.BAD_REQUEST:
            with self.reading(timeline.MODEL):
                pass
        html = templates().get_template(template).render(v=self, t=self.t, **values)
        response = HTMLResponse(html, status)
        for name, among in PREFERENCES.items():
            if self.request.query_params.get(name) in among:
                response.set_cookie(
                    f"yinqiao-{name}", self.chosen[name], max_age=_YEAR, httponly=True, samesite="strict"
                )
        return response

    @property
    def places(self) -> tuple[tuple[str, str, str], ...]:
        """The main pages: path, zh, en."""
        return PLACES

    def is_at(self, path: str) -> bool:
        """Whether this page belongs to a main page."""
        here = self.request.url.path
        return here == path or (path != "/" and here.startswith(f"{path}/"))

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles that the demo's switch offers."""
        return Role.CLERK, Role.LEADER

    @cached_property
    def duties(self) -> list[waiting.Duty]:
        """Steps that wait for the acting bureau without a question, the most urgent first."""
        return waiting.duties(self, self.officer.bureau) if self.officer else []

    @cached_property
    def pending(self) -> int:
        """How many things wait for the acting bureau; 0 while that cannot be known."""
        return waiting.count(self, self.officer.bureau) if self.officer else 0

    @property
    def read_only(self) -> str | None:
        """Why nothing can be recorded at this node now."""
        return self.site.control.read_only()

    def preference(self, **chosen: str) -> str:
        """This page's address with another choice of language, size or contrast."""
        here = self.url()
        return f"{here}{'&' if '?' in here else '?'}{urlencode(chosen)}"

    def key(self) -> str:
        """A key for one order: sending the form twice does the thing once."""
        return uuid4().hex

    def encoded(self, pairs: Sequence[tuple[str, str]], version: int | None = None) -> str:
        """Fields as they stand in an address."""
        return urlencode([*pairs, *([("version", str(version))] if version else [])])

    @property
    def partial(self) -> bool:
        """Whether htmx asks for a part of the page only."""
        return self.request.headers.get("hx-request") == "true"

    @property
    def request_id(self) -> str:
        return str(getattr(self.request.state, "request_id", "-"))


def _chosen(request: Request, name: str, among: tuple[str, ...]) -> str:
    for said in (request.query_params.get(name), request.cookies.get(f"yinqiao-{name}")):
        if said in among:
            return str(said)
    return among[0]


@cache
def templates() -> Environment:
    """The templates, read once; a name that is not given is an error."""
    found = Environment(
        loader=PackageLoader("services.gateway"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["asset"] = static.address
    found.filters["query"] = lambda pairs: urlencode({k: v for k, v in _items(pairs) if v})
    return found


def _items(pairs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return list(pairs.items())
