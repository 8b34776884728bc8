"""事项 · A stream: its records, and beside them its state at a version or as known on a day."""

from datetime import time
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse

from events import catalogue
from events.values import POSITION_LIMIT
from services.auditor import states
from services.auditor.states import Fact, State
from services.gateway import audit, audit_values, lists
from services.gateway.paths import LogName, StreamName
from services.gateway.view import View
from services.ledger import read
from services.runtime.database import Connection

Version: TypeAlias = Annotated[int | None, Query(ge=0, le=POSITION_LIMIT)]
routes = APIRouter()


@routes.get("/audit/streams/{log}/{stream}", include_in_schema=False)
def show(
    log: LogName, stream: StreamName, request: Request, version: Version = None, known: audit.Day = None
) -> HTMLResponse:
    """A stream at a version, the last one unless chosen; `known`: as of the end of that day."""
    view = View(request)
    with view.site.database.connection() as conn:
        whole = states.at_version(conn, log, stream)
        at = _at(conn, whole, version, known)
        before = states.before(conn, log, stream, at.version)
        after = states.goes_on(conn, log, stream)
    aggregate = whole.aggregate or ""
    view.know(fact.record for fact in whole.facts)
    return audit.page(
        view,
        "audit_stream.html",
        whole=whole,
        at=at,
        known=known,
        fields=audit_values.flat(view, at.fields, aggregate),
        changed=audit_values.changes(view, before.fields, at.fields, aggregate),
        after=after,
        lines=[_line(view, fact) for fact in whole.facts],
        kinds=lambda name: (catalogue.AGGREGATES[name].zh, catalogue.AGGREGATES[name].en),
    )


def _at(conn: Connection, whole: State, version: int | None, known: str | None) -> State:
    day = audit.day(known, "known")
    if day is None:
        return whole if version is None else states.at_version(conn, whole.log, whole.stream, version)
    vector = read.vector_at(conn, audit.moment(day, time.max))
    return states.known(conn, whole.log, whole.stream, vector)


def _line(view: View, fact: Fact) -> dict[str, Any]:
    """`gone`: voided by a later record; `changed_by` names those that corrected or voided it."""
    record = fact.record
    gone = fact.payload is None and states.changed(record.data) is None
    return {"record": record, "said": view.sentence(record), "gone": gone, "changed_by": fact.changed_by}


@routes.get("/api/v1/audit/streams/{log}/{stream}", tags=["audit"], summary="事项的状态 · state of a stream")
def api(
    log: LogName, stream: StreamName, request: Request, version: Version = None, known: audit.Day = None
) -> JSONResponse:
    """State and facts at a version, or known at the end of a day; no `fields` before its first record."""
    with View(request).site.database.connection() as conn:
        whole = states.at_version(conn, log, stream)
        at = _at(conn, whole, version, known)
    facts = [
        {"log": f.record.log, "position": f.record.position, "version": f.record.version,
         "time": f.record.time, "type": f.record.type, "payload": f.payload, "changed_by": f.changed_by}
        for f in at.facts
    ]  # fmt: skip
    return lists.json({**at._asdict(), "facts": facts})
