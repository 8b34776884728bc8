"""A process that cosigns until a failpoint kills it; run by the tests."""

import sys
from datetime import timedelta
from pathlib import Path

from services.transport.inprocess import InProcessExchange
from tests.services.exchange.test_witness import NOON, Party
from tests.services.ledger.nodes import Ledger


def main() -> None:
    """Arguments: DSN, folder of the guard file, folder of the exchange, minutes since noon."""
    dsn, guard, folder, minutes = sys.argv[1:]
    with InProcessExchange(Path(folder)) as exchange:
        party = Party("west", Ledger(dsn, Path(guard)), exchange, NOON + timedelta(minutes=int(minutes)))
        party.round()


if __name__ == "__main__":
    main()
