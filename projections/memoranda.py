"""The register of memoranda: the list, one with its texts, whom it asked, signatures, entries into force."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeAlias

from psycopg import Connection

from projections import closings, questions
from projections.cooperation import TERMS
from projections.model import fetch

ENDING_SOON = timedelta(days=60)
"""How long before its end a memorandum is brought to mind."""


@dataclass(frozen=True)
class Row:
    """One memorandum on a day, with the terms in force, or else the newest.

    `stage`: proposed, signing, in-force, withdrawn, ended; expired when its term is over; unsigned when a
    signature that its entry into force names does not stand. While `in_force`, a stage of proposed or
    signing speaks of an amendment. `parties` are all bureaus, the proposer `bureau` too; `one_sided` when an
    outside party's side is recorded by one bureau only (单方登记). `version` is the position of the terms.
    """

    log: str
    stream: str
    bureau: str
    stage: str
    in_force: bool
    kind: str | None
    title: str | None
    subjects: list[str]
    parties: list[str]
    outside: list[str]
    one_sided: bool
    since: date | None
    last: date | None
    reason: str | None
    version: int
    proposed: str

    @property
    def cursor(self) -> "Cursor":
        """Where the next page begins."""
        return (self.proposed, self.log, self.stream)


@dataclass(frozen=True)
class Version:
    """A text with its terms, as proposed or amended at `position`; size in bytes."""

    position: int
    time: str
    subjects: list[str]
    parties: list[str]
    outside: list[str]
    digest: str
    size: int
    mediatype: str
    valid_from: date | None
    valid_to: date | None
    notice_days: int | None
    reason: str | None


@dataclass(frozen=True)
class Signature(questions.Answer):
    """A bureau's answer; `entry` is the entry into force that names it.

    `version` is the position of the text that was signed; `too_late` when the proposer closed the question
    without it.
    """

    time: str
    version: int | None
    note: str | None
    paper_date: date | None
    paper_number: str | None
    entry: int | None


@dataclass(frozen=True)
class Force:
    """An entry into force; `first` and `last` are the days of its terms, empty when a signature is gone."""

    position: int
    version: int | None
    in_force_from: date
    first: date | None
    last: date | None
    paper_date: date | None
    paper_number: str | None


@dataclass(frozen=True)
class Notice:
    """A party's notice to leave; `released` is the last day that the proposer confirmed."""

    log: str
    stream: str
    position: int
    bureau: str
    day: date
    reason: str
    released: date | None


@dataclass(frozen=True)
class Chosen:
    """Which memoranda: every given condition holds. A bureau's are those it proposed or was asked to sign.

    `title` is any part of it; `bound` a bureau that is bound on the day by what is in force.
    """

    bureau: str | None = None
    bound: str | None = None
    stage: str | None = None
    subject: str | None = None
    kind: str | None = None
    title: str | None = None
    in_force: bool | None = None


Cursor: TypeAlias = tuple[str, str, str]

_ASKED, _PARTY = closings.now("a.bureau"), closings.now("p.bureau")
_LISTED = f"""
listed AS (
    SELECT m.log, m.stream::text, left(m.log, 6) AS bureau, CASE
            WHEN m.stage NOT IN ('in-force', 'withdrawn') OR m.entered IS NULL THEN m.stage
            WHEN t.position IS NULL THEN 'unsigned'
            WHEN t.last < %(day)s THEN 'expired' ELSE 'in-force' END AS stage,
        coalesce(t.open, false) AS in_force, m.kind, m.title, v.subjects, ARRAY(
            SELECT left(m.log, 6)
            UNION SELECT b.bureau FROM bound b WHERE b.log = m.log AND b.stream = m.stream
                AND b.position = t.position AND (NOT t.open OR coalesce(b.last >= %(day)s, true))
            UNION SELECT {_ASKED} FROM asked a WHERE a.log = m.log AND a.stream = m.stream
                AND t.position IS NULL AND m.asked > v.position
                AND a.position >= m.asked AND a.passed_to IS NULL
            UNION SELECT {_PARTY} FROM unnest(v.parties) AS p (bureau)
            WHERE t.position IS NULL AND coalesce(m.asked < v.position, true)
            ORDER BY 1) AS parties,
        v.outside, v.outside <> '{{}}' AS one_sided, t.since, t.last, m.reason, v.position AS version,
        m.proposed
    FROM near n JOIN memorandum m USING (log, stream)
    LEFT JOIN LATERAL (
        SELECT f.*, %(day)s::date BETWEEN f.first AND coalesce(f.last, %(day)s) AS open FROM term f
        WHERE f.log = m.log AND f.stream = m.stream ORDER BY open DESC, f.position DESC LIMIT 1
    ) t ON t.open OR m.stage NOT IN ('proposed', 'signing')
    CROSS JOIN LATERAL (
        SELECT v.* FROM version v WHERE v.log = m.log AND v.stream = m.stream
            AND (t.position IS NULL OR v.position = t.version) ORDER BY v.position DESC LIMIT 1
    ) v
)"""  # noqa: S608  (names of ours)
_CHOSEN = """
    (%(stage)s::text IS NULL OR stage = %(stage)s) AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(subject)s::text IS NULL OR %(subject)s = ANY (subjects))
    AND (%(title)s::text IS NULL OR position(lower(%(title)s) IN lower(title)) > 0)
    AND (%(in_force)s::boolean IS NULL OR in_force = %(in_force)s)
    AND (%(bound)s::text IS NULL OR in_force AND %(bound)s = ANY (parties))
"""
_NEAR = f"""near AS MATERIALIZED (
    SELECT m.log, m.stream FROM memorandum m WHERE %(bureau)s::text IS NULL OR left(m.log, 6) = %(bureau)s
        OR EXISTS (SELECT FROM asked a
            WHERE a.log = m.log AND a.stream = m.stream AND {closings.same("%(bureau)s", "a.bureau")})
)"""  # noqa: S608  (names of ours)


