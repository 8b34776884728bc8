"""分叉与违约 · Forks and breaches: logs that broke their promise, with the evidence that shows it."""

from datetime import datetime
from typing import Annotated, Any, NamedTuple, TypeAlias

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from psycopg.rows import class_row

from events import errors, keys
from services.gateway import audit, lists
from services.gateway.paths import LogName
from services.gateway.view import View
from services.runtime.database import Connection

Kind: TypeAlias = Annotated[str, Path(pattern=r"^[a-z-]{1,40}$")]
Position: TypeAlias = Annotated[int, Path(ge=0, le=2**62)]
routes = APIRouter()


class Breach(NamedTuple):
    """One of `ledger.breach`; `evidence` are the notes and values that show it."""

    log: str
    position: int
    kind: str
    detail: str
    evidence: list[bytes]
    found: datetime

    @property
    def texts(self) -> list[str]:
        """The evidence as people read it."""
        return [piece.decode("utf-8", "backslashreplace") for piece in self.evidence]


def breaches(conn: Connection) -> list[Breach]:
    """All of them, the newest first."""
    with conn.cursor(row_factory=class_row(Breach)) as cursor:
        return cursor.execute(
            "SELECT log, position, kind, detail, evidence, found FROM ledger.breach ORDER BY found DESC, log"
        ).fetchall()


@routes.get("/audit/forks", include_in_schema=False)
def show(request: Request) -> HTMLResponse:
    """Every breach, both notes side by side."""
    view = View(request)
    with view.site.database.connection() as conn:
        found = breaches(conn)
    return audit.page(view, "audit_forks.html", breaches=found, trouble=view.site.control.trouble())


@routes.get("/audit/forks/{log}/{position}/{kind}", include_in_schema=False)
def evidence(log: LogName, position: Position, kind: Kind, request: Request) -> Response:
    """The evidence as one file of text, byte for byte in base64 too. Raises NotFound."""
    with View(request).site.database.connection() as conn:
        kept = {(b.log, b.position, b.kind): b for b in breaches(conn)}
    found = kept.get((log, position, kind))
    if found is None:
        raise errors.NotFound("there is no such page")
    headers = {"content-disposition": f'attachment; filename="{log}-{position}-{kind}.json"'}
    return Response(lists.json(_document(found)).body, media_type="application/json", headers=headers)


def _document(breach: Breach) -> dict[str, Any]:
    pieces = [
        {"base64": keys.encode(bytes(piece)), "text": text}
        for piece, text in zip(breach.evidence, breach.texts, strict=True)
    ]
    return {**breach._asdict(), "evidence": pieces}


@routes.get("/api/v1/audit/forks", tags=["audit"], summary="分叉与违约 · forks and breaches")
def api(request: Request) -> JSONResponse:
    """Every breach with its evidence, as base64 and as text."""
    with View(request).site.database.connection() as conn:
        return lists.json({"items": [_document(breach) for breach in breaches(conn)]})
