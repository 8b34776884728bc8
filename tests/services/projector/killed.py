"""A projector in a process of its own, for tests that kill it; its argument is the DSN."""

import sys

from projections import models
from services.projector.runner import Projector
from services.runtime.database import Database


def main() -> None:
    """Fold everything there is, five records a batch."""
    database = Database(sys.argv[1], size=2).open()
    projector = Projector(database, models.MODELS, batch=5)
    projector.prepare()
    while projector.step():
        pass
    database.close()


if __name__ == "__main__":
    main()
