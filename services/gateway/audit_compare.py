"""两日比较 · Two dates of a read model side by side: the rows that differ, worked out in scratch schemas."""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import time
from itertools import islice
from typing import Annotated, Any, NamedTuple, TypeAlias

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from events import errors
from events.values import LOG, POSITION_LIMIT
from projections import model
from projections.model import ReadModel
from projections.models import BY_NAME, MODELS
from services.auditor import changes, positions
from services.auditor.changes import Changed
from services.gateway import audit, audit_jobs, audit_values, audit_words
from services.gateway.audit_jobs import Progress
from services.gateway.site import Site
from services.gateway.view import View
from services.projector.scratch import Scratch
from services.runtime.database import Connection

SHOWN = 200
"""Rows that are listed."""
LIVE = "live"
_KEY = rf"{LOG}:[0-9]{{1,16}}"
_WHEN = rf"^({LIVE}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|{_KEY}(,{_KEY}){{0,199}})?$"
When: TypeAlias = Annotated[str, Query(pattern=_WHEN)]
PostedWhen: TypeAlias = Annotated[str, Form(pattern=_WHEN)]
routes = APIRouter()


class Result(NamedTuple):
    """The first rows that differ; `more`: there are others."""

    rows: list[Changed]
    more: bool


@routes.get("/audit/compare", include_in_schema=False)
def show(
    request: Request,
    model: Annotated[str, Query(pattern=r"^[a-z]{0,40}$")] = "",
    before: When = "",
    after: When = LIVE,
) -> HTMLResponse:
    """The form, and below it what was worked out of this question. Raises NotFound for no such model."""
    view = View(request)
    if model:
        _known(model)
    asked = {"model": model, "before": before, "after": after} if model and before and after else {}
    job = audit_jobs.of(request).find(_key(asked)) if asked else None
    return audit.page(
        view,
        "audit_compare.html",
        models=[(m.name, view.model(m.name)) for m in MODELS],
        found={"model": model, "before": before, "after": after},
        asked=asked,
        job=job,
        lines=_lines(view, job.result.rows) if job is not None and job.state == "done" else [],
        shown=SHOWN,
        may=view.site.demo_sign_in,
    )


def _lines(view: View, rows: list[Changed]) -> list[dict[str, Any]]:
    return [
        {
            "row": row,
            "table": audit_words.of(audit_words.TABLES, row.table, view.lang),
            "key": " ".join(str(part) for name, part in row.key.items() if name not in {"log", "stream"}),
            "fields": [
                (
                    audit_values.place(view, d.place),
                    audit_values.value(view, d.place, d.before, row.model),
                    audit_values.value(view, d.place, d.after, row.model),
                )
                for d in row.fields
            ],
        }
        for row in rows
    ]


@routes.post("/audit/compare", include_in_schema=False)
def begin(
    request: Request,
    model: Annotated[str, Form(pattern=r"^[a-z]{0,40}$")] = "",
    before: PostedWhen = "",
    after: PostedWhen = "",
) -> RedirectResponse:
    """Work it out. Raises NotAllowed, NotFound, Invalid, Busy."""
    view = audit.auditing(request)
    which = _known(model)
    if not before or not after or before == after:
        raise errors.Invalid("choose two different dates", field="before")
    site, asked = view.site, {"model": model, "before": before, "after": after}
    with site.database.connection() as conn:
        ends = [_vector(conn, before), _vector(conn, after)]
    audit_jobs.of(request).start(_key(asked), lambda progress: _compared(site, which, ends, progress))
    return RedirectResponse(f"/audit/compare?{view.encoded(list(asked.items()))}", 303)


def _known(name: str) -> ReadModel:
    if name not in BY_NAME:
        raise errors.NotFound(f"there is no read model {name!r}", field="model")
    return BY_NAME[name]


def _key(asked: Mapping[str, str]) -> str:
    return f"compare {asked['model']} {asked['before']} {asked['after']}"


def _vector(conn: Connection, when: str) -> dict[str, int] | None:
    """None for the running read model. Raises Invalid."""
    if when == LIVE:
        return None
    if ":" in when:
        pairs = (part.rsplit(":", 1) for part in when.split(","))
        return {log: min(int(at), POSITION_LIMIT) for log, at in pairs if int(at)}
    day = audit.day(when, "before")
    return positions.at(conn, audit.moment(day, time.max)) if day else {}


def _compared(site: Site, which: ReadModel, ends: list[dict[str, int] | None], progress: Progress) -> Result:
    """Scratch schemas are dropped in any case."""
    build = Scratch(site.database, progress)
    with ExitStack() as stack:
        conn = stack.enter_context(audit_jobs.patient(site.database.dsn))
        before, after = (
            model.live(which) if end is None else stack.enter_context(build(which, end)) for end in ends
        )
        found = list(islice(changes.changes(conn, before, after), SHOWN + 1))
    return Result(found[:SHOWN], len(found) > SHOWN)
