"""What several commands take, and what most of them begin with: settings, alliance, database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from events.alliance import Alliance
from services.node import alliances
from services.runtime import database, settings
from services.runtime.database import Connection, Database
from services.runtime.settings import Settings

SettingsFile = Annotated[
    Path, typer.Option("--settings", "-s", envvar="YINQIAO_SETTINGS", help="The node's settings file.")
]
NODE_TOML = Path("node.toml")
Json = Annotated[bool, typer.Option("--json", help="One JSON document for programs.")]


class Place(NamedTuple):
    """A node as a command finds it: what it was told, and who is who."""

    settings: Settings
    alliance: Alliance

    @property
    def dsn(self) -> str:
        return self.settings.dsn.get_secret_value()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection of its own on which long statements may run. Raises Unavailable."""
        with (
            database.expecting_tables(),
            database.connect(self.dsn, options=database.PATIENT) as conn,
        ):
            yield conn

    @contextmanager
    def pool(self, size: int) -> Iterator[Database]:
        """So many connections, open until the end. Raises Unavailable."""
        pool = Database(self.dsn, size=size).open()
        try:
            with database.expecting_tables():
                yield pool
        finally:
            pool.close()


def place(file: Path) -> Place:
    """Read settings and alliance document. Raises Invalid, Damage."""
    found = settings.load(file)
    return Place(found, alliances.load(found.alliance.file, found.alliance.digest))
