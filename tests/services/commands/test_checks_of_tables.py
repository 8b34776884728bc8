"""`yinqiao audit verify` finds what was changed in tables that are made of records, or kept beside them."""

import pytest

from tests.services.commands.installation import LOGS, Installation

HERE = LOGS[0]


@pytest.fixture
def kept(installed: Installation) -> Installation:
    """60 events in one log, signed and projected, and a report on them."""
    installed.run("simulate", "--events", "60")
    installed.settle()
    period = ("--with", "first=2020-01-01", "--with", "last=2030-12-31")
    installed.run("audit", "report", "save", "r", "--query", "activities", *period)
    installed.run("audit", "verify")
    return installed


def found(there: Installation, *words: str) -> set[tuple[str, int, str]]:
    told = there.json("audit", "verify", *words, exit_code=1)
    return {(f["log"], f["position"], f["kind"]) for f in told["findings"]}


def test_reports_and_verifications_that_contradict_themselves_are_found(kept: Installation) -> None:
    kept.execute("UPDATE auditor.report SET parameters = replace(parameters, '2020', '2021')")
    assert found(kept, "--quick") == {("", 1, "report")}
    kept.execute("UPDATE auditor.report SET parameters = 'x'")
    assert found(kept, "--quick") == {("", 1, "report")}
    kept.execute("DELETE FROM auditor.report")

    kept.execute("UPDATE auditor.verification SET upto = 99999, findings = 0 WHERE log = %s", HERE)
    assert found(kept, "--quick") == {(HERE, 61, "verification")}


def test_claims_waiting_records_and_arrivals_that_were_changed_are_found(kept: Installation) -> None:
    assert kept.json("audit", "verify", "--models")["ok"]
    # when a claim is held for no record, by a stream or by nobody
    kept.execute(
        "INSERT INTO ledger.claim SELECT log, 'half-day', 'x', stream FROM ledger.entry WHERE position = 3"
    )
    ((log, position, kind),) = found(kept, "--models")
    assert (log, kind) == (HERE, "claim")
    assert position >= 3
    kept.execute("UPDATE ledger.claim SET stream = gen_random_uuid() WHERE key = 'x'")
    assert found(kept, "--models") == {(HERE, 0, "claim")}
    kept.execute("DELETE FROM ledger.claim WHERE key = 'x'")
    # or a record is said to wait, or never to have arrived
    kept.execute(
        "INSERT INTO projection.waiting SELECT 'activity', log, position, stream,"
        " '2020-01-01T00:00:00.000000Z', 't', 'held', NULL, NULL, 0, '', now() FROM ledger.entry"
        " WHERE log = %s AND position = 60",
        HERE,
    )
    assert found(kept, "--models") == {(HERE, 60, "model")}
    kept.execute("DELETE FROM projection.waiting WHERE attempts = 0")
    kept.execute("DELETE FROM model_timeline.arrival WHERE position IN (7, 9)")
    assert found(kept, "--models") == {(HERE, 7, "model")}
