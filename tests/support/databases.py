"""Fresh databases on the test server, from templates when a schema would take long to make."""

import os
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from itertools import count
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.support.project import PACKAGES, ROOT

NAMES = (f"t{os.getpid()}_{number}" for number in count(1))


class Server:
    """The test server; every database it makes has a DSN of its own."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._templates: dict[str, str] = {}

    def new(self, template: str | None = None) -> str:
        """Makes a database, a copy of the database that the DSN or name `template` stands for, if given.

        Returns:
            The DSN of the new database.
        """
        name = next(NAMES)
        order = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._run(order.format(sql.Identifier(name), sql.Identifier(_name(template or "template0"))))
        return self.dsn_of(name)

    def template(self, key: str, prepare: Callable[[str], object]) -> str:
        """The DSN of a database that `prepare(dsn)` filled, once a session for each `key`."""
        if key not in self._templates:
            dsn = self.new()
            prepare(dsn)
            self._templates[key] = dsn
        return self._templates[key]

    def drop(self, dsn: str) -> None:
        """Drops a database, whoever is connected to it."""
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(_name(dsn))))

    def dsn_of(self, name: str) -> str:
        return urlsplit(self.dsn)._replace(path=f"/{name}").geturl()

    def _run(self, order: sql.Composed) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(order)


class KeptServer(Server):
    """One that many sessions share, one after another: the first that needs a template makes it."""

    def template(self, key: str, prepare: Callable[[str], object]) -> str:
        kept = f"kept-{key}-{_schema()}"
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [kept]).fetchone()
        if found is None:
            names = (sql.Identifier(name) for name in (_name(super().template(key, prepare)), kept))
            self._run(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))
        return self.dsn_of(kept)


@cache
def _schema() -> str:
    """Tells apart what projects with another schema have made."""
    files = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.sql"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _name(dsn: str) -> str:
    return urlsplit(dsn).path.removeprefix("/")
