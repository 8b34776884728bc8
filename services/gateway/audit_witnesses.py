"""见证 · Witnesses: who cosigned how much of each log, what lags, who is silent, the policy in words."""

from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from events.alliance import Alliance
from services.gateway import audit, lists
from services.gateway.site import Site
from services.gateway.view import View
from services.ledger import witnessing
from services.ledger.witnessing import Standing

routes = APIRouter()


class Rule(NamedTuple):
    """Logs that are hosted by one node: which nodes count as their witnesses, and how many must sign."""

    host: str
    operator: str
    logs: tuple[str, ...]
    witnesses: tuple[str, ...]
    needed: int


@routes.get("/audit/witnesses", include_in_schema=False)
def show(request: Request) -> HTMLResponse:
    """All logs, the silent ones first, then those that lag most."""
    view = View(request)
    return audit.page(
        view,
        "audit_witnesses.html",
        standings=standings(view.site),
        rules=rules(view.site.alliance),
        policy=view.site.alliance.document.policy,
        heartbeat=view.site.alliance.heartbeat_seconds // 60,
        silent_after=witnessing.SILENT_AFTER,
        at=lambda seconds: datetime.fromtimestamp(seconds, UTC),
    )


def standings(site: Site) -> list[Standing]:
    """How each log stands now."""
    with site.database.connection() as conn:
        found = witnessing.standings(conn, site.alliance, int(site.clock().timestamp()))
    return sorted(found, key=lambda s: (not s.silent, -s.behind, s.log))


def rules(alliance: Alliance) -> list[Rule]:
    """The policy as it holds for each hosting node."""
    logs = sorted(alliance.document.log, key=lambda log: (log.node, log.name))
    found = []
    for host, group in groupby(logs, key=lambda log: log.node):
        names = tuple(log.name for log in group)
        counted, needed = alliance.counted(names[0]), alliance.needed(names[0])
        found.append(Rule(host, alliance.node(host).operator, names, counted, needed))
    return found


@routes.get("/api/v1/audit/witnesses", tags=["audit"], summary="见证情况 · how far logs are witnessed")
def api(request: Request) -> JSONResponse:
    """One item a log: covered, witnessed, how far that lags, each node's newest receipt, the heartbeat."""
    items = [
        {**s._asdict(), "receipts": [c._asdict() for c in s.receipts]} for s in standings(View(request).site)
    ]
    return lists.json({"items": items})
