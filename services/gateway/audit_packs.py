"""证据包 · Evidence packs: choose records, take them away as one file, and how to check it without us."""

import tempfile
import threading
from collections.abc import Iterator
from datetime import time as clock_time
from datetime import timedelta
from importlib import resources
from typing import Annotated, BinaryIO, Literal, TypeAlias

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from events import alliance, errors
from events.values import POSITION_LIMIT
from services.auditor import pack, pack_selection, reports, reproducing
from services.auditor.pack import Source
from services.auditor.pack_selection import Selection
from services.gateway import audit, audit_jobs
from services.gateway.site import Site
from services.gateway.timeline import Bureau, Stream
from services.gateway.view import View
from services.runtime import clock
from services.runtime.database import Connection

AT_ONCE = 2
"""Packs that are made at the same time; more are asked to come later."""
_PART, _MEMORY = 1 << 16, 1 << 22
_turns = threading.BoundedSemaphore(AT_ONCE)
Kind: TypeAlias = Literal["stream", "bureau", "report"]
routes = APIRouter()


@routes.get("/audit/packs", include_in_schema=False)
def show(
    request: Request, stream: Stream = None, bureau: Bureau = None, report: str | None = None
) -> HTMLResponse:
    """What can be taken away, how it is checked, and whom to ask for the means."""
    view = View(request)
    with view.site.database.connection() as conn:
        heads = reports.heads(conn)
    return audit.page(
        view, "audit_packs.html", heads=heads, digest=_digest(view.site),
        found={"stream": stream, "bureau": bureau, "report": report},
    )  # fmt: skip


def _digest(site: Site) -> str | None:
    """Of version 1 of the alliance document; None where its text is not held here."""
    note = site.control.version(1)
    return alliance.digest(note) if note else None


@routes.get("/audit/packs/download", include_in_schema=False)
def download(  # noqa: PLR0913, PLR0917  (one argument a field of the form)
    request: Request,
    kind: Kind,
    stream: Stream = None,
    bureau: Bureau = None,
    first: audit.Day = None,
    last: audit.Day = None,
    report: Annotated[int | None, Query(ge=1, le=POSITION_LIMIT)] = None,
    basis: bool = False,  # noqa: FBT001, FBT002  (a box in a form)
    unwitnessed: bool = False,  # noqa: FBT001, FBT002  (the same)
) -> Response:
    """The pack, made while one waits. Raises NotFound, Invalid, Busy, Unavailable for want of witnesses."""
    site = View(request).site
    if not _turns.acquire(blocking=False):
        raise errors.Busy("other evidence packs are being made; come back in a minute")
    out = tempfile.SpooledTemporaryFile(_MEMORY)  # noqa: SIM115  (closed when it was sent, or below)
    try:
        with audit_jobs.patient(site.database.dsn) as conn:
            chosen = _chosen(conn, kind, stream, bureau, (first, last), report, basis=basis)
            source = _source(site, unwitnessed=unwitnessed)
            pack.export(conn, out, source, chosen, clock.text(site.clock()))  # type: ignore[arg-type]  # a file
    except BaseException:
        out.close()
        raise
    finally:
        _turns.release()
    name = f"{kind}-{site.today().isoformat()}{pack.SUFFIX}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "content-length": str(out.tell())}
    return StreamingResponse(_sent(out), media_type="application/zip", headers=headers)  # type: ignore[arg-type]  # a file


def _sent(out: BinaryIO) -> Iterator[bytes]:
    with out:
        out.seek(0)
        while part := out.read(_PART):
            yield part


def _source(site: Site, *, unwitnessed: bool) -> Source:
    current, guarded = site.alliance, site.control.guard()
    notes = [site.control.version(number) or "" for number in range(1, current.version + 1)]
    return pack.source(current, notes, guarded, unwitnessed=unwitnessed)


def _chosen(
    conn: Connection,
    kind: Kind,
    stream: str | None,
    bureau: str | None,
    days: tuple[str | None, str | None],
    report: int | None,
    *,
    basis: bool,
) -> Selection:
    """What the form says. Raises Invalid for too little, NotFound."""
    first, last = audit.day(days[0], "first"), audit.day(days[1], "last")
    match kind:
        case "stream" if stream:
            return pack_selection.subject(*stream.split("/"), basis=basis)
        case "report" if report:
            document = reproducing.document(conn, reports.load(conn, str(report)))
            return pack_selection.report(document, basis=basis)
        case "bureau" if first and last:
            after = audit.moment(first - timedelta(days=1), clock_time.max)
            until = audit.moment(last, clock_time.max)
            return pack_selection.period(after, until, bureau or None, basis=basis)
        case "bureau" if bureau and not (first or last):
            return pack_selection.bureau(bureau, basis=basis)
    raise errors.Invalid("choose a stream, a bureau or a period, or a report", field="kind")


@routes.get("/audit/packs/verify.py", include_in_schema=False)
def verifier() -> Response:
    """The stand-alone verifier, one file of Python."""
    text = resources.files("deploy.evidence").joinpath("verify.py").read_bytes()
    headers = {"content-disposition": 'attachment; filename="verify.py"'}
    return Response(text, media_type="text/x-python; charset=utf-8", headers=headers)
