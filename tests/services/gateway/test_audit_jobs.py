"""Long work behind a page: begun once, seen as it is at a moment, and its failure told."""

import threading
import time

import pytest

from events import errors
from services.gateway.audit_jobs import WAITING, Job, Jobs, Progress
from services.runtime import clock


def ended(jobs: Jobs, key: str) -> Job:
    for _ in range(400):
        job = jobs.find(key)
        if job is not None and not job.is_open:
            return job
        time.sleep(0.01)
    raise AssertionError(key)


def test_a_page_sees_the_work_as_it_was_when_it_asked() -> None:
    # given work that runs
    jobs, go_on = Jobs(clock.now), threading.Event()

    def work(progress: Progress) -> int:
        progress(1, 2)
        go_on.wait(10)
        return 7

    jobs.start("report a", work)
    seen = jobs.find("report a")
    assert seen is not None
    assert seen.is_open
    # when it ends, then what was seen before does not change under the page
    go_on.set()
    assert ended(jobs, "report a").result == 7
    assert seen.is_open
    assert jobs.open("report") == []


def test_the_same_work_is_begun_once() -> None:
    jobs, go_on, begun = Jobs(clock.now), threading.Event(), []

    def work(_: Progress) -> None:
        begun.append(1)
        go_on.wait(10)

    jobs.start("a", work)
    jobs.start("a", work)
    go_on.set()
    ended(jobs, "a")
    assert len(begun) == 1


def test_too_much_work_is_refused() -> None:
    jobs, go_on = Jobs(clock.now), threading.Event()
    for number in range(WAITING):
        jobs.start(f"{number}", lambda _: go_on.wait(10))
    with pytest.raises(errors.Busy):
        jobs.start("one more", lambda _: None)
    go_on.set()


def test_why_it_failed_is_told_and_a_stranger_s_reason_is_not() -> None:
    jobs = Jobs(clock.now)

    def refuse(_: Progress) -> None:
        raise errors.Invalid("that day lies before the first record", field="day")

    def break_down(_: Progress) -> None:
        raise RuntimeError("a name that nobody may read")

    jobs.start("refused", refuse)
    jobs.start("broken", break_down)
    assert "first record" in str(ended(jobs, "refused").error)
    assert "name" not in str(ended(jobs, "broken").error)
