"""Lists as files for Excel: CSV with a byte order mark, and XLSX; no cell of them is ever a formula."""

import csv
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

import xlsxwriter
from fastapi.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from services.gateway.view import View

Row: TypeAlias = Sequence[str]
Writer: TypeAlias = Callable[[str, Row, Iterable[Row], "View"], Response]
_FORMULA = re.compile("[\t\r]|\\s*[-=+@\uff1d\uff0b\uff0d\uff20]")  # the last four in full width
_NUMBER = re.compile(r"-?[0-9][0-9,]*(\.[0-9]+)?%?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WIDTH = 24


def _safe(text: str) -> str:
    """A text that Excel does not compute: a quote stands before what would begin a formula."""
    text = _CONTROL.sub("", text)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _heading(view: "View") -> list[str]:
    """What stands below a table: where it is from, and that it is no real business."""
    demo = [view.t("演示数据，非真实业务", "demo data, not real business")] if view.site.demo_data else []
    node = view.t(f"节点 {view.site.name}", f"node {view.site.name}")
    return [*demo, node, view.t(f"导出日期 {view.today}", f"exported on {view.today}")]


def _csv(name: str, head: Row, rows: Iterable[Row], view: "View") -> Response:
    def lines() -> Iterator[str]:
        yield "\ufeff" + line(head)
        for row in rows:
            yield line(row)
        yield line([])
        yield line(_heading(view))

    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=_named(name, "csv"))


def line(row: Row) -> str:
    """One line of a CSV file, no cell of which is computed."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_safe(text) for text in row])
    return out.getvalue()


def _xlsx(name: str, head: Row, rows: Iterable[Row], view: "View") -> Response:
    with tempfile.SpooledTemporaryFile(max_size=10_000_000) as file:
        book = xlsxwriter.Workbook(
            file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        sheet = book.add_worksheet()
        sheet.set_column(0, max(len(head) - 1, 0), _WIDTH)
        sheet.freeze_panes(1, 0)
        _write(sheet, 0, head)
        number = 0
        for number, row in enumerate(rows, 1):
            _write(sheet, number, row)
        _write(sheet, number + 2, _heading(view))
        book.close()
        file.seek(0)
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return Response(file.read(), media_type=kind, headers=_named(name, "xlsx"))


def _write(sheet: xlsxwriter.worksheet.Worksheet, number: int, row: Row) -> None:
    for column, text in enumerate(row):
        sheet.write_string(number, column, _CONTROL.sub("", text)[:32_000])


def _named(name: str, ending: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}.{ending}"'}


WRITERS: dict[str, Writer] = {"csv": _csv, "xlsx": _xlsx}
