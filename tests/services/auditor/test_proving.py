"""A proof is given only where it holds."""

import pytest

from events import errors, merkle
from events.proofs import InclusionProof
from services.auditor import proving
from services.auditor.proving import Proof
from tests.services.ledger import nodes
from tests.services.ledger.nodes import LOG, OTHER, Ledger

ALL = nodes.alliance(LOG, OTHER)


def proof(ledger: Ledger, position: int, log: str = LOG) -> Proof:
    with ledger.database.connection() as conn:
        return proving.prove(conn, ALL, ledger.guard.read(), log, position)


@pytest.mark.parametrize("position", [1, 256, 257, 300])
def test_every_record_leads_to_the_signed_root(ledger: Ledger, position: int) -> None:
    found = proof(ledger, position)

    root = ALL.checkpoint(LOG, found.note).root
    merkle.verify_inclusion(position - 1, 300, merkle.leaf_hash(found.value), found.hashes, root)


def test_what_nothing_published_covers_is_not_proved(ledger: Ledger) -> None:
    ledger.append(1)

    for position, log in ((0, LOG), (301, LOG), (1, OTHER)):
        with pytest.raises(errors.NotFound):
            proof(ledger, position, log)


def test_what_was_changed_proves_nothing(ledger: Ledger) -> None:
    with ledger.database.connection() as conn:
        conn.execute("UPDATE ledger.entry SET value = value || ' ' WHERE log = %s AND position = 9", [LOG])

    with pytest.raises(errors.Damage):
        proof(ledger, 9)


def test_a_proof_leaves_as_a_file_that_proves_the_record(ledger: Ledger) -> None:
    found = proof(ledger, 257)
    read = InclusionProof.parse(found.file)
    assert read.check(found.value) == ALL.checkpoint(LOG, found.note)
    assert not found.witnessed


def test_an_earlier_size_is_how_the_log_begins(ledger: Ledger) -> None:
    with ledger.database.connection() as conn:
        for old in (1, 255, 256, 299, 300):
            found = proving.consistent(conn, ledger.guard.read(), LOG, old)
            merkle.verify_consistency(old, 300, found.hashes, found.old_root, found.new_root)
        for old, new in ((0, 300), (301, None), (5, 301)):
            with pytest.raises((errors.Invalid, errors.NotFound)):
                proving.consistent(conn, ledger.guard.read(), LOG, old, new)


def test_a_record_beyond_the_end_of_a_closed_log_is_said_to_be_void(ledger: Ledger) -> None:
    with ledger.database.connection() as conn:
        conn.execute(
            "INSERT INTO ledger.closed (log, size, root, succession) VALUES (%s, 256, '', '{}')", [LOG]
        )

    assert proof(ledger, 256).position == 256
    with pytest.raises(errors.Void, match="closed at size 256"):
        proof(ledger, 257)