def register(
    conn: Connection[Any], chosen: Chosen, day: date, *, limit: int = 50, after: Cursor | None = None
) -> list[Row]:
    """As it stands on that day, the newest first; `after` is the cursor of the page before's last row."""
    time, log, stream = after or (None, None, None)
    query = f"""WITH {_NEAR}, {TERMS}, {_LISTED} SELECT * FROM listed WHERE {_CHOSEN}
        AND (%(time)s::text IS NULL OR (proposed, log, stream)
            < (%(time)s COLLATE "C", %(log)s::text COLLATE "C", %(stream)s::text))
        ORDER BY proposed DESC, log DESC, stream DESC LIMIT %(limit)s"""  # noqa: S608  (constants)
    values = {**vars(chosen), "day": day, "time": time, "log": log, "stream": stream, "limit": limit}
    return fetch(conn, Row, query, values)


def ending(conn: Connection[Any], day: date, bureau: str | None = None) -> list[Row]:
    """What is in force on that day and ends within 60 days of it, the soonest first."""
    query = f"""WITH {_NEAR}, {TERMS}, {_LISTED}
        SELECT * FROM listed WHERE in_force AND last <= %(until)s
        ORDER BY last, log, stream"""  # noqa: S608  (constants)
    values = {"bureau": bureau, "day": day, "until": day + ENDING_SOON}
    return fetch(conn, Row, query, values)


_ONE = 'near AS (SELECT %(log)s::text COLLATE "C" AS log, %(stream)s::text::uuid AS stream)'


def one(conn: Connection[Any], log: str, stream: str, day: date) -> Row | None:
    """One memorandum as it stands on that day; None when there is none."""
    query = f"WITH {_ONE}, {TERMS}, {_LISTED} SELECT * FROM listed"  # noqa: S608  (constants)
    return next(iter(fetch(conn, Row, query, {"log": log, "stream": stream, "day": day})), None)


def versions(conn: Connection[Any], log: str, stream: str) -> list[Version]:
    """Every text, oldest first."""
    query = """SELECT position, time, subjects, parties, outside, digest, size, mediatype,
        valid_from, valid_to, notice_days, reason
        FROM version WHERE log = %s AND stream = %s::text::uuid ORDER BY position"""
    return fetch(conn, Version, query, [log, stream])


def asked(conn: Connection[Any], log: str, stream: str, day: date) -> list[questions.Asked]:
    """Who was asked to sign the newest text that was sent, those it was passed on from included."""
    return questions.asked(conn, "memorandum", log, stream, day)


_SIGNATURES = questions.given(
    "memorandum",
    """a.time, a.note, a.paper_date, a.paper_number, n.position AS entry, (
        SELECT max(v.position) FROM version v
        WHERE v.log = q.log AND v.stream = q.stream AND v.digest = a.digest AND v.position < q.position
    ) AS version""",
)


def signatures(conn: Connection[Any], log: str, stream: str) -> list[Signature]:
    """Every answer to the question of signing, on whichever text, those that came too late included."""
    return fetch(conn, Signature, f"{_SIGNATURES} ORDER BY a.time, a.log, a.position", [log, stream])


def forces(conn: Connection[Any], log: str, stream: str) -> list[Force]:
    """Every entry into force, oldest first."""
    query = f"""WITH {_ONE}, {TERMS}
        SELECT e.position, t.version, e.in_force_from, t.first, t.last, e.paper_date, e.paper_number
        FROM near JOIN entry e USING (log, stream) LEFT JOIN term t USING (log, stream, position)
        ORDER BY e.position"""  # noqa: S608  (constants)
    return fetch(conn, Force, query, {"log": log, "stream": stream})


_NOTICES = """
SELECT DISTINCT n.origin_log AS log, n.stream::text, n.origin_position AS position,
    left(n.origin_log, 6) AS bureau, n.day, n.reason, (
    SELECT min(r.day) FROM released r WHERE r.log = q.log AND r.stream = q.stream
        AND r.notice_log = n.origin_log AND r.notice_position = n.origin_position) AS released
FROM question q JOIN answer s ON s.question_log = q.origin_log AND s.question_position = q.origin_position
JOIN notice n ON n.log = s.log AND n.stream = s.stream
WHERE q.log = %s AND q.stream = %s::text::uuid ORDER BY 1, 3
"""


def notices(conn: Connection[Any], log: str, stream: str) -> list[Notice]:
    """Notices to leave that its parties gave."""
    return fetch(conn, Notice, _NOTICES, [log, stream])
