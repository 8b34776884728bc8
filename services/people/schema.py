"""The tables of the private stores, as a step of the database's migration."""

from importlib import resources

from services.runtime.database import Migration


def migrations() -> tuple[Migration, ...]:
    """In the order in which they are applied."""
    return (Migration("people-1", (resources.files(__package__) / "schema.sql").read_text("utf-8")),)
