"""One record: what it says, its payload, its bytes, what proves it, and what it is linked to."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from events import errors
from services.gateway import audit_record, covering, details, homes, kinds, linked, lists, shown
from services.gateway.paths import LogName, PositionNumber, StreamName
from services.gateway.view import View
from services.ledger import read

routes = APIRouter()


@routes.get("/records/{log}/{position}", include_in_schema=False)
def show(log: LogName, position: PositionNumber, request: Request) -> HTMLResponse:
    """The permalink of a record, whatever its type."""
    view = View(request)
    with view.site.database.connection() as conn:
        proof = covering.of(conn, log, position)
        try:
            record = read.record(conn, (log, position))
        except (errors.BadRecord, errors.Gone) as error:
            return view.page(
                "record.html",
                record=None,
                log=log,
                position=position,
                proof=proof,
                error=error,
                raw=_raw(proof.value),
            )
        home = None if proof.void else homes.of(conn, record)  # what is void belongs to nothing
        beside = audit_record.nothing(record) if proof.void else audit_record.beside(conn, view, record)
    return view.page(
        "record.html",
        record=record,
        log=log,
        position=position,
        proof=proof,
        error=None,
        raw=_raw(proof.value),
        home=home,
        beside=beside,
        fields=shown.fields(record.data, view, log=log),
        basis=[shown.record(*key) for key in record.basis],
        thing=linked.record(view, record.key) if home and record.aggregate in kinds.BY_AGGREGATE else None,
    )


def _raw(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


@routes.get("/api/v1/records/{log}/{position}", tags=["read"], summary="一条记录 · one record")
def api(log: LogName, position: PositionNumber, request: Request) -> JSONResponse:
    """The record's CloudEvents envelope as it is signed, its sentence, and what proves it.

    Of a redacted record there is no value; `redacted` is the position of the decision. `void`: the size at
    which the log was closed, before this record, which does not count. `proof.path` is the RFC 6962
    inclusion path to the root of `proof.note`, hashes as base64.
    """
    view = View(request)
    with view.site.database.connection() as conn:
        proof = covering.of(conn, log, position)
        sentence = _sentence(view, log, position)
    return lists.json(
        {
            "value": None if proof.redacted else _raw(proof.value),
            "redacted": proof.redacted,
            "void": proof.void,
            "sentence": sentence,
            "leaf": proof.leaf,
            "proof": {"size": proof.size, "note": proof.note, "path": proof.path},
        }
    )


def _sentence(view: View, log: str, position: int) -> str | None:
    with view.site.database.connection() as conn:
        try:
            return view.sentence(read.record(conn, (log, position)))
        except (errors.BadRecord, errors.Gone):
            return None


@routes.get("/api/v1/streams/{log}/{stream}", tags=["read"], summary="一个事项的全部记录 · a stream")
def stream(log: LogName, stream: StreamName, request: Request) -> JSONResponse:
    """All records of a stream in order, corrections as they stand."""
    view = View(request)
    with view.site.database.connection() as conn:
        records = read.history(conn, log, stream)
    if not records:
        raise errors.NotFound(f"there is no stream {stream[:8]} of {log} here")
    return lists.json({"items": [details.record_json(view, record) for record in records]})
