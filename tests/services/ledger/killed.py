"""A process that appends and signs until a failpoint kills it; run by the tests."""

import sys
from pathlib import Path

from tests.services.ledger.nodes import Ledger


def main() -> None:
    """Arguments: DSN, folder of the guard file."""
    ledger = Ledger(sys.argv[1], Path(sys.argv[2]))
    signing = ledger.checkpointer()
    for _ in range(3):
        signing.round()
        ledger.append(1)


if __name__ == "__main__":
    main()
