"""Every check there is, in the order in which they are told."""

from collections.abc import Callable, Iterator

from events import errors
from services.node.checks import inside, outside, secrets
from services.node.checks.finding import Finding, Subject, bad
from services.runtime import database
from services.runtime.database import Connection

OUTSIDE: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    secrets.versions, secrets.key_files, secrets.attachment_keys, outside.exchange, outside.nodes,
)  # fmt: skip
SERVER: tuple[Callable[[Subject, Connection], Iterator[Finding]], ...] = (inside.server, inside.schema)
TABLES: tuple[Callable[[Subject, Connection], Iterator[Finding]], ...] = (
    inside.guard_file, inside.clocks, inside.alliance_forks, inside.logs, inside.witnesses,
    inside.read_models,
)  # fmt: skip


def run(subject: Subject) -> Iterator[Finding]:
    """All findings, the good ones too; what cannot be asked without a database is left out without it."""
    for check in OUTSIDE:
        yield from check(subject)
    try:
        with (
            database.expecting_tables(),
            database.connect(subject.settings.dsn.get_secret_value()) as conn,
        ):
            yield from _inside(subject, conn)
    except errors.Unavailable as error:
        said = str(error.__cause__ or "").strip().partition("\n")[0]
        yield bad("database", f"{error.message}: {said}", "start PostgreSQL, or correct dsn in node.toml")


def _inside(subject: Subject, conn: Connection) -> Iterator[Finding]:
    for check in SERVER:
        yield from check(subject, conn)
    if inside.is_ready(conn):
        for check in TABLES:
            yield from check(subject, conn)
