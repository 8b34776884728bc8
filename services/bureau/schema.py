"""The tables of the desk, as a step of the database's migration."""

from importlib import resources

from services.runtime.database import Migration


def migrations() -> tuple[Migration, ...]:
    """In the order in which they are applied."""
    return (Migration("desk-1", (resources.files(__package__) / "desk.sql").read_text("utf-8")),)
