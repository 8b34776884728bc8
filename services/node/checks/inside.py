"""What stands in the node's database: is it the right one, whole, and moving?"""

from collections.abc import Iterator, Mapping

from events import errors
from events.alliance import Alliance
from projections.models import BY_NAME
from services.exchange import status as exchange
from services.ledger import guard, witnessing
from services.ledger import logs as ledger_logs
from services.ledger.guard import GuardFile
from services.node import alliances
from services.node.checks.finding import Finding, Subject, bad, good, warning
from services.node.node import migrations
from services.projector import status as models
from services.runtime import clock
from services.runtime.database import NO_TABLES, Connection

OLDEST_SERVER = 150_000
CLOCK_SECONDS = 2.0
FROZEN_SECONDS = 30.0
SILENT_SECONDS = 7 * 24 * 3600.0
WITNESS_SECONDS = 3600.0
_START = "start the node: yinqiao node"


def server(_: Subject, conn: Connection) -> Iterator[Finding]:
    """Reached, new enough, and careful with what it answered."""
    version = conn.info.server_version
    if version < OLDEST_SERVER:
        yield bad("database", f"PostgreSQL {version // 10_000} is too old", "move to PostgreSQL 15 or later")
    else:
        yield good("database", f"PostgreSQL {version // 10_000} answers")
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        row = conn.execute("SELECT current_setting(%s)", [name]).fetchone()
        if row == ("off",):
            yield warning("database", f"{name} is off: a crash loses what was answered", f"set {name} = on")


def schema(subject: Subject, conn: Connection) -> Iterator[Finding]:
    """Every step of the schema was applied, and none but those."""
    if not (done := _applied(conn)):
        signed = subject.settings.guard.file.exists()  # then this is not before the first start
        yield (bad if signed else warning)("schema", "there are no tables of a node here", NO_TABLES)
        return
    steps = {step.name: step.checksum for step in migrations()}
    changed = [name for name, checksum in done.items() if steps.get(name, checksum) != checksum]
    if changed:
        yield bad(
            "schema", f"{changed[0]} has another text than was applied", "install the version that fits"
        )
    if newer := sorted(done.keys() - steps.keys()):
        yield bad("schema", f"{newer[0]} is not known here", "install the version that made this database")
    if pending := [name for name in steps if name not in done]:
        yield warning("schema", f"{len(pending)} steps are pending, first {pending[0]}", _START)
    if steps == done:
        yield good("schema", f"all {len(steps)} steps were applied")


def _applied(conn: Connection) -> dict[str, str]:
    if conn.execute("SELECT to_regclass('public.migration')").fetchone() == (None,):
        return {}
    rows = conn.execute("SELECT name, checksum FROM public.migration").fetchall()
    return {str(name): str(checksum) for name, checksum in rows}


def is_ready(conn: Connection) -> bool:
    """Whether the tables are there at all; without them nothing more can be asked."""
    return {step.name for step in migrations()} <= _applied(conn).keys()


def guard_file(subject: Subject, conn: Connection) -> Iterator[Finding]:
    """The database holds all that was signed."""
    try:
        found = GuardFile(subject.settings.guard.file).read()
        guard.check(conn, found)
    except errors.ReadOnly as error:
        yield bad("guard", error.message, f"{_START}; it confirms itself from its topics and other nodes")
    else:
        yield good("guard", "the database holds all that this node has signed")


def clocks(subject: Subject, conn: Connection) -> Iterator[Finding]:
    """This machine's clock and the database's agree, and no record says a time to come."""
    row = conn.execute("SELECT clock_timestamp(), (SELECT max(time) FROM ledger.log WHERE own)").fetchone()
    moment, last = row or (None, None)
    now = subject.now()
    apart = abs((now - moment).total_seconds()) if moment else 0.0  # type: ignore[operator]  # a timestamptz
    if apart > CLOCK_SECONDS:
        yield bad("clock", f"this machine and the database are {apart:.0f} s apart", "set both by NTP")
    elif last and str(last) > clock.text(now):
        yield bad("clock", f"the last own record says {last}, which is to come", "set the clock by NTP")
    else:
        yield good("clock", f"this machine and the database are {apart:.1f} s apart")


