"""The web face of one node: all routes in one list, behind the guards."""

import warnings
from collections import deque

from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from prometheus_client import CollectorRegistry
from pydantic.warnings import UnsupportedFieldAttributeWarning

from services.gateway import (
    api,
    audit,
    audit_compare,
    audit_events,
    audit_forks,
    audit_jobs,
    audit_lineage,
    audit_packs,
    audit_replay,
    audit_reports,
    audit_streams,
    audit_verification,
    audit_witnesses,
    corrections,
    delegations,
    desk,
    details,
    drafts,
    files,
    guards,
    health,
    inbox,
    lists,
    operations,
    orders,
    overview,
    problems,
    publishing,
    reading,
    records,
    static,
    switch,
    timeline,
)
from services.gateway.site import Site

ROUTES: tuple[APIRouter, ...] = (
    overview.routes,
    switch.routes,
    inbox.routes,
    drafts.routes,
    delegations.routes,
    timeline.routes,
    records.routes,
    orders.routes,
    corrections.routes,
    operations.routes,
    audit.routes,
    audit_events.routes,
    audit_streams.routes,
    audit_compare.routes,
    audit_forks.routes,
    audit_replay.routes,
    audit_lineage.routes,
    audit_reports.routes,
    audit_packs.routes,
    audit_verification.routes,
    audit_witnesses.routes,
    files.routes,
    desk.routes,
    publishing.routes,
    health.routes,
    reading.routes,
)
"""Pages and reading API; commands, lists and things come from their registries."""


def create_app(site: Site) -> FastAPI:
    """The application of a node."""
    # FastAPI silences this one itself, but not while several applications start in one process.
    warnings.filterwarnings("ignore", category=UnsupportedFieldAttributeWarning)
    app = FastAPI(
        title="银桥 Yinqiao",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.site = site
    app.state.jobs = audit_jobs.Jobs(lambda: site.clock())  # noqa: PLW0108  (no site: the OpenAPI document alone)
    app.state.metrics = CollectorRegistry()
    app.state.metrics.register(health.Counts(site))
    app.mount("/static", static.Files(), name="static")
    for routes in (api.router(), *ROUTES, details.router(), lists.router()):
        app.include_router(routes)
    api.complete(app)
    problems.install(app)
    app.add_middleware(health.Meters, registry=app.state.metrics)
    app.add_middleware(guards.Guards, site=site, answer=problems.respond)
    deque(iter_route_contexts(app.routes), maxlen=0)  # built here and now, not by the first request's thread
    return app
