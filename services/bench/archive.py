"""What an auditor waits for: verifying, replaying and proving in a ledger of very many records."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from random import Random

from events import checkpoints, errors, merkle
from events.checkpoints import Checkpoint
from projections import rebuild, track
from projections.models import MODELS
from services.auditor.workers import Workers
from services.bench.harness import Contest, Figure, percentile
from services.bench.load import Load
from services.bench.reading import Reading
from services.bench.scene import ALLIANCE, COMMANDS, HERE, LOGS, Scene
from services.ledger import logs, store, tree
from services.node.node import Node
from services.projector import parts
from services.projector.building import Builder
from services.projector.source import covered
from services.runtime import keys
from services.runtime.database import Connection, Database

PIECE = 20_000
PROOFS = 500
ROUNDS = 3
Say = Callable[[str], object]


def measure(place: Scene, there: Node, workers: Workers, count: int, say: Say) -> Iterator[Figure]:
    """Fill the ledger of `there` with `count` received records; then verify, replay and prove.

    Raises Unavailable.
    """
    begin = time.perf_counter()
    _fill(place, there, count)
    say(f"{count:,} records received in {time.perf_counter() - begin:.0f} s")
    reading = Reading(there, place.database("evidence"), 1, workers)
    verifying = Contest("verify-archive", f"bare reading and hashing of {count:,}")
    for _ in range(ROUNDS):
        verifying.round(lambda: reading.verify(LOGS), lambda: reading.limit_verify(LOGS))
    yield (verified := verifying.figure())
    say("verified")
    replayed = _replay(there.database, count)
    yield Figure("replay-archive", replayed, "bare reading and hashing", verified.limit_rate)
    say("replayed")
    yield from _proofs(there.database, count)
    reading.close()


def _fill(place: Scene, there: Node, count: int) -> None:
    signers = {log: keys.load_log(place.folder / HERE / "keys", ALLIANCE, log) for log in LOGS}
    trees = {log: merkle.CompactRange() for log in LOGS}
    load = Load(ALLIANCE, LOGS)
    for done in range(0, count, PIECE):
        values: dict[str, list[bytes]] = defaultdict(list)
        for entry in load.take(min(PIECE, count - done)):
            values[entry.fact.log].append(entry.value)
            trees[entry.fact.log].extend([entry.leaf])
        with there.database.transaction() as conn:
            for log, each in values.items():
                checkpoint = Checkpoint(signers[log].name, trees[log].size, trees[log].root())
                note = checkpoints.sign_checkpoint(checkpoint, signers[log])
                store.accept(conn, there.alliance, log, each, note)
    with there.database.connection() as conn:
        conn.execute("SET statement_timeout = 0")
        conn.execute("VACUUM ANALYZE ledger.entry")
        conn.execute("RESET statement_timeout")


def _replay(database: Database, count: int) -> float:
    """All read models from nothing, with the indexes that their queries need, by one process a core."""
    with database.transaction() as conn:
        ends = covered(conn)
    begin = time.perf_counter()
    builder = Builder(database, [rebuild.past(model, "bench") for model in MODELS])
    builder.begin()
    parts.build(builder, ends, os.cpu_count() or 1)
    builder.finish()
    seconds = time.perf_counter() - begin
    with database.transaction() as conn:
        for instance in builder.instances:
            track.drop(conn, instance.name)
    return count / seconds


def _proofs(database: Database, count: int) -> Iterator[Figure]:
    """Of records of one log that alone is so long; beside it the reading of one record by its place."""
    with database.connection() as conn:
        root = _grow(conn, count)
        places = [Random(n).randrange(1, count + 1) for n in range(PROOFS)]  # noqa: S311  (the same at every run)
        ours, bare = [], []
        for place in places:
            begin = time.perf_counter()
            proof = tree.inclusion(conn, COMMANDS, place, count)
            between = time.perf_counter()
            leaf = tree.hashes(conn, COMMANDS, 0, place - 1, 1)[place - 1]
            ours.append((between - begin) * 1_000)
            bare.append((time.perf_counter() - between) * 1_000)
            merkle.verify_inclusion(place - 1, count, leaf, proof, root)
    for percent in (50, 99):
        yield Figure(
            f"proof-p{percent}-ms", percentile(ours, percent), "bare reading of one leaf hash",
            percentile(bare, percent),
        )  # fmt: skip


def _grow(conn: Connection, count: int) -> bytes:
    """A log of made-up leaf hashes, and the nodes of its tree; its root."""
    conn.execute("SET statement_timeout = 0")
    with conn.transaction():
        logs.follow(conn, COMMANDS)
        conn.execute(_LEAVES, {"log": COMMANDS, "count": count})
        grown = tree.Tree()
        for first in range(0, count, PIECE):
            leaves = tree.hashes(conn, COMMANDS, 0, first, min(PIECE, count - first))
            nodes = grown.extend([leaves[n] for n in sorted(leaves)])
            conn.execute(tree.INSERT, {"log": COMMANDS, **tree.columns(nodes)})
    conn.execute("VACUUM ANALYZE ledger.entry")
    conn.execute("RESET statement_timeout")
    if grown.size != count:
        raise errors.Unavailable(f"the made-up log has {grown.size} records, not {count}: measured nothing")
    return grown.root()


_LEAVES = """
INSERT INTO ledger.entry (log, position, own, stream, version, leaf, value)
SELECT %(log)s, n, false, gen_random_uuid(), 1, sha256(int8send(n)), int8send(n)
FROM generate_series(1, %(count)s) AS n
"""
