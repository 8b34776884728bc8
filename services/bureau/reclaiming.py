"""After a restore: what own streams hold once only is held again, as their records say.

Claims stand in no record. `ledger.reclaim` lists the streams of which records came back, until this has been
done for them; who may write waits for it.
"""

from events import catalogue, errors
from events.event import Event, Key
from events.history import effective
from events.loops import Answer
from events.membership import RecordRedacted
from services.bureau import claims
from services.bureau.claims import Keys
from services.bureau.reading import LedgerReading
from services.ledger.recorder import event_store
from services.runtime.database import Database


def again(database: Database) -> int:
    """Hold again what the listed streams hold; how many are left, whose question is not here yet.

    Killed at any point, it is done again. Raises Unavailable.
    """
    with database.transaction() as conn:
        rows = conn.execute("SELECT log, stream::text FROM ledger.reclaim ORDER BY log, stream").fetchall()
        if rows:  # what was let go after the backup may be held by another stream by now
            conn.execute(_LET_GO)
    reading = LedgerReading(database, event_store(database))
    return sum(not _again(database, reading, str(log), str(stream)) for log, stream in rows)


def _again(database: Database, reading: LedgerReading, log: str, stream: str) -> bool:
    try:
        keys = held(reading, log, stream)
    except (errors.NotFound, errors.BadRecord):  # the other log is still to come, or an upgrade
        return False
    with database.transaction() as conn:
        for kind, key in keys:
            conn.execute(_CLAIM, [log, kind, key, stream])
        conn.execute("DELETE FROM ledger.reclaim WHERE log = %s AND stream = %s", [log, stream])
    return True


_LET_GO = "DELETE FROM ledger.claim c USING ledger.reclaim r WHERE (c.log, c.stream) = (r.log, r.stream)"
_CLAIM = "INSERT INTO ledger.claim (log, kind, key, stream) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"


def held(reading: LedgerReading, log: str, stream: str) -> Keys:
    """All that an own stream holds, sorted. Raises NotFound, BadRecord."""
    records = reading.own(stream)
    if not records:
        return []
    aggregate = catalogue.AGGREGATES[records[0].aggregate]
    state = aggregate.fold(records)
    facts = [record.data for record in effective(records)]
    keys = [(aggregate.name, log)] if aggregate.name in claims.SINGLE and facts else []
    for fact in facts:
        keys += [*claims.of(state, fact), *_named(reading, aggregate.name, fact)]
    return sorted(set(keys))


def _named(reading: LedgerReading, aggregate: str, fact: Event) -> Keys:
    match fact:
        case Answer():
            question: Key = (fact.question.log, fact.question.position)
            try:
                asking = reading.record(question)
            except errors.Gone:  # nobody can answer it again
                return []
            asked = reading.history(asking.log, asking.stream)
            return [(aggregate, f"{asked[0].log}/{asked[0].stream}")] if asked else []  # none: it is void
        case RecordRedacted():
            return [("redacted", str(fact.position))]
    return []
