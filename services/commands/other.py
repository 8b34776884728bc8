"""What a ledger is compared with: topics, read models built anew, another node, other alliance documents."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from events import alliance, errors, merkle
from events.alliance import Alliance
from events.tiles import Proven
from projections.models import MODELS
from services.auditor import elsewhere
from services.auditor.checking import Found, Outcome
from services.auditor.elsewhere import Copy
from services.commands import claimed
from services.commands.options import Place
from services.exchange import wire
from services.exchange.tiles_client import TilesClient
from services.ledger import logs, store, tiles, tree
from services.ledger.findings import LIMIT
from services.node import alliances, channel
from services.people import requests
from services.projector import rebuild
from services.runtime import clock, database, keys, settings
from services.runtime.database import Connection
from services.transport import base

Holder: TypeAlias = Callable[[str], tuple[int, merkle.Subtree]]
"""How far another node holds a log, and its tree. Raises NotFound; Damage for what does not prove itself."""
_WAIT = 1.0
_QUIET = 30


def documents(place: settings.Alliance, others: Iterable[Path]) -> list[Found]:
    """What is wrong with the alliance document: position is the version. Raises Invalid for no such file."""
    versions = alliances.Versions(place.file, place.digest)
    told = [Found("", number, "alliance", _TWICE) for number in alliances.forks(place.file)]
    if not told and (versions.look(), versions.trouble)[1]:
        told.append(Found("", versions.current.version + 1, "alliance", versions.trouble or ""))
    return [*told, *chain.from_iterable(_second(versions, path) for path in others)]


_TWICE = "two versions were signed, and both stand here as evidence"


def _second(versions: alliances.Versions, path: Path) -> Iterator[Found]:
    """A finding when another copy says another thing of a version that is held here."""
    try:
        theirs = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.Invalid(f"{path} cannot be read") from error
    number = alliance.parse(theirs).version
    ours = versions.note(number)
    if ours is None or alliance.digest(ours) == alliance.digest(theirs):
        return
    try:
        if before := versions.note(number - 1):
            alliance.check_fork(alliance.parse(before), ours, theirs)  # it proved itself when it came in
        yield Found("", number, "alliance", f"{path.name} is another version {number}, of another alliance")
    except errors.Fork as fork:
        yield Found("", number, "alliance", fork.message)
    except (errors.Damage, errors.Invalid) as error:
        yield Found("", number, "alliance", f"{path.name} is no valid version: {error.message}")


def exchange(conn: Connection, place: Place, names: Sequence[str]) -> list[Found]:
    """Compare logs with their topics. Raises Unavailable when a topic cannot be read to its end."""
    found: list[Found] = []
    with channel.opened(place.settings, place.alliance.id) as opened:
        held = names or [state.log for state in logs.states(conn)]
        begins, ends = opened.begins(held), opened.ends(held)
        for log in begins:
            copies = _copies(opened, log, begins[log], ends[log])
            found += elsewhere.compare(conn, place.alliance, log, copies, "exchange")
    return found


def _copies(opened: base.Exchange, log: str, begin: int, end: int) -> Iterator[Copy]:
    reader, quiet = opened.reader(), 0
    try:
        reader.assign({log: begin})
        while reader.positions().get(log, begin) < end:
            messages = reader.poll(_WAIT)
            if lost := [n for n in reader.notices() if isinstance(n, base.Lost | base.Stalled)]:
                raise errors.Unavailable(f"the topic of log {log} cannot be read: {lost[0].why}")
            quiet = 0 if messages else quiet + 1
            if quiet > _QUIET:
                raise errors.Unavailable(f"the topic of log {log} does not come to its end")
            for message in messages:
                if isinstance(slot := wire.read(message), wire.Slot):
                    yield Copy(slot.position, merkle.leaf_hash(message.value or b""), slot.note)
    finally:
        reader.close()


def models(conn: Connection, place: Place) -> Iterator[Found]:
    """Build each read model anew in a schema of its own, and compare its rows with the live ones.

    The position is that of the last record of the row's stream, which no later one changed.
    """
    with place.pool(2) as own:
        yield from claimed.check(conn, own)
        for report in rebuild.check(own, MODELS, processes=os.cpu_count() or 1):
            for difference in report.differences:
                log, _, rest = difference.key.partition(" ")
                stream = rest.partition(" ")[0]
                detail = f"{report.model}.{difference.table} {difference.key} is not what its events make"
                yield Found(log, _last(conn, log, stream), "model", detail)
    for name, position, count in conn.execute(_NOT_ARRIVED).fetchall():
        detail = f"timeline.arrival lacks {count} records, this one first"
        yield Found(str(name), position, "model", detail)  # type: ignore[arg-type]  # bigint


_NOT_ARRIVED = """
SELECT e.log, min(e.position), count(*) FROM model_timeline.entry e
LEFT JOIN model_timeline.arrival a USING (log, stream, position)
WHERE a.number IS NULL GROUP BY e.log ORDER BY e.log
"""


def _last(conn: Connection, log: str, stream: str) -> int:
    row = conn.execute(
        "SELECT coalesce(max(position), 0) FROM ledger.entry WHERE log = %s AND stream::text = %s",
        [log, stream],
    ).fetchone()
    return row[0] if row else 0  # type: ignore[return-value]  # bigint


@contextmanager
def node(place: Place, other: str) -> Iterator[Holder]:
    """Another node, by its name in the alliance, its URL, its database's DSN, or its settings file."""
    if other in place.alliance.nodes:
        other = place.alliance.node(other).url
    if other.startswith(("http://", "https://")):
        client = TilesClient(other, _sign(place, other))
        try:
            yield lambda log: _served(client, place.alliance, log)
        finally:
            client.close()
        return
    dsn = other if other.startswith(("postgresql://", "postgres://")) else _dsn(Path(other))
    with database.expecting_tables(), database.connect(dsn, options=database.PATIENT) as conn:
        yield lambda log: _stored(conn, log)


