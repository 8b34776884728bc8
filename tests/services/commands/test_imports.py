"""`yinqiao import`: lines become records once, and a refused line is told with what helps."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from events import envelope
from services.ledger import read
from tests.services.commands.installation import ALLIANCE, LOGS, Installation

HERE, THERE = LOGS


def line(title: str = "重阳节红色研学", log: str = HERE, at: str | None = None, **changed: Any) -> str:
    body = {
        "title": title, "form": "field-study", "theme": "revolution", "starts": "2025-05-01",
        "ends": "2025-05-02", "place": {"division": HERE}, **changed,
    }  # fmt: skip
    asked = {"log": log, "command": "activity/plan", "body": body} | ({"at": at} if at else {})
    return json.dumps(asked, ensure_ascii=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "commands.jsonl"


def test_lines_are_recorded_and_delivered_twice_recorded_once(installed: Installation, file: Path) -> None:
    file.write_text(f"{line('一')}\n\n{line('二', at='2025-04-01T08:00:00+08:00')}\n", "utf-8")
    words = ("import", str(file), "--as", f"{HERE}/clerk")

    first = installed.json(*words)
    again = installed.json(*words)

    counts = {"dry_run": False, "lines": 2, "refused": 0, "errors": []}
    assert first == {**counts, "recorded": 2, "repeated": 0, "events": 2}
    assert again == {**counts, "recorded": 0, "repeated": 2, "events": 0}
    assert [r.data.title for r in records(installed)] == ["一", "二"]


def test_the_same_line_twice_in_a_file_is_one_record(installed: Installation, file: Path) -> None:
    file.write_text(f"{line()}\r\n{line()}", "utf-8")

    summary = installed.json("import", str(file), "--as", f"{HERE}/clerk")

    assert (summary["recorded"], summary["repeated"]) == (1, 1)


def test_lines_of_several_logs_are_recorded_by_who_acts_for_each(installed: Installation, file: Path) -> None:
    file.write_text("\n".join([line("一"), line("二", THERE), line("三")]), "utf-8")

    installed.run("import", str(file), "--as", f"{HERE}/clerk", "--as", f"{THERE}/leader")

    assert (len(records(installed)), len(records(installed, THERE))) == (2, 1)


def test_refused_lines_are_told_with_line_field_and_remedy_and_the_others_go_on(
    installed: Installation, file: Path
) -> None:
    bad = [
        "{no json", line(title=""), line(log="999999"), line(log=THERE), line(at="2999-01-01T00:00:00Z"),
        line(at="2025-01-01T00:00:00"), '{"log": "500116", "log": "500116"}', line(unknown=1),
        json.dumps({"log": HERE, "command": "activity/dance", "body": {}}),
        json.dumps({"log": HERE, "command": "cooperation/propose", "body": {}}), line(starts="2025-05-03"),
    ]  # fmt: skip
    file.write_text("\n".join([*bad, line("好")]), "utf-8")

    summary = installed.json("import", str(file), "--as", f"{HERE}/clerk", exit_code=1)

    assert (summary["recorded"], summary["refused"]) == (1, len(bad))
    assert [(e["line"], e["field"], e["kind"]) for e in summary["errors"]] == [
        (1, "line", "invalid"), (2, "title", "invalid"), (3, "log", "not-allowed"),
        (4, "log", "not-allowed"), (5, "at", "invalid"), (6, "at", "invalid"), (7, "line", "invalid"),
        (8, "unknown", "invalid"), (9, None, "not-found"), (10, "log", "not-allowed"),
        (11, "ends", "invalid"),
    ]  # fmt: skip
    assert all(e["message"] and e["remedy"] for e in summary["errors"])


def test_a_line_that_binds_the_bureau_takes_its_leader(installed: Installation, file: Path) -> None:
    file.write_text(json.dumps({"log": HERE, "command": "cooperation/propose", "body": {}}), "utf-8")

    (error,) = installed.json("import", str(file), "--as", f"{HERE}/leader", exit_code=1)["errors"]

    assert error["kind"] == "invalid"


def test_a_dry_run_finds_the_same_faults_and_records_nothing(installed: Installation, file: Path) -> None:
    file.write_text(f"{line()}\n{line(title='')}\n", "utf-8")

    summary = installed.json("import", str(file), "--as", f"{HERE}/clerk", "--dry-run", exit_code=1)

    assert (summary["lines"], summary["refused"], summary["recorded"]) == (2, 1, 0)
    assert records(installed) == []


def test_later_lines_may_rest_on_earlier_ones(installed: Installation, file: Path) -> None:
    plan = line()
    key = sha256(plan.encode()).hexdigest()
    stream = envelope.subject_id(envelope.namespace(ALLIANCE, HERE), key, 0)
    held = {
        "log": HERE,
        "command": "activity/hold",
        "body": {"stream": stream, "day": "2025-05-02", "persons": 7},
    }
    file.write_text(f"{plan}\n{json.dumps(held)}\n", "utf-8")

    installed.run("import", str(file), "--as", f"{HERE}/clerk")

    assert [r.version for r in records(installed)] == [1, 2]


@pytest.mark.parametrize("acting", ["500116", "500116/king"])
def test_nobody_else_acts(installed: Installation, file: Path, acting: str) -> None:
    file.write_text(line(), "utf-8")

    installed.run("import", str(file), "--as", acting, exit_code=2)


def records(installed: Installation, log: str = HERE) -> list[Any]:
    """What a log holds."""
    with installed.node() as node, node.database.connection() as conn:
        return [read.record(conn, (log, e.position)) for e in read.entries(conn, log)]


@pytest.mark.parametrize(
    "at", ["0225-05-01T08:00:00+08:00", "0001-01-01T00:00:00+08:00", "1899-12-31T23:59:59+08:00"]
)
def test_a_line_of_a_year_that_nobody_means_is_refused_and_the_log_goes_on(
    installed: Installation, file: Path, at: str
) -> None:
    # given a mistyped year between two good lines
    file.write_text("\n".join([line("一"), line("二", at=at), line("三")]), "utf-8")
    # when the file is imported
    summary = installed.json("import", str(file), "--as", f"{HERE}/clerk", exit_code=1)
    # then that line is told, and every record of the others can be read
    assert [(e["line"], e["field"], e["kind"]) for e in summary["errors"]] == [(2, "at", "invalid")]
    assert [r.data.title for r in records(installed)] == ["一", "三"]
