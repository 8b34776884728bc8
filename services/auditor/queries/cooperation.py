"""Questions on memoranda and partnerships."""

from projections import cooperation, memoranda
from services.auditor import answers
from services.auditor.answers import Answer
from services.auditor.queries.base import OnDay, Query, pages
from services.runtime.database import Connection


def _in_force(conn: Connection, asked: OnDay) -> Answer:
    chosen = memoranda.Chosen(bureau=asked.bureau, in_force=True)
    rows = [
        row
        for row in pages(
            lambda after, limit: memoranda.register(conn, chosen, asked.day, limit=limit, after=after)
        )
        if asked.bureau is None or asked.bureau in row.parties
    ]
    bureaus = {bureau for row in rows for bureau in row.parties}
    return answers.answer(
        [
            answers.number("memoranda", "生效备忘录", "memoranda in force", rows),
            answers.measure("bureaus", "受约束单位", "bureaus bound", len(bureaus), rows),
        ],
        map(answers.row, rows),
    )


def _partnerships(conn: Connection, asked: OnDay) -> Answer:
    rows = cooperation.partnerships(conn, asked.day, asked.bureau)
    between, outside = [r for r in rows if not r.outside], [r for r in rows if r.outside]
    return answers.answer(
        [
            answers.measure("pairs", "结对单位对数", "pairs of bureaus", _pairs(between), between),
            answers.measure(
                "outside", "与外部单位结对", "pairs with outside parties", _pairs(outside), outside
            ),
            answers.number("memoranda", "所依据备忘录", "memoranda behind them", rows),
        ],
        [answers.row(r, f"{r.bureau} {r.partner}") for r in rows],
    )


def _pairs(rows: list[cooperation.Partnership]) -> int:
    return len({(row.bureau, row.partner) for row in rows})


QUERIES = (
    Query(
        "memoranda-in-force", "生效备忘录", "memoranda in force", cooperation.MODEL, OnDay, _in_force,
    ),
    Query("partnerships", "结对关系", "partnerships", cooperation.MODEL, OnDay, _partnerships),
)  # fmt: skip
