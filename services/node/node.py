"""One node put together from its settings: database, exchange, guard, office, projector, and their loops."""

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from events import errors, notes
from events.alliance import Alliance
from projections.models import MODELS
from services.auditor import schema as auditor_schema
from services.bureau import reclaiming
from services.bureau import schema as desk_schema
from services.bureau.desk import Desk
from services.bureau.office import Office
from services.exchange import joining, witness
from services.exchange import schema as exchange_schema
from services.exchange.receive import Receiver
from services.exchange.refused import Refused
from services.exchange.ship import Shipper
from services.exchange.tiles_client import TilesClient
from services.ledger import closing, confirm, heirs, keyring, logs, receipts
from services.ledger import schema as ledger_schema
from services.ledger.checkpoints import Checkpointer
from services.ledger.cosigning import Cosigner
from services.ledger.guard import GuardFile
from services.node import alliances, asking, erasing, restoring, timers
from services.node.loops import Loops
from services.node.standing import WITNESSES, Standing
from services.people import requests
from services.people import schema as people_schema
from services.people.attachments import Store
from services.people.holdings import Holdings
from services.projector import rebuild
from services.projector import schema as projector_schema
from services.projector.runner import Projector
from services.runtime import clock, database, files, keys, workdays
from services.runtime import logs as log_lines
from services.runtime.clock import Clock
from services.runtime.database import Database, Migration
from services.runtime.settings import Settings
from services.runtime.signals import Wake
from services.transport import base

LAST = 5.0
"""Seconds that the last round of signing has before the shipper ends without it."""
PAUSE = 1.0
"""Seconds without a hint after which a loop looks for itself."""
RECLAIM = 10.0
"""Seconds between two looks for the questions that restored answers answer."""
CALM = 0.05
"""Seconds between two rounds of the projector over own events: the others wait for theirs, and go first."""
TURN = 0.0005
"""Seconds for which a busy thread keeps another one waiting: each record passes through many."""
ASK = 60.0
"""Seconds between two looks at other nodes' versions of the alliance document."""
_log = log_lines.get(__name__)


def migrations() -> tuple[Migration, ...]:
    """Every step of a node's database, in order."""
    return (
        *ledger_schema.migrations(), *exchange_schema.migrations(), *people_schema.migrations(),
        *desk_schema.migrations(), *projector_schema.migrations(), *auditor_schema.migrations(),
    )  # fmt: skip