def _dsn(file: Path) -> str:
    return settings.load(file).dsn.get_secret_value()


def _sign(place: Place, url: str) -> requests.Sign | None:
    """As this node, to the node of that URL; nobody in particular when there is none, or no key here."""
    name, folder = place.settings.name, place.settings.keys.dir
    to = next((name for name in place.alliance.nodes if place.alliance.node(name).url == url), None)
    try:
        signer = keys.load_node(folder, place.alliance.id, name)
    except errors.YinqiaoError:
        return None
    return requests.signing(signer, to, clock.now) if to else None


def _served(client: TilesClient, known: Alliance, log: str) -> tuple[int, merkle.Subtree]:
    note = client(log, tiles.CHECKPOINT).decode(errors="replace")
    checkpoint = known.checkpoint(log, note)
    return checkpoint.size, Proven(checkpoint.size, checkpoint.root, lambda tile: client(log, tile.path))


def _stored(conn: Connection, log: str) -> tuple[int, merkle.Subtree]:
    logs.state(conn, log)
    return store.latest(conn, log)[0], tree.subtree(conn, log)


def diff(conn: Connection, holder: Holder, names: Sequence[str]) -> Outcome:
    """Compare leaf hashes, as far as both cover a log; findings are of kind `diff`. Raises Unavailable.

    Logs that are not held there are left out. What does not prove itself there is a finding too.
    """
    outcome = Outcome()
    for log in names or [state.log for state in logs.states(conn)]:
        size, ours = _stored(conn, log)
        try:
            far, theirs = holder(log)
            common = min(size, far)
            for position in elsewhere.differing(ours, theirs, common):
                outcome.findings.append(Found(log, position, "diff", "another record stands there"))
                if len(outcome.findings) >= LIMIT:
                    break
        except errors.NotFound:
            continue
        except errors.Damage as error:
            outcome.findings.append(Found(log, 0, "diff", error.message))
            continue
        outcome.logs, outcome.events = outcome.logs + 1, outcome.events + common
    return outcome
