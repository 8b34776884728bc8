"""Is it alive, is it ready, and how is it doing: for machines that watch."""

from collections.abc import Iterator
from time import perf_counter

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from events import errors
from services.exchange import status as exchange
from services.gateway.site import Site
from services.ledger import witnessing
from services.projector import status as projector
from services.runtime.database import Connection

routes = APIRouter(tags=["health"])


class Counts(Collector):
    """What a scrape reads from the database: heads, coverage, lag, and what waits."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def describe(self) -> list[Metric]:
        """Nothing is read when the collector is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("yinqiao_database_up", "Whether the database answers.")
        try:
            with self._site.database.connection() as conn:
                found = [*_logs(conn), *_witnesses(conn, self._site), *_models(conn)]
        except errors.Unavailable:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        only = GaugeMetricFamily("yinqiao_read_only", "Whether the node refuses to write.")
        only.add_metric([], self._site.control.read_only() is not None)
        failures = CounterMetricFamily(
            "yinqiao_loop_failures", "How often a loop had to begin anew.", labels=["loop"]
        )
        for loop, count in self._site.control.failures().items():
            failures.add_metric([loop], count)
        yield from (up, only, failures, *_alliance(self._site), *found)


def _alliance(site: Site) -> list[Metric]:
    version = GaugeMetricFamily("yinqiao_alliance_version", "Version of the alliance document in use.")
    wrong = "What is wrong with it, or with own logs' keys or topics."
    trouble = GaugeMetricFamily("yinqiao_alliance_trouble", wrong)
    version.add_metric([], site.alliance.version)
    trouble.add_metric([], len(site.control.trouble()))
    return [version, trouble]


def _logs(conn: Connection) -> list[Metric]:
    head = GaugeMetricFamily("yinqiao_log_head", "Last position stored.", labels=["log"])
    covered = GaugeMetricFamily("yinqiao_log_covered", "Size of the latest checkpoint.", labels=["log"])
    damage = GaugeMetricFamily("yinqiao_log_damage", "Messages dropped, by kind.", labels=["log", "kind"])
    stopped = GaugeMetricFamily("yinqiao_log_stopped", "Whether a breach stopped the log.", labels=["log"])
    for log in exchange.standings(conn):
        head.add_metric([log.log], log.head)
        covered.add_metric([log.log], log.covered)
        stopped.add_metric([log.log], log.state == "stopped")
        for kind, count in log.damage.items():
            damage.add_metric([log.log, kind], count)
    return [head, covered, damage, stopped]


def _witnesses(conn: Connection, site: Site) -> list[Metric]:
    size = GaugeMetricFamily("yinqiao_log_witnessed", "Size that enough nodes cosigned.", labels=["log"])
    late = GaugeMetricFamily(
        "yinqiao_log_witness_lag_seconds", "Since when records wait for it.", labels=["log"]
    )
    silent = GaugeMetricFamily(
        "yinqiao_log_silent", "Whether its own node missed three heartbeats.", labels=["log"]
    )
    for log in witnessing.standings(conn, site.alliance, int(site.clock().timestamp())):
        size.add_metric([log.log], log.witnessed)
        late.add_metric([log.log], log.behind_seconds)
        silent.add_metric([log.log], log.silent)
    return [size, late, silent]


def _models(conn: Connection) -> list[Metric]:
    behind = GaugeMetricFamily("yinqiao_model_behind", "Covered records not yet folded.", labels=["model"])
    lag = GaugeMetricFamily(
        "yinqiao_model_lag_seconds", "Since when the first of them waits.", labels=["model"]
    )
    waits = GaugeMetricFamily(
        "yinqiao_model_waiting", "Records set aside, by cause.", labels=["model", "cause"]
    )
    for model in projector.statuses(conn):
        behind.add_metric([model.name], model.behind)
        lag.add_metric([model.name], model.lag_seconds)
        for cause, count in model.waiting.items():
            waits.add_metric([model.name, cause], count)
    return [behind, lag, waits]


class Meters:
    """Counts requests by route, and how long they took."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            "yinqiao_http_requests", "Requests.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram("yinqiao_http_seconds", "Time to answer.", ["route"], registry=registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._requests.labels(_method(scope), route, str(status)).inc()
            if status != 200 or not route.endswith("/live"):  # noqa: PLR2004  (a live page lasts as long as it lasts)
                self._seconds.labels(route).observe(perf_counter() - begun)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in {"GET", "HEAD", "POST"} else "other"


@routes.get("/healthz", summary="存活 · alive")
def alive() -> JSONResponse:
    """The process answers."""
    return JSONResponse({"status": "ok"})


@routes.get("/readyz", summary="就绪 · ready")
def ready(request: Request) -> JSONResponse:
    """Pages can be served: the database answers. Raises Unavailable; says whether the node may write."""
    site: Site = request.app.state.site
    with site.database.connection() as conn:
        conn.execute("SELECT 1")
    return JSONResponse({"status": "ok", "read_only": site.control.read_only()})


@routes.get("/metrics", summary="度量 · metrics")
def metrics(request: Request) -> Response:
    """Prometheus text format."""
    return Response(
        generate_latest(request.app.state.metrics), media_type="text/plain; version=0.0.4; charset=utf-8"
    )
