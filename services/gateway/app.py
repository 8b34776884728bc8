"""The web face of one node: all routes in one list, behind the guards."""

from fastapi import APIRouter, FastAPI

from services.gateway import api, details, guards, lists, orders, problems, static, switch
from services.gateway.site import Site

ROUTES: tuple[APIRouter, ...] = (
    switch.routes, orders.routes, details.routes, lists.routes,
)  # fmt: skip
"""In this order: the first that fits answers."""


def create_app(site: Site) -> FastAPI:
    """The application of a node."""
    app = FastAPI(
        title="银桥 Yinqiao", version="1", openapi_url="/api/v1/openapi.json", docs_url=None, redoc_url=None,
    )  # fmt: skip
    app.state.site = site
    app.mount("/static", static.Files(), name="static")
    app.include_router(api.router())
    for routes in ROUTES:
        app.include_router(routes)
    api.complete(app)
    problems.install(app)
    app.add_middleware(guards.Guards, site=site, answer=problems.respond)
    return app
