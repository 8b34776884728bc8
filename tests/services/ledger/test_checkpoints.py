"""One writer signs all that was appended; whatever dies or freezes, the database contains what left."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from events import errors, merkle
from services.ledger import checkpoints, guard, logs, read, tree
from services.ledger.checkpoints import RUN_BYTES, RUN_RECORDS
from services.runtime.failpoints import VARIABLE
from tests.services.ledger.nodes import LOG, OTHER, Ledger, alliance

ALL = alliance(LOG, OTHER)
STEPS = ("checkpoint.signed", "checkpoint.committed", "checkpoint.guarded")


def stored(ledger: Ledger, log: str = LOG) -> list[int]:
    with ledger.database.connection() as conn:
        rows = conn.execute(
            "SELECT size FROM ledger.checkpoint WHERE log = %s ORDER BY size", [log]
        ).fetchall()
    return [size for (size,) in rows]  # type: ignore[misc]  # bigint


def check_all(ledger: Ledger, log: str = LOG) -> None:
    """Every stored checkpoint is over the records, the guard holds the last one."""
    with ledger.database.connection() as conn:
        leaves = [merkle.leaf_hash(entry.value) for entry in read.entries(conn, log)]
        for size, root, note in conn.execute(
            "SELECT size, root, note FROM ledger.checkpoint WHERE log = %s", [log]
        ).fetchall():
            checkpoint = ALL.checkpoint(log, note)  # type: ignore[arg-type]  # text
            assert (checkpoint.size, checkpoint.root) == (size, root)
            assert root == merkle.root(leaves[: checkpoint.size])
    held = ledger.guard.read()
    assert held is not None
    assert held.size(log) == max(stored(ledger, log), default=0)


def test_a_round_covers_every_log_and_says_what_may_leave(ledger: Ledger) -> None:
    ledger.open(OTHER)
    signing = ledger.checkpointer(LOG, OTHER)
    assert signing.round() == []
    ledger.append(3)
    ledger.append(700, OTHER)
    assert [(s.log, s.size) for s in signing.round()] == [(LOG, 3), (OTHER, 700)]
    ledger.append(1)
    (signed,) = signing.round()
    assert ALL.checkpoint(LOG, signed.note).size == 4
    assert signing.round() == []
    check_all(ledger)
    check_all(ledger, OTHER)


def test_a_backlog_is_cut_at_a_thousand_records(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    # given more than fits a step
    monkeypatch.setattr(checkpoints, "_STEP", 1500)
    ledger.append(4321)
    # when one round is made
    signed = ledger.checkpointer().round()
    # then everything is covered, no run is longer than allowed, each is in order
    sizes = [s.size for s in signed]
    assert sizes == stored(ledger)
    assert sizes[-1] == 4321
    assert all(0 < b - a <= RUN_RECORDS for a, b in zip([0, *sizes], sizes, strict=False))
    check_all(ledger)


def test_cuts_keep_both_limits() -> None:
    assert checkpoints.cuts([100] * 1000) == [1000]
    assert checkpoints.cuts([100] * 1001) == [1000, 1001]
    big = checkpoints.cuts([60_000] * 200)
    assert big[-1] == 200
    assert all(60_000 * (b - a) < RUN_BYTES for a, b in zip([0, *big], big, strict=False))


def test_a_restarted_process_continues_the_tree(ledger: Ledger) -> None:
    for count in (1, 254, 1, 300, 513):
        ledger.append(count)
        tree.TREES._known.clear()
        ledger.checkpointer().round()
    check_all(ledger)


def test_two_by_mistake_take_turns(ledger: Ledger) -> None:
    def work() -> None:
        signing = ledger.checkpointer()
        for _ in range(5):
            ledger.append(7)
            signing.round()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored(ledger)[-1] == 105
    check_all(ledger)


def once(monkeypatch: pytest.MonkeyPatch, step: str, act: Callable[[], object]) -> None:
    """Do something the next time that the test itself passes the step; a demo's threads may pass it too."""
    mine = threading.get_ident()

    def failpoint(name: str) -> None:
        if name == step and threading.get_ident() == mine:
            monkeypatch.setattr(checkpoints, "failpoint", lambda _: None)
            act()

    monkeypatch.setattr(checkpoints, "failpoint", failpoint)


