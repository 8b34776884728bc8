"""The tables of the machinery of read models, as a step of the database's migration."""

from projections import track
from services.runtime.database import Migration


def migrations() -> tuple[Migration, ...]:
    """In the order in which they are applied."""
    return (Migration("projection-1", track.schema()),)
