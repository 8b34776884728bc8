"""All logs of a node are checked, and every finding names its log."""

import pytest

from events import errors
from services.auditor import checking
from services.auditor.checking import Outcome
from tests.services.ledger import nodes
from tests.services.ledger.nodes import LOG, OTHER, Ledger

ALL = nodes.alliance(LOG, OTHER)


def verified(ledger: Ledger, *names: str) -> Outcome:
    with ledger.database.connection() as conn:
        return checking.verify_all(conn, ALL, ledger.guard.read(), names)


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
        checking.verify_all(conn, ALL, None, progress=lambda done, all_: told.append((done, all_)))

    assert told == [(0, 300), (300, 300)]


def test_streams_are_replayed_in_all_logs(ledger: Ledger) -> None:
    with ledger.database.connection() as conn:
        assert checking.replay_all(conn) == Outcome(logs=2, events=300)
