"""报表 · Reports: answers that were kept; save one, make it again, and open each figure to its records."""

from dataclasses import dataclass
from datetime import time
from itertools import groupby, islice
from typing import Any, NamedTuple, get_args

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from events import errors
from events.values import Choice
from projections.track import Vector
from services.auditor import asking, lineage, positions, reports, reproducing
from services.auditor.queries import registry
from services.auditor.queries.base import Query
from services.auditor.reports import Made, Report
from services.gateway import acting, audit, audit_jobs, audit_lineage, audit_values, lists, uploads
from services.gateway.audit_jobs import Progress
from services.gateway.paths import FigureName, ReportNumber
from services.gateway.site import Site
from services.gateway.view import View
from services.projector.scratch import Scratch
from services.runtime.database import Connection

SHOWN, DRAWN = 200, 40
"""Rows, or records of a figure, that a page lists, and draws."""
_BUREAUS = frozenset({"bureau", "home", "host"})
routes = APIRouter()


@dataclass(frozen=True)
class Control:
    """One parameter in the form; `kind`: date, bureau, or choice with its options."""

    name: str
    kind: str
    options: tuple[tuple[str, str], ...] = ()


@routes.get("/audit/reports", include_in_schema=False)
def show(request: Request) -> HTMLResponse:
    """All reports, the newest first, and the queries of which one can be saved."""
    view = View(request)
    with view.site.database.connection() as conn:
        heads = reports.heads(conn)
    return audit.page(
        view, "audit_reports.html", heads=heads, queries=registry.QUERIES, by=registry.BY_NAME,
        may=view.site.demo_sign_in,
    )  # fmt: skip


@routes.get("/audit/reports/new", include_in_schema=False)
def form(request: Request, query: str) -> HTMLResponse:
    """The form in which a report of a query is asked for. Raises NotFound."""
    view = audit.auditing(request)
    found = registry.find(query)
    return audit.page(
        view, "audit_report_new.html", query=found, controls=_controls(view, found), label=audit_values.label
    )


def _controls(view: View, query: Query[Any]) -> list[Control]:
    return [_control(view, name, field) for name, field in query.parameters.model_fields.items()]


def _control(view: View, name: str, field: Any) -> Control:
    if name in _BUREAUS:
        return Control(name, "bureau")
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Choice):
            return Control(name, "choice", tuple(view.choices(kind)))
    return Control(name, "date")


@routes.post("/audit/reports", include_in_schema=False)
def save(request: Request, posted: uploads.Form) -> Response:
    """Ask, and keep the answer under its name. Raises NotAllowed, NotFound, Invalid, Busy."""
    view = audit.auditing(request)
    query = registry.find(posted.one("query"))
    name = posted.one("name").strip()
    given = {field: text for field in query.parameters.model_fields if (text := posted.one(field))}
    parameters = query.read(given, view.today)
    known = audit.day(posted.one("known"), "known")
    locked = posted.one("locked") == "on"
    at = audit.moment(known, time.max) if known else None
    by = f"officer/{officer.id}" if (officer := acting.acting_or_none(request)) else "auditor"
    with view.site.database.connection() as conn:
        reports.check_name(conn, name)

    def work(progress: Progress) -> int:
        return _save(view.site, name, (query, parameters), (at, locked), by, progress)

    audit_jobs.of(request).start(f"report {name}", work)
    return RedirectResponse(f"/audit/reports/saving?{view.encoded([('name', name)])}", 303)


def _save(
    site: Site,
    name: str,
    asks: tuple[Query[Any], Any],
    when: tuple[str | None, bool],
    by: str,
    progress: Progress,
) -> int:
    """Its number."""
    query, parameters = asks
    build = Scratch(site.database, progress)
    with audit_jobs.patient(site.database.dsn) as conn:
        known = _known(conn, site, *when)
        if known is None:
            asked = asking.ask_now(conn, build, query, parameters)
        else:
            asked = asking.ask_then(conn, build, query, parameters, known)
        return reports.save(conn, name, asked, Made(site.clock(), by, audit.code()), locked=when[1])


def _known(conn: Connection, site: Site, at: str | None, locked: bool) -> Vector | None:  # noqa: FBT001  (as the form says)
    """The positions at which to ask; of a locked report what lies within the witnessed ones."""
    then = positions.at(conn, at) if at else None
    if not locked:
        return then
    witnessed = positions.witnessed(conn, site.alliance)
    if not witnessed:
        raise errors.Unavailable("nothing is witnessed yet: a locked report waits for receipts")
    return witnessed if then is None else positions.within(then, witnessed)