class Node:
    """A node's parts. `open` makes the database ready, `start` sets the loops going, `close` ends all.

    `refused`: why a valid version of the alliance document cannot be used here; `topics`: which of its own
    cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        alliance: Alliance,
        exchange: base.Exchange,
        now: Clock = clock.now,
        random: Callable[[int], bytes] | None = None,
        witness_every: int = witness.EVERY,
        ask_every: float = ASK,
    ) -> None:
        self.settings, self.alliance, self.exchange, self.now = settings, alliance, exchange, now
        self.name = settings.name
        self.dsn = settings.dsn.get_secret_value()
        self.database = Database(self.dsn, size=12)
        self.versions = alliances.Versions(settings.alliance.file, settings.alliance.digest)
        self.own = sorted(log.name for log in alliance.logs_of(self.name))
        self.followed = sorted(x for x in alliance.logs if x not in self.own and settings.follows(x))
        for log in self.own:
            keys.load_all(settings.keys.dir, alliance.id, log)  # a node without them does not start
        self.signer = keys.load_node(settings.keys.dir, alliance.id, self.name)
        self.guard_file = GuardFile(settings.guard.file)
        self.standing, self.loops, self.topics = Standing(), Loops(), Refused()
        self.refused: str | None = None
        self._reclaim_at = 0.0
        self.witness_every, self.ask_every, self.met = witness_every, ask_every, threading.Event()
        self.appended, self.signed, self.stored, self.covered = Wake(), Wake(), Wake(), threading.Event()
        self.checkpointer = self._checkpointer()
        self.projector = Projector(self.database, MODELS)
        self.store = Store(alliance.id, settings.attachments.dir, random or os.urandom)
        self.holdings = Holdings(
            self.name, lambda: self.alliance, self.database, self.store, self.signer, now,
            inherits=self._inherits,
        )  # fmt: skip
        self.office = Office(
            self.database, alliance.id, now, workdays.add, self.appended.set,
            self.holdings.entitle, self.standing.check,
        )  # fmt: skip
        self.desk = Desk(self.database, self.office, now, workdays.add)

    def open(self) -> None:
        """Bring the database up to date and open the logs, empty ones too; again is harmless.

        What was erased stays erased, whichever of database and key store came back from a backup.
        Raises Unavailable.
        """
        files.make_folder(self.settings.attachments.dir)
        database.migrate(self.dsn, migrations())
        self.database.open()
        self._open_logs(self.alliance, self.own, self.followed)
        with self.database.transaction() as conn:
            self.versions.recall(logs.breached(conn, alliances.BREACH))
            self.store.replay(conn)
        if old := self.projector.prepare():
            _log.warning("read-models-to-rebuild", node=self.name, models=old)

    def _open_logs(self, alliance: Alliance, own: Sequence[str], followed: Sequence[str]) -> None:
        with self.database.transaction() as conn:
            for log in own:
                logs.open_own(conn, log)
            for log in followed:
                logs.follow(conn, log)
            closed = closing.state(conn, alliance)
        if closed:
            again = rebuild.without_void(self.database, MODELS)
            _log.warning("logs-closed", node=self.name, logs=closed, read_models_rebuilt=again)

    def _inherits(self, bureau: str, owner: str, digest: str) -> bool:
        with self.database.connection() as conn:
            return heirs.inherits(conn, bureau, owner, digest)

    def _checkpointer(self) -> Checkpointer:
        """Signs with the keys that are held and that the alliance names."""
        held = {log: keyring.held(self.alliance, log, self._keys(log)) for log in self.own}
        return Checkpointer(self.database, held, self.guard_file)

    def _keys(self, log: str) -> Sequence[notes.Signer]:
        try:
            return keys.load_all(self.settings.keys.dir, self.alliance.id, log)
        except errors.NotFound:
            return ()

    def start(self) -> None:
        """Set the loops going: witness, sign, ship, receive, project, erase, and the timers of own logs."""
        sys.setswitchinterval(TURN)  # of the whole process, which is there for this
        self.loops.start(f"{self.name}-alliance", self._follow_alliance)
        self.loops.start(f"{self.name}-witness", self._witness)
        self.loops.start(f"{self.name}-sign", self._sign)
        self.loops.start(f"{self.name}-project", lambda stop: self.projector.run(stop, self.stored))
        self.loops.start(f"{self.name}-ship", self._ship)
        self.loops.start(f"{self.name}-timers", self._expire)
        self.loops.start(f"{self.name}-receive", self._receive)
        self.loops.start(f"{self.name}-erase", self._erase)

    def close(self) -> list[str]:
        """End the loops and give all connections back; the names of loops that did not end in time.

        What was recorded by then is signed and shipped first, if that can be done now.
        """
        self.loops.tell()
        for wake in (self.appended, self.signed, self.stored):
            wake.set()
        unfinished = self.loops.end()
        self.holdings.close()
        self.database.close()
        return unfinished

    def _sign(self, stop: threading.Event) -> None:
        """Cover what was appended; while the database lacks what was signed, try to get it back.

        Nothing is signed before what others cosigned was read, as far as they can be reached.
        """
        while not (self.met.wait(PAUSE) or stop.is_set()):
            continue
        while not stop.is_set():
            if self.standing.refused(WITNESSES):
                self._confirm(stop)
                continue
            try:
                self._cover()
            except errors.ReadOnly as error:
                self.standing.refuse(error.message)
                self._confirm(stop)
                continue
            self.appended.wait(PAUSE)
        try:
            if self.standing.cause is None:
                self._cover()  # what was recorded in the last moment
        finally:
            self.covered.set()

    def _cover(self) -> None:
        signed = self.checkpointer.round()
        self._reclaim()
        self.standing.admit()
        self._look_for_keys()
        if signed:
            self.signed.set()
            self.stored.set(CALM)

    def _reclaim(self) -> None:
        """After a restore, find the claims again; for answers whose question is still to come, later."""
        if time.monotonic() >= self._reclaim_at:
            left = reclaiming.again(self.database)
            self._reclaim_at = time.monotonic() + RECLAIM if left else math.inf

    def _look_for_keys(self) -> None:
        """Say which logs cannot be signed any further here; a key file that is there by now is used."""
        stuck = self.checkpointer.stuck
        self.standing.lack({log: self._lack(log, size) for log, size in stuck.items()})
        if stuck:
            self.checkpointer = self._checkpointer()

    def _lack(self, log: str, size: int) -> str:
        keys = [key.vkey for key in self.alliance.log(log).key if key.covers(size + 1)]
        named = f"put the file of {keys[-1]} into keys.dir" if keys else "the alliance names no key for it"
        return f"log {log} can be signed here up to {size} and no further: {named}"

    def _follow_alliance(self, stop: threading.Event) -> None:
        """Take newer versions of the alliance document, from the folder and from other nodes."""
        self._use(self.versions.current)
        ask_at = 0.0
        while not stop.is_set():
            news = self.versions.look()
            if time.monotonic() >= ask_at:
                news = self._ask() or news
                ask_at = time.monotonic() + self.ask_every
            if news:
                self._use(self.versions.current)
            stop.wait(PAUSE)

    def _ask(self) -> bool:
        try:
            return asking.ask(self.versions, self.name)
        except errors.Fork as fork:
            _log.error("alliance-forked", version=fork.position, reason=fork.message)
            return False
        finally:
            for found in self.versions.found.values():  # again until it stands there
                logs.stop(self.database, alliances.BREACH, found)

    def _use(self, alliance: Alliance) -> None:
        """From now on this version holds, without a restart; what depends on it begins anew."""
        if alliance.version <= self.alliance.version:
            return
        own = sorted(log.name for log in alliance.document.log if log.node == self.name)
        followed = sorted(x for x in alliance.logs if x not in own and self.settings.follows(x))
        try:
            self._open_logs(alliance, own, followed)
        except errors.Invalid as error:  # this database wrote what others write now, or followed ours
            self.refused = f"version {alliance.version} of the alliance document: {error.message}"
            return
        self.alliance, self.own, self.followed, self.refused = alliance, own, followed, None
        self.checkpointer = self._checkpointer()
        for loop in ("witness", "ship", "receive"):
            self.loops.restart(f"{self.name}-{loop}")
        _log.info("alliance-version-used", node=self.name, version=alliance.version)

    def _witness(self, stop: threading.Event) -> None:
        """Cosign, and read what others cosigned: it may show that this database is an old backup."""
        cosigner = Cosigner(self.database, self.alliance, self.name, self.signer, self.guard_file)
        witnessing = witness.Witness(
            self.exchange, cosigner, self.now, every=self.witness_every, met=self.met, refused=self.topics
        )
        try:
            witnessing.run(stop, self._judge)
        finally:
            witnessing.close()

    def _judge(self) -> None:
        with self.database.connection() as conn:
            later = receipts.beyond(conn)
        if later:
            text = f"others cosigned log {later[0]} up to {later[1]}, which is more than the database holds"
            self.standing.refuse(text, WITNESSES)
        else:
            self.standing.admit(WITNESSES)

    def _confirm(self, stop: threading.Event) -> None:
        holders = self.holders()
        sources = [
            restoring.from_topic(self.exchange),
            *(restoring.from_tiles(holder, self.alliance, self.database) for holder in holders),
        ]
        try:
            confirm.confirm(self.database, self.alliance, self.guard_file, self.own, sources)
        except errors.YinqiaoError as error:
            self.standing.refuse(error.message)
            stop.wait(PAUSE * 2)
        else:
            self._reclaim_at = 0.0
            self.standing.admit(WITNESSES)
        finally:
            _close(holders)

    def holders(self) -> list[TilesClient]:
        """The other nodes, as holders of tiles; each call makes clients of their own, to be closed."""
        return [
            TilesClient(self.alliance.node(name).url, requests.signing(self.signer, name, self.now))
            for name in self.alliance.nodes
            if name != self.name
        ]

    def _ship(self, stop: threading.Event) -> None:
        if not self.own:
            stop.wait()
            return
        shipper = Shipper(self.database, self.exchange, self.guard_file, self.own, refused=self.topics)
        try:
            shipper.run(stop, self.signed)  # makes its topics itself, each log for itself
            if self.loops.stop.is_set() and self.covered.wait(LAST):
                shipper.step()
        finally:
            shipper.close()

    def _receive(self, stop: threading.Event) -> None:
        if not self.followed:
            stop.wait()
            return
        holders = self.holders()
        try:
            joining.meet(self.database, self.alliance, self.followed, holders)
            self._receive_from(holders, stop)
        finally:
            _close(holders)

    def _receive_from(self, holders: Sequence[TilesClient], stop: threading.Event) -> None:
        receiver = Receiver(
            self.database, self.exchange, self.alliance, self.followed, holders, wake=self.stored.set,
        )  # fmt: skip
        try:
            receiver.run(stop)
        finally:
            receiver.close()

    def _expire(self, stop: threading.Event) -> None:
        while not stop.wait(timers.PAUSE):
            timers.expire(self.database, self.office, self.own, clock.today(self.now))
            timers.sweep(self.holdings)

    def _erase(self, stop: threading.Event) -> None:
        while not stop.wait(erasing.PAUSE):
            erasing.attachments(self.database, self.holdings)


def _close(holders: Iterable[TilesClient]) -> None:
    for holder in holders:
        holder.close()