def test_a_zombie_commits_nothing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a process that freezes with its signature made, until its session is ended and another signs
    ledger.append(5)
    zombie, other = ledger.checkpointer(), ledger.checkpointer()

    def meanwhile() -> None:
        with ledger.database.connection() as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state = 'idle in transaction'"
            )
        ledger.append(5)
        assert [s.size for s in other.round()] == [10]

    once(monkeypatch, "checkpoint.signed", meanwhile)
    # when it wakes, then it fails, and only what the other signed stands
    with pytest.raises(errors.Unavailable):
        zombie.round()
    assert stored(ledger) == [10]
    check_all(ledger)
    # and from then on it works like any other
    ledger.append(1)
    assert [s.size for s in zombie.round()] == [11]


def test_who_wakes_after_its_commit_does_not_lower_the_guard(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append(5)
    frozen, other = ledger.checkpointer(), ledger.checkpointer()

    def meanwhile() -> None:
        ledger.append(5)
        other.round()

    once(monkeypatch, "checkpoint.committed", meanwhile)
    assert [s.size for s in frozen.round()] == [5]
    assert stored(ledger) == [5, 10]
    check_all(ledger)


def test_nothing_is_signed_for_a_database_that_lost_what_was_signed(ledger: Ledger) -> None:
    ledger.append(5)
    signing = ledger.checkpointer()
    signing.round()
    with ledger.database.connection() as conn:
        conn.execute("DELETE FROM ledger.checkpoint")
    ledger.append(1)
    with pytest.raises(errors.ReadOnly, match=f"log {LOG} was signed up to 5"):
        signing.round()
    assert stored(ledger) == []


def test_nothing_is_signed_over_records_that_were_changed(ledger: Ledger) -> None:
    ledger.append(300)
    ledger.checkpointer().round()
    with ledger.database.connection() as conn:
        conn.execute("UPDATE ledger.entry SET leaf = sha256('x') WHERE position = 299")
    ledger.append(1)
    tree.TREES._known.clear()
    with pytest.raises(errors.ReadOnly, match="does not lead to its root"):
        ledger.checkpointer().round()


@pytest.mark.faults
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_goes_on_and_the_guard_holds(ledger: Ledger, step: str) -> None:
    for round_ in range(int(os.environ.get("FAULT_ROUNDS", "3"))):
        # given a process that is killed at the step, on the first checkpoint of all or on a later one
        ledger.append(2)
        _killed(ledger, f"{step}:{1 if round_ == 0 else 2}")
        held = ledger.guard.read()
        assert held is not None
        with ledger.database.connection() as conn:
            guard.check(conn, held)
            head = logs.heads(conn)[LOG]
        # when another one makes a round, then all is covered and guarded, and its note may leave
        ledger.append(1)
        assert ledger.checkpointer().round()[-1].size == head + 1
        check_all(ledger)


def _killed(ledger: Ledger, failpoint: str) -> None:
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, str(script), ledger.dsn, str(ledger.folder)],
        env={VARIABLE: failpoint, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def test_a_note_that_was_never_guarded_leaves_with_the_next_round(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append(5)

    def die() -> None:
        raise KeyboardInterrupt

    once(monkeypatch, "checkpoint.committed", die)
    with pytest.raises(KeyboardInterrupt):
        ledger.checkpointer().round()
    held = ledger.guard.read()
    assert held is not None
    assert held.heads == {}
    assert [s.size for s in ledger.checkpointer().round()] == [5]
    assert ledger.checkpointer().round() == []
