"""A process that ships and receives until a failpoint kills it; run by the tests."""

import sys
from pathlib import Path

from services.exchange.receive import Receiver
from services.exchange.ship import Shipper
from services.ledger.guard import GuardFile
from services.runtime.database import Database
from services.transport.inprocess import InProcessExchange
from tests.services.exchange.world import ALL
from tests.services.ledger.nodes import LOG

ROUNDS = 200


def main() -> None:
    """Arguments: DSN of the writer, its guard file, DSN of the follower, folder of the exchange."""
    writer, guard, follower, folder = sys.argv[1:]
    source, target = Database(writer, size=2).open(), Database(follower, size=2).open()
    with InProcessExchange(Path(folder)) as exchange:
        shipper = Shipper(source, exchange, GuardFile(Path(guard)), [LOG], look=0.0)
        receiver = Receiver(target, exchange, ALL, [LOG])
        for _ in range(ROUNDS):
            shipper.step()
            receiver.step(0.01)


if __name__ == "__main__":
    main()
