"""What is served of a cosigned checkpoint: the log's own signature, and as many witnesses as are needed."""

import pytest

from events import notes
from services.ledger import receipts
from tests.services.exchange.test_witness import NODES, alliance, cosigner
from tests.services.ledger import nodes
from tests.services.ledger.nodes import LOG


@pytest.mark.parametrize("needed", [1, 2])
def test_a_served_note_carries_the_signatures_that_the_policy_needs(needed: int) -> None:
    # given a log hosted at east, whose checkpoint all three nodes cosigned: west and third count
    members = alliance(needed)
    note = nodes.note_over(LOG, [b"one"])
    full = notes.join([note, *(notes.cosign(note, cosigner(name), 1) for name in NODES)])
    # when it is served
    served = receipts.served(members, LOG, full)
    # then as many of these two stand on it as are needed, and neither the host's nor more
    names = [line[0] for line in notes.split(served)[1]]
    counted = [members.cosigner(name).name for name in ("west", "third")]
    assert names == [*(line[0] for line in notes.split(note)[1]), *counted[:needed]]


def test_a_note_that_too_few_cosigned_is_served_as_it_is() -> None:
    # given a checkpoint that only one witness and a stranger cosigned
    note = nodes.note_over(LOG, [b"one"])
    one = notes.cosign(note, cosigner("west"), 1)
    full = notes.join([one, notes.cosign(note, cosigner("stranger"), 1)])
    # when it is served
    # then the witness stands on it, the stranger does not
    assert receipts.served(alliance(2), LOG, full) == one
