"""Every query over the loaded demo: figures as the pages count them, the same at every node."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date

import pytest

from projections import activity, cooperation, dispatches, experts, inbox, model, projects, talent, tasks
from services.auditor import asking, reports, reproducing
from services.auditor.asking import Asked
from services.auditor.queries import registry
from services.auditor.reports import Made
from services.projector.scratch import Scratch
from services.runtime import clock
from services.runtime.database import Connection
from tests.support.demo import Loaded

TODAY = clock.today(clock.now)
DAY = {"day": TODAY.isoformat()}
OWN = ("500116", "510300", "500153", "500117")


@contextmanager
def opened(loaded: Loaded, node: str) -> Iterator[tuple[Connection, Scratch]]:
    database = loaded.demo.nodes[node].database
    with database.connection() as conn:
        yield conn, Scratch(database)


def asked(loaded: Loaded, name: str, parameters: Mapping[str, object], node: str = "observer") -> Asked:
    query = registry.find(name)
    with opened(loaded, node) as (conn, build):
        return asking.ask_now(conn, build, query, query.read(parameters))


def open_questions(conn: Connection, bureau: str | None) -> set[tuple[str, str, str]]:
    items = inbox.everywhere(conn, TODAY)
    if bureau is not None:
        items = [*inbox.waiting_for(conn, bureau, TODAY), *inbox.awaited_by(conn, bureau, TODAY)]
    return {(i.log, i.stream, i.bureau) for i in items}


def figures(found: Asked) -> dict[str, int]:
    return {f.name: f.value for f in found.answer.figures}


@pytest.mark.parametrize("name", [q.name for q in registry.QUERIES])
def test_an_answer_has_one_digest_at_all_nodes_and_comes_out_again_elsewhere(
    loaded: Loaded, name: str
) -> None:
    query = registry.find(name)
    given = DAY if "day" in query.parameters.model_fields else {}
    found = [asked(loaded, name, given, node) for node in ("observer", "chongqing", "guests")]
    assert len({each.digest for each in found}) == 1
    assert found[0].answer.rows or name == "open-questions"
    with opened(loaded, "sichuan") as (conn, build):
        again = asking.ask_then(conn, build, query, query.read(given), found[0].vector)
    assert again.digest == found[0].digest


def test_every_counted_figure_is_the_number_of_its_streams(loaded: Loaded) -> None:
    for query in registry.QUERIES:
        given = DAY if "day" in query.parameters.model_fields else {}
        for figure in asked(loaded, query.name, given).answer.figures:
            assert not figure.counts or figure.value == len(figure.streams)
            assert list(figure.streams) == sorted(set(figure.streams))


@pytest.mark.parametrize("bureau", [None, *OWN])
def test_figures_are_those_that_the_pages_count(loaded: Loaded, bureau: str | None) -> None:
    of = {"bureau": bureau} if bureau else {}
    first, last = date(2024, 1, 1), date(2026, 12, 31)
    span = {"first": first.isoformat(), "last": last.isoformat()}
    with opened(loaded, "observer") as (conn, _):
        with model.reading(conn, cooperation.MODEL):
            in_force = cooperation.in_force_count(conn, TODAY, bureau)
            pairs = cooperation.partnerships(conn, TODAY, bureau)
        with model.reading(conn, activity.MODEL):
            held = activity.total(conn, activity.Chosen(bureau=bureau, first=first, last=last))
        with model.reading(conn, talent.MODEL):
            sent = dispatches.total(conn, dispatches.Chosen(home=bureau, first=first, last=last))
            served = dispatches.service(conn, dispatches.Chosen(home=bureau, first=first, last=last))
            pool = experts.pyramid(conn, TODAY, bureau)
        with model.reading(conn, tasks.MODEL):
            brought = projects.count(conn, projects.Chosen(bureau=bureau, first=first, last=last))
            due = tasks.counts(conn, tasks.Chosen(bureau=bureau), TODAY)
        with model.reading(conn, inbox.MODEL):
            waits = open_questions(conn, bureau)
    home = {"home": bureau} if bureau else {}

    assert figures(asked(loaded, "memoranda-in-force", {**DAY, **of}))["memoranda"] == in_force
    found = figures(asked(loaded, "partnerships", {**DAY, **of}))
    assert found["pairs"] + found["outside"] == len({(p.bureau, p.partner) for p in pairs})
    found = figures(asked(loaded, "activities", {**span, **of}))
    assert (found["activities"], found["persons"]) == (held.activities, held.persons)
    found = figures(asked(loaded, "dispatches", {**span, **home}))
    assert (found["dispatches"], found["experts"]) == (sent.dispatches, sent.experts)
    found = figures(asked(loaded, "service-days", {**span, **home}))
    assert found["served"] == sum(s.halves for s in served)
    assert found["confirmed"] == sum(s.confirmed for s in served)
    assert found["questioned"] == sum(s.questioned for s in served)
    assert figures(asked(loaded, "experts-pyramid", {**DAY, **of}))["persons"] == sum(s.persons for s in pool)
    assert figures(asked(loaded, "projects", {**span, **of}))["projects"] == brought
    found = figures(asked(loaded, "tasks", {**DAY, **of}))
    assert (found["tasks"], found["done"], found["overdue"]) == (due.tasks, due.done, due.overdue)
    assert figures(asked(loaded, "open-questions", {**DAY, **of}))["asks"] == len(waits)


def test_a_saved_report_names_signed_records_of_every_party(loaded: Loaded) -> None:
    found = asked(loaded, "memoranda-in-force", DAY)
    with opened(loaded, "observer") as (conn, build), conn.transaction(force_rollback=True):
        number = reports.save(conn, "备忘录", found, Made(clock.now(), "test", "0"))
        report = reports.load(conn, str(number))
        told = reproducing.document(conn, report)
    assert build
    assert told["figures"][0]["value"] == 26
    signed = [row for row in told["rows"] if len(row["fields"]["parties"]) > 1]
    assert signed
    for row in signed:
        assert {log[:6] for log, _ in row["records"]} >= set(row["fields"]["parties"])
