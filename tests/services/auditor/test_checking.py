"""All logs of a node are checked, and every finding names its log."""

from dataclasses import replace
from functools import partial

import pytest

from events import errors
from services.auditor import checking, workers
from services.auditor.checking import How, Outcome
from services.ledger import findings
from tests.services.ledger import nodes
from tests.services.ledger.nodes import LOG, OTHER, Ledger

ALL = nodes.alliance(LOG, OTHER)


def verified(ledger: Ledger, *names: str) -> Outcome:
    with ledger.database.connection() as conn:
        return summed(checking.verify_all(conn, ALL, names))


def summed(outcome: Outcome) -> Outcome:
    """Without the reports that it sums."""
    return replace(outcome, reports=[])


def change(ledger: Ledger, position: int) -> None:
    with ledger.database.connection() as conn:
        conn.execute(
            "UPDATE ledger.entry SET leaf = sha256(leaf) WHERE log = %s AND position = %s", [LOG, position]
        )


def test_all_logs_are_looked_at_or_those_that_are_named(ledger: Ledger) -> None:
    assert verified(ledger) == Outcome(logs=2, events=300)
    assert verified(ledger, OTHER) == Outcome(logs=1, events=0)
    with pytest.raises(errors.NotFound):
        verified(ledger, "999999")


def test_findings_name_their_log_and_its_bureau(ledger: Ledger) -> None:
    change(ledger, 7)

    outcome = verified(ledger)

    assert not outcome.ok
    assert [(f.bureau, f.position, f.kind) for f in outcome.findings] == [(LOG, 7, "leaf")]
    assert verified(ledger, OTHER).ok


def test_progress_tells_how_much_there_is(ledger: Ledger) -> None:
    told: list[tuple[int, int]] = []
    with ledger.database.connection() as conn:
        checking.verify_all(conn, ALL, how=How(progress=lambda done, all_: told.append((done, all_))))

    assert told == [(0, 300), (300, 300), (300, 300)]


def test_streams_are_replayed_in_all_logs(ledger: Ledger) -> None:
    with ledger.database.connection() as conn:
        assert summed(checking.replay_all(conn, ALL)) == Outcome(logs=2, events=300)


def test_a_log_is_verified_in_stretches_by_processes_and_a_finding_is_told_as_in_one_piece(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given checkpoints at 300, 310, … 340, and stretches of 20 records
    monkeypatch.setattr(checking, "STRETCH", 20)
    for _ in range(4):
        ledger.append(10)
        ledger.checkpointer(LOG, OTHER).round()
    with workers.Workers(2) as started, ledger.database.connection() as conn:
        how = How(partial(started.run, ledger.dsn, "", ALL))
        # when all is well, each record is looked at once
        assert summed(checking.verify_all(conn, ALL, how=how)) == Outcome(logs=2, events=340)
        # and when a leaf and the node over it are changed, once is what is told
        change(ledger, 7)
        conn.execute("UPDATE ledger.node SET hash = sha256(hash)")
        found = checking.verify_all(conn, ALL, how=how)
        assert found == checking.verify_all(conn, ALL)
    assert [(f.position, f.kind) for f in found.findings] == [(1, "node"), (7, "leaf")]


def test_more_findings_than_anybody_reads_are_counted(ledger: Ledger) -> None:
    ledger.append(findings.LIMIT)
    with ledger.database.connection() as conn:
        conn.execute("UPDATE ledger.entry SET leaf = sha256(leaf)")
    outcome = verified(ledger)
    assert len(outcome.findings) == findings.LIMIT
    assert outcome.more >= 300
