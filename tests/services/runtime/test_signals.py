"""A hint wakes who waits; a missing one costs the pause only."""

import threading
import time

from services.runtime.signals import Wake


def test_hints_before_the_wait_are_one_hint() -> None:
    wake = Wake()
    wake.set()
    wake.set()
    assert wake.wait(0)
    assert not wake.wait(0)


def test_a_hint_from_another_thread_ends_the_wait() -> None:
    wake = Wake()
    threading.Timer(0.05, wake.set).start()
    assert wake.wait(10)


def test_a_hint_given_during_the_work_is_seen_at_the_next_wait() -> None:
    wake = Wake()
    wake.set()
    assert wake.wait(0)
    wake.set()  # while the woken one works
    assert wake.wait(0)


def test_hints_that_leave_time_to_rest_come_together_after_it() -> None:
    # given a waiter that was woken just now
    wake = Wake()
    wake.set(0.2)
    begun = time.monotonic()
    assert wake.wait(0)
    # when hints come that may wait, then it is woken once, when it has rested
    wake.set(0.2)
    wake.set(0.2)
    assert not wake.wait(0)
    assert wake.wait(10)
    assert 0.2 <= time.monotonic() - begun < 5
    assert not wake.wait(0)


def test_a_hint_that_cannot_wait_ends_the_rest() -> None:
    wake = Wake()
    wake.set()
    assert wake.wait(0)
    wake.set(60)
    assert not wake.wait(0)
    wake.set()
    assert wake.wait(0)
