"""核验 · Verification: how far each log was verified, when, and what was found; once more."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from events.values import LOG
from services.auditor import verifications
from services.auditor.verifications import Verification
from services.gateway import audit, audit_jobs, lists
from services.gateway.audit_jobs import Progress
from services.gateway.site import Site
from services.gateway.view import View
from services.ledger import closing, logs

routes = APIRouter()
ALL = "verify"
Log: TypeAlias = Annotated[str, Form(pattern=rf"^({LOG})?$")]


@dataclass(frozen=True)
class Line:
    """One log; `newest` is None when it was never verified here, `good` the positions found good.

    `end` is the last record that counts: where it was closed, else `head`.
    """

    log: str
    own: bool
    state: str
    head: int
    end: int
    newest: Verification | None
    good: int

    @property
    def percent(self) -> float:
        """How much of the log, as far as it counts, was found good since the last fault."""
        return 100 * min(self.good, self.end) / self.end if self.end else 100.0

    @property
    def void(self) -> int:
        """How many records stand beyond the end."""
        return max(0, self.head - self.end)


@routes.get("/audit/verification", include_in_schema=False)
def show(request: Request) -> HTMLResponse:
    """All logs, those with faults first."""
    view = View(request)
    found = audit_jobs.of(request).open(ALL)
    return audit.page(
        view,
        "audit_verification.html",
        lines=lines(view.site),
        jobs=[(job.key.partition(" ")[2], job) for job in found],
        last=audit_jobs.of(request).find(ALL),
        may=view.site.demo_sign_in,
    )


def lines(site: Site) -> list[Line]:
    """How each log stands: those with faults first, then those never verified."""
    with site.database.connection() as conn:
        kept = verifications.kept(conn)
        states = logs.states(conn)
        closed = {log: found.size for log, found in closing.closings(conn).items()}
    found = [
        Line(s.log, s.own, s.state, s.head, closed.get(s.log, s.head), next(iter(kept.get(s.log, ())), None),
             verifications.covered(kept.get(s.log, ())))
        for s in states
    ]  # fmt: skip
    return sorted(found, key=lambda x: (x.newest is None or x.newest.ok, x.newest is not None, x.log))


@routes.post("/audit/verification", include_in_schema=False)
def begin(request: Request, log: Log = "") -> RedirectResponse:
    """Verify one log, or all, from the start. Raises NotAllowed, NotFound, Busy."""
    site = audit.auditing(request).site
    if log:
        with site.database.connection() as conn:
            logs.state(conn, log)
    names = [log] if log else []
    audit_jobs.of(request).start(f"{ALL} {log}".strip(), lambda progress: _verify(site, names, progress))
    return RedirectResponse("/audit/verification", 303)


def _verify(site: Site, names: list[str], progress: Progress) -> None:
    """Each log in its turn, what was found kept at once."""
    with audit_jobs.patient(site.database.dsn) as conn:
        chosen = [s for s in logs.states(conn) if not names or s.log in names]
        done, total = 0, sum(s.head for s in chosen)
        for state in chosen:
            progress(done, total)
            found = verifications.run(conn, site.alliance, state.log, audit.code(), site.clock())
            verifications.keep(conn, found)
            done += state.head
        progress(total, total)


@routes.get("/api/v1/audit/verification", tags=["audit"], summary="核验情况 · how far logs were verified")
def api(request: Request) -> JSONResponse:
    """One item a log: its head, how many records are void, the newest verification, what part is good."""
    items = [
        {
            "log": line.log, "bureau": line.log[:6], "head": line.head, "state": line.state,
            "end": line.end, "void": line.void,
            "good": line.good, "percent": line.percent,
            "newest": {**line.newest._asdict(), "ok": line.newest.ok} if line.newest else None,
        }
        for line in lines(View(request).site)
    ]  # fmt: skip
    return lists.json({"items": items})
