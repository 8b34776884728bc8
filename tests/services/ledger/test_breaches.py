"""A breach that was found is believed when its evidence shows it; a forged one accuses nobody."""

from collections.abc import Callable

import pytest

from events import errors
from services.ledger import logs, store, verify
from services.ledger.findings import Finding
from tests.services.ledger.nodes import LOG, OTHER, Ledger, alliance, note_over, values_of

ALL = alliance(LOG, OTHER)
NewLedger = Callable[..., Ledger]
GOOD = values_of(LOG, 9)
EARLY = values_of(LOG, 1, after=9, time="2024-05-01T08:00:00.000000Z")
STRANGE = values_of(OTHER, 1, after=9)
FURTHER = values_of(LOG, 1, after=10)
BREACHES = {
    "a fork": values_of(LOG, 9),
    "a shorter fork": values_of(LOG, 6),
    "another log's record": [*GOOD, *STRANGE],
    "a position left out": [*GOOD, *FURTHER],
    "a time that goes back": [*GOOD, *EARLY],
    "and after more that was not stored": [*GOOD, *values_of(LOG, 3, after=9), *STRANGE],
}


@pytest.fixture
def followed(new_ledger: NewLedger) -> Ledger:
    """Nine records of a log, in two runs."""
    ledger = new_ledger()
    ledger.follow(LOG)
    with ledger.database.connection() as conn:
        for end in (6, 9):
            store.accept(conn, ALL, LOG, GOOD[:end], note_over(LOG, GOOD[:end]))
    return ledger


def stop(ledger: Ledger, values: list[bytes]) -> errors.Breach:
    """The log signs these; gives the breach for which it was stopped."""
    with ledger.database.connection() as conn, pytest.raises(errors.Breach) as raised:
        store.accept(conn, ALL, LOG, values, note_over(LOG, values))
    logs.stop(ledger.database, LOG, raised.value)
    return raised.value


def findings(ledger: Ledger) -> list[Finding]:
    with ledger.database.connection() as conn:
        return verify.verify(conn, ALL, LOG).findings


@pytest.mark.parametrize("values", BREACHES.values(), ids=BREACHES)
def test_what_a_log_really_did_is_shown_by_its_evidence(followed: Ledger, values: list[bytes]) -> None:
    stop(followed, values)
    assert findings(followed) == []


@pytest.mark.parametrize("values", BREACHES.values(), ids=BREACHES)
def test_evidence_that_was_exchanged_shows_nothing(followed: Ledger, values: list[bytes]) -> None:
    breach = stop(followed, values)
    for evidence in ([], [note_over(LOG, GOOD).encode()] * 2, [*breach.evidence[:1], b"junk"]):
        with followed.database.connection() as conn:
            conn.execute("UPDATE ledger.breach SET evidence = %s", [evidence])
        assert [(f.position, f.kind) for f in findings(followed)] == [(breach.position, "breach")]


def test_a_breach_without_its_row_or_the_row_without_a_stop_is_found(followed: Ledger) -> None:
    stop(followed, BREACHES["a fork"])
    with followed.database.connection() as conn:
        conn.execute("UPDATE ledger.log SET state = 'open'")
        assert [(f.position, f.kind) for f in findings(followed)] == [(9, "state")]
        conn.execute("UPDATE ledger.log SET state = 'stopped'")
        conn.execute("DELETE FROM ledger.breach")
        assert [(f.position, f.kind) for f in findings(followed)] == [(9, "state")]