@routes.get("/audit/reports/saving", include_in_schema=False)
def saving(request: Request, name: str) -> Response:
    """How far it is; then the report itself."""
    job = audit_jobs.of(request).find(f"report {name}")
    if job is not None and job.state == "done":
        return RedirectResponse(f"/audit/reports/{job.result}", 303)
    if job is None:
        raise errors.NotFound("there is no such page")
    return audit.page(View(request), "audit_waiting.html", job=job, what=name, back="/audit/reports")


@routes.get("/audit/reports/{number}", include_in_schema=False)
def report(number: ReportNumber, request: Request) -> HTMLResponse:
    """One report: what was asked, at which positions, its figures and rows. Raises NotFound."""
    view, found = View(request), _load(request, number)
    query = registry.BY_NAME.get(found.query)
    given = [
        (audit_values.label(view, name), audit_values.value(view, name, value))
        for name, value in found.parameters.items()
    ]
    return audit.page(
        view, "audit_report.html", report=found, query=query, given=given, table=_table(view, found),
        job=audit_jobs.of(request).find(f"reproduce {number}"), may=view.site.demo_sign_in, shown=SHOWN,
    )  # fmt: skip


class Table(NamedTuple):
    """The rows of an answer as they are listed."""

    head: list[str]
    rows: list[tuple[str, str, list[Any]]]


def _table(view: View, found: Report) -> Table:
    """The first rows; columns in which something stands."""
    rows = found.answer.rows[:SHOWN]
    names = [name for name in (rows[0].fields if rows else ()) if any(row.fields.get(name) for row in rows)]
    names.sort(key=lambda name: name != "title")
    cells = [
        (r.log, r.stream, [audit_values.value(view, name, r.fields.get(name)) for name in names])
        for r in rows
    ]
    return Table([audit_values.label(view, name) for name in names], cells)


@routes.post("/audit/reports/{number}/reproduce", include_in_schema=False)
def reproduce(number: ReportNumber, request: Request) -> RedirectResponse:
    """Make it again from the records. Raises NotAllowed, NotFound, Busy."""
    site, found = audit.auditing(request).site, _load(request, number)
    audit_jobs.of(request).start(f"reproduce {number}", lambda progress: _reproduce(site, found, progress))
    return RedirectResponse(f"/audit/reports/{number}", 303)


def _reproduce(site: Site, found: Report, progress: Progress) -> reproducing.Outcome:
    with audit_jobs.patient(site.database.dsn) as conn:
        return reproducing.reproduce(conn, Scratch(site.database, progress), found)


@routes.get("/audit/reports/{number}/figures/{name}", include_in_schema=False)
def figure(number: ReportNumber, name: FigureName, request: Request) -> HTMLResponse:
    """The streams that a figure counts, with their records, each with its proof. Raises NotFound."""
    view, found = View(request), _load(request, number)
    counted = found.figure(name)
    with view.site.database.connection() as conn:
        behind = list(islice(reproducing.figure_records(conn, found, name), SHOWN + 1))
        keys = [each.key for each in behind[:SHOWN]]
        graph = lineage.among(conn, keys[:DRAWN], cut=len(behind) > DRAWN) if keys else None
    view.know(record for key in keys if (record := view.record(key)) is not None)
    streams = [
        (stream, [(each, view.record(each.key)) for each in group])
        for stream, group in groupby(behind[:SHOWN], key=lambda each: (each.log, each.stream))
    ]
    return audit.page(
        view, "audit_figure.html", report=found, figure=counted, streams=streams, more=len(behind) > SHOWN,
        graph=graph, picture=audit_lineage.picture(view, graph) if graph else "",
        lines=audit_lineage.lines(view, graph) if graph else [], drawn=DRAWN,
    )  # fmt: skip


def _load(request: Request, number: int) -> Report:
    site: Site = request.app.state.site
    with site.database.connection() as conn:
        return reports.load(conn, str(number))


@routes.get("/api/v1/audit/reports", tags=["audit"], summary="报表清单 · saved reports")
def api(request: Request) -> JSONResponse:
    """The reports that are kept at this node, the newest first."""
    with View(request).site.database.connection() as conn:
        return lists.json({"items": [head._asdict() for head in reports.heads(conn)]})


@routes.get("/api/v1/audit/reports/{number}", tags=["audit"], summary="一份报表 · one report")
def api_report(number: ReportNumber, request: Request) -> JSONResponse:
    """What its digest is over, the digest, and when and with which version it was made. Raises NotFound."""
    found = _load(request, number)
    about = {"id": found.id, "name": found.name, "digest": found.digest, "locked": found.locked,
             "code": found.code, "made": found.made, "by": found.made_by}  # fmt: skip
    return lists.json({**found.content, **about})
