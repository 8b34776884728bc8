"""Tiles and checkpoints of logs, as C2SP tlog-tiles serves them, for every log that this node holds."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from events import errors
from services.gateway.paths import LogName
from services.gateway.view import View
from services.ledger import logs, tiles

routes = APIRouter(tags=["tiles"])


@routes.get("/log/{log}/{path:path}", summary="检查点与默克尔瓦片 · checkpoint and tiles")
def serve(log: LogName, path: str, request: Request) -> Response:
    """`checkpoint`, `tile/<level>/<index>[.p/<width>]` or `tile/entries/<index>[.p/<width>]`."""
    view = View(request)
    with view.site.database.connection() as conn:
        if log not in logs.heads(conn):
            raise errors.NotFound(f"log {log} is not held at this node")
        content = tiles.serve(conn, view.site.control.guard(), log, path)
    if path == tiles.CHECKPOINT:
        return Response(
            content, media_type="text/plain; charset=utf-8", headers={"cache-control": "no-cache"}
        )
    return Response(
        content,
        media_type="application/octet-stream",
        headers={"cache-control": "public, max-age=31536000, immutable"},
    )
