"""A topic that does not give what it holds costs a node its patience, and not its logs."""

from collections.abc import Iterable

import pytest

from events import errors
from services.ledger.confirm import confirm
from services.node import restoring
from services.transport.inprocess import InProcessExchange
from tests.services.exchange.conftest import NewLedger, new_ledger, new_writer
from tests.services.exchange.test_bad_records import NewWriter
from tests.services.exchange.world import ALL, agree
from tests.services.ledger.nodes import LOG

__all__ = ["new_ledger", "new_writer"]


class Withholding(InProcessExchange):
    """Its topics say that they end one record later than they do."""

    def ends(self, logs: Iterable[str]) -> dict[str, int]:
        return {log: end + 1 for log, end in super().ends(logs).items()}


@pytest.mark.timeout(60)
def test_when_the_topic_does_not_come_to_its_end_the_next_source_is_asked(
    new_writer: NewWriter,
    new_ledger: NewLedger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(restoring, "WAIT", 0.01)
    # given an empty database, and a topic that withholds its end
    with Withholding() as exchange, InProcessExchange() as elsewhere:
        exchange.create(LOG)
        with pytest.raises(errors.Unavailable, match="does not give"):
            list(restoring.from_topic(exchange)(LOG, 0))
        # when another holder has it all
        writer = new_writer(elsewhere, names=(LOG,))
        writer.ship(5)
        lost = new_ledger()
        sources = [
            restoring.from_topic(exchange), restoring.from_tiles(writer.hold, ALL, lost.database)
        ]  # fmt: skip
        # then that one is asked
        assert confirm(lost.database, ALL, lost.guard, [LOG], sources) == {LOG: 5}
        assert agree(writer.ledger, lost)
