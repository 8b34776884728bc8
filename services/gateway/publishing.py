"""What proves a log, for every log held here: C2SP tlog-tiles, and single proofs made from the same tree."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from events import errors, keys, proofs
from events.alliance import Alliance
from events.values import POSITION_LIMIT
from services.auditor import proving
from services.exchange.joining import WITNESSED
from services.gateway.paths import LogName, PositionNumber
from services.gateway.view import View
from services.ledger import logs, receipts, tiles
from services.runtime.database import Connection

routes = APIRouter(tags=["tiles"])


@routes.head("/alliance/{number}.note", include_in_schema=False)
@routes.get("/alliance/{number}.note", summary="联盟文件的一个版本 · a version of the alliance document")
def version(number: Annotated[int, Path(ge=1, le=POSITION_LIMIT)], request: Request) -> Response:
    """The signed note, for everybody. Raises NotFound for a version that is not held here."""
    note = View(request).site.control.version(number)
    if note is None:
        raise errors.NotFound(f"version {number} of the alliance document is not held at this node")
    return Response(note, media_type="text/plain; charset=utf-8", headers={"cache-control": "no-cache"})


@routes.head("/log/{log}/{path:path}", include_in_schema=False)
@routes.get("/log/{log}/{path:path}", summary="检查点与默克尔瓦片 · checkpoint and tiles")
def serve(log: LogName, path: str, request: Request) -> Response:
    """`checkpoint`, `tile/<level>/<index>[.p/<width>]` or `tile/entries/<index>[.p/<width>]`.

    A bundle of entries that holds a redacted record is gone; `entries+holes/<index>[.p/<width>]` has the leaf
    hash in its place. And `witnessed`: the newest checkpoint that enough witnesses cosigned, with their
    signatures.
    """
    view = View(request)
    with view.site.database.connection() as conn:
        if log not in logs.heads(conn):
            raise errors.NotFound(f"log {log} is not held at this node")
        if path == WITNESSED:
            content = _witnessed(conn, view.site.alliance, log)
        else:
            content = tiles.serve(conn, view.site.control.guard(), log, path)
        if path in {tiles.CHECKPOINT, WITNESSED}:
            content = receipts.served(view.site.alliance, log, content.decode()).encode()
    if path in {tiles.CHECKPOINT, WITNESSED}:
        return Response(
            content, media_type="text/plain; charset=utf-8", headers={"cache-control": "no-cache"}
        )
    return Response(content, media_type="application/octet-stream", headers={"cache-control": _kept(path)})


def _kept(path: str) -> str:
    """Hashes never change. Records may be redacted, and no copy may stay on the way."""
    return "no-store" if "entries" in path else "public, max-age=31536000, immutable"


def _witnessed(conn: Connection, alliance: Alliance, log: str) -> bytes:
    found = receipts.witnessed(conn, alliance, log, receipts.witnessed_size(conn, alliance, log))
    if found is None:
        raise errors.NotFound(f"log {log} is not witnessed as far as is known here")
    return found[1].encode()


@routes.get("/api/v1/proofs/{log}/{position}.tlog-proof", summary="一条记录的存在证明 · proof of one record")
def prove(log: LogName, position: PositionNumber, request: Request) -> Response:
    """C2SP tlog-proof: the path from the record to the root of a checkpoint, a witnessed one if possible."""
    view = View(request)
    with view.site.database.connection() as conn:
        found = proving.prove(conn, view.site.alliance, view.site.control.guard(), log, position)
    name = f"{log}-{position}{proofs.ENDING}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-cache"}
    return Response(found.file, media_type="text/plain; charset=utf-8", headers=headers)


@routes.get("/api/v1/proofs/{log}", summary="两个检查点的一致性证明 · consistency of two checkpoints")
def consistency(
    log: LogName,
    request: Request,
    old: Annotated[int, Query(alias="from", ge=1, le=POSITION_LIMIT)],
    new: Annotated[int | None, Query(alias="to", ge=1, le=POSITION_LIMIT)] = None,
) -> JSONResponse:
    """RFC 9162, 2.1.4: the log at size `from` is how it begins at size `to`; hashes in base64."""
    view = View(request)
    with view.site.database.connection() as conn:
        found = proving.consistent(conn, view.site.control.guard(), log, old, new)
    return JSONResponse(
        {
            "log": log,
            "from": {"size": found.old, "root": keys.encode(found.old_root)},
            "to": {"size": found.new, "root": keys.encode(found.new_root)},
            "proof": [keys.encode(node) for node in found.hashes],
        }
    )