def alliance_forks(subject: Subject, conn: Connection) -> Iterator[Finding]:
    """No version of the alliance document was seen twice, even where its folder could not keep both."""
    file = subject.settings.alliance.file
    kept = alliances.forks(file)
    for number in ledger_logs.breached(conn, alliances.BREACH):
        if number not in kept and not alliances.is_settled(file, number):
            detail = f"version {number} of the alliance document was signed twice: table ledger.breach"
            yield bad("alliance", detail, "settle it in the alliance, as deploy/keys.md says")


def logs(subject: Subject, conn: Connection) -> Iterator[Finding]:
    """No log stopped by a breach, none unsigned, nobody silent."""
    standings = exchange.standings(conn)
    yield from _stopped(standings)
    unsigned = [s.log for s in standings if s.own and s.head > s.covered]
    if unsigned:
        yield warning("logs", f"{_some(unsigned)} end in records that are not signed yet", _START)
    for node, who in _silent(subject.alliance, standings).items():
        yield warning("logs", f"nothing came from node {node} for a week: {_some(who)}", "ask its operator")
    if not unsigned and all(s.breach is None for s in standings):
        yield good("logs", f"{len(standings)} logs, none stopped, none unsigned")


def witnesses(subject: Subject, conn: Connection) -> Iterator[Finding]:
    """Others cosign what stands here, and every log's own node gives its heartbeat."""
    alliance = subject.alliance
    if not alliance.document.policy.witnesses:
        yield warning("witnesses", "the alliance names none", "name some in its policy, to lock figures")
        return
    now = int(subject.now().timestamp())
    found = [s for s in witnessing.standings(conn, alliance, now) if s.covered]
    if late := [s.log for s in found if s.behind_seconds > WITNESS_SECONDS]:
        yield warning("witnesses", f"{_some(late)} wait for receipts for over an hour", "ask the witnesses")
    if silent := [s.log for s in found if s.silent]:
        yield warning("witnesses", f"{_some(silent)} gave no heartbeat three times", "ask their operators")
    if not late and not silent:
        yield good("witnesses", f"{len(found)} logs are cosigned and heard of")


def _stopped(standings: list[exchange.Standing]) -> Iterator[Finding]:
    for s in standings:
        if s.breach is not None or s.state == "stopped":
            remedy = (
                "keep the evidence (table ledger.breach) and settle it in the alliance; the log stays stopped"
            )
            yield bad("logs", f"log {s.log} is stopped: {s.breach}", remedy)


def _silent(alliance: Alliance, standings: list[exchange.Standing]) -> Mapping[str, list[str]]:
    """The nodes of whose logs not one has brought anything lately."""
    followed: dict[str, list[exchange.Standing]] = {}
    for s in standings:
        if not s.own and s.log in alliance.logs:
            followed.setdefault(alliance.log(s.log).node, []).append(s)
    return {
        node: [s.log for s in its]
        for node, its in followed.items()
        if all(s.silent_seconds is None or s.silent_seconds > SILENT_SECONDS for s in its)
    }


def read_models(_: Subject, conn: Connection) -> Iterator[Finding]:
    """They follow what is covered, and nothing waits that somebody must look at."""
    found = models.statuses(conn)
    for s in found:
        yield from _moving(s)
        stuck = {cause: n for cause, n in s.waiting.items() if cause != "held"}
        if stuck:
            said = ", ".join(f"{n} {cause}" for cause, n in sorted(stuck.items()))
            yield warning("read-models", f"{s.name} has set aside: {said}", "yinqiao quarantine list")
    if not any(s.lag_seconds > FROZEN_SECONDS for s in found):
        yield good("read-models", f"{len(found)} read models are not behind")


def _moving(s: models.Status) -> Iterator[Finding]:
    model = BY_NAME.get(s.model)
    if model is not None and model.version != s.version:
        detail = f"{s.name} stands still in version {s.version}; this version makes {model.version}"
        yield bad("read-models", detail, f"yinqiao projections rebuild {s.name}")
    elif s.state == "paused" and s.name == s.model:
        yield warning("read-models", f"{s.name} is paused", f"yinqiao projections resume {s.name}")
    elif s.is_frozen(FROZEN_SECONDS):
        detail = f"{s.name} is {s.behind} events and {s.lag_seconds:.0f} s behind"
        yield bad("read-models", detail, f"{_START}; if it runs, see its log lines")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004  (a readable few)
    return ", ".join(names[:3]) + more
