"""来龙去脉 · Lineage: what a record rests on, what rests on it, and which rows and figures it touched."""

from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse

from events import errors
from services.auditor import lineage, touched
from services.auditor.lineage import Graph, Node
from services.gateway import audit, audit_graph, audit_values, audit_words, lists
from services.gateway.audit_graph import Words
from services.gateway.paths import LogName, PositionNumber
from services.gateway.view import View
from services.runtime import clock

SHOWN, ROWS = 80, 100
"""Records in the picture at most, and rows of read models that are listed."""
Steps: TypeAlias = Annotated[int, Query(ge=1, le=20)]
Direction: TypeAlias = Literal["back", "forth", "both"]
routes = APIRouter()


@routes.get("/audit/lineage/{log}/{position}", include_in_schema=False)
def show(
    log: LogName,
    position: PositionNumber,
    request: Request,
    direction: Direction = "both",
    steps: Steps = 3,
    correlated: bool = False,  # noqa: FBT001, FBT002  (a query parameter)
) -> HTMLResponse:
    """The graph around a record. Raises NotFound."""
    view = View(request)
    with view.site.database.connection() as conn:
        graph = lineage.graph(
            conn, (log, position), direction, limit=SHOWN, steps=steps, correlated=correlated
        )
        rows, figures = _touched(view, (log, position))
    return audit.page(
        view,
        "audit_lineage.html",
        log=log,
        position=position,
        direction=direction,
        steps=steps,
        correlated=correlated,
        graph=graph,
        lines=lines(view, graph),
        picture=picture(view, graph),
        rows=rows[:ROWS],
        more_rows=len(rows) > ROWS,
        figures=figures,
        label=audit_values.label,
        table=lambda name: audit_words.of(audit_words.TABLES, name, view.lang),
        shown=audit_values.value,
    )


def _touched(view: View, key: tuple[str, int]) -> tuple[list[touched.Row], list[touched.Told]]:
    with view.site.database.connection() as conn:
        try:
            rows = list(touched.rows(conn, key))
        except errors.NotFound:
            rows = []
        return rows, list(touched.figures(conn, key))


def picture(view: View, graph: Graph) -> Any:
    """The graph drawn, in the visitor's language."""
    title = view.t("来龙去脉图，文字见下表", "lineage graph; the table below says the same")
    return audit_graph.svg(graph, lambda node: _words(view, node), title)


def _words(view: View, node: Node) -> Words:
    said = node.sentence(view.lang, view.bureau) if node.record is None else view.sentence(node.record)
    when = clock.local(clock.moment(node.time)).strftime("%Y-%m-%d") if node.time else ""
    name = view.bureau(node.log[:6])
    return Words(f"{node.log}:{node.position} {when}", _short(said, name, view.lang), f"{name}：{said}")


def _short(said: str, name: str, lang: str) -> str:
    """A sentence without its bureau, as much as fits."""
    text, length = said.removeprefix(name).strip(" :：，"), 14 if lang == "zh" else 28
    return text if len(text) <= length else f"{text[: length - 1]}…"


def lines(view: View, graph: Graph) -> list[dict[str, Any]]:
    """The graph as a table, the oldest first: each record, what it says, and what it rests on how."""
    view.know(node.record for node in graph.nodes if node.record is not None)
    found = []
    for node in sorted(graph.nodes, key=lambda n: (n.time, n.key)):
        edges = [(audit_words.of(audit_words.EDGES, e.kind, view.lang), e.target) for e in graph.edges
                 if e.source == node.key]  # fmt: skip
        said = node.sentence(view.lang, view.bureau) if node.record is None else view.sentence(node.record)
        found.append({"node": node, "said": said, "edges": edges})
    return found


@routes.get(
    "/api/v1/audit/lineage/{log}/{position}", tags=["audit"], summary="来龙去脉 · lineage of a record"
)
def api(
    log: LogName,
    position: PositionNumber,
    request: Request,
    direction: Direction = "both",
    steps: Steps = 3,
    limit: Annotated[int, Query(ge=1, le=1_000)] = lineage.LIMIT,
) -> JSONResponse:
    """Nodes and edges; an edge's source rests on, follows from, answers or corrects its target."""
    view = View(request)
    with view.site.database.connection() as conn:
        graph = lineage.graph(conn, (log, position), direction, limit=limit, steps=steps)

    def names(lang: str) -> Any:
        return lambda code: _name(view, code, lang)

    return lists.json(lineage.document(graph, names))


def _name(view: View, code: str, lang: str) -> str:
    try:
        return view.site.alliance.name(code, view.today, lang)
    except errors.NotFound:
        return code
