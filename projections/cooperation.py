"""Memoranda: what is open between whom on a day, and partnerships; the register is in `memoranda.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import Connection

from events import cooperation
from events.event import Key, Record
from events.values import Paper
from projections import closings, questions
from projections.model import Handlers, ReadModel, fetch
from projections.rows import Rows

on = Handlers()
MODEL = ReadModel("cooperation", version=3, handlers=on, parts=("closings", "questions"))


def _signed(answer: Any) -> dict[str, Any]:
    note = getattr(getattr(answer, "reason", None), "note", None)
    paper = _paper(getattr(answer, "paper", None))
    return {"digest": getattr(answer, "text", None), "note": note and note.digest, **paper}


questions.follow(
    on, "memorandum",
    {
        cooperation.SignatureSigned: "signed",
        cooperation.SignatureDeclined: "declined",
        cooperation.SignatureReturned: "returned",
    },
    more=_signed,
)  # fmt: skip


@on(cooperation.MemorandumProposed)
def show_proposal(record: Record[cooperation.MemorandumProposed], rows: Rows) -> None:
    proposal = record.data
    rows.put(
        "memorandum", record, stage="proposed", kind=proposal.kind, title=proposal.title,
        proposed=record.time,
    )  # fmt: skip


@on(cooperation.Terms)
def show_text(record: Record[cooperation.Terms], rows: Rows) -> None:
    terms = record.data
    reason = getattr(terms, "reason", None)
    rows.add(
        "version", record, position=record.position, time=record.time, subjects=terms.subjects,
        parties=terms.parties, outside=[o.name for o in terms.outside], digest=terms.text.digest,
        size=terms.text.size, mediatype=terms.text.mediatype, valid_from=terms.valid_from,
        valid_to=terms.valid_to, notice_days=terms.notice_days, reason=reason and reason.code,
    )  # fmt: skip


@on(cooperation.MemorandumAmended)
def show_amended(record: Record[cooperation.MemorandumAmended], rows: Rows) -> None:
    rows.put("memorandum", record, stage="proposed")


@on(cooperation.MemorandumSentForSigning)
def show_sent(record: Record[cooperation.MemorandumSentForSigning], rows: Rows) -> None:
    rows.put("memorandum", record, stage="signing")


@on(cooperation.MemorandumEnteredIntoForce)
def show_entry(record: Record[cooperation.MemorandumEnteredIntoForce], rows: Rows) -> None:
    entry, at = record.data, record.position
    rows.put("memorandum", record, stage="in-force", entered=at)
    rows.add(
        "entry", record, position=at, **closings.origin(record), digest=entry.text,
        in_force_from=entry.in_force_from, signatures=len(entry.answers), **_paper(entry.paper),
    )  # fmt: skip


def _paper(paper: Paper | None) -> dict[str, Any]:
    return {"paper_date": paper and paper.date, "paper_number": paper and paper.number}


@on(cooperation.MemorandumWithdrawn)
def show_withdrawn(record: Record[cooperation.MemorandumWithdrawn], rows: Rows) -> None:
    rows.put("memorandum", record, stage="withdrawn", reason=record.data.reason.code)


@on(cooperation.MemorandumPartyReleased)
def show_released(record: Record[cooperation.MemorandumPartyReleased], rows: Rows) -> None:
    release = record.data
    rows.add(
        "released", record, position=record.position, bureau=release.bureau, day=release.day,
        notice_log=release.notice.log, notice_position=release.notice.position,
    )  # fmt: skip


@on(cooperation.MemorandumEnded)
def show_end(record: Record[cooperation.MemorandumEnded], rows: Rows) -> None:
    end = record.data
    rows.put("memorandum", record, stage="ended", ended=end.day, reason=end.reason.code)


@on(cooperation.SignatureLeft)
def show_notice(record: Record[cooperation.SignatureLeft], rows: Rows) -> None:
    left = record.data
    rows.add(
        "notice",
        record,
        position=record.position,
        **closings.origin(record),
        day=left.day,
        reason=left.reason.code,
    )


@dataclass(frozen=True)
class Partnership:
    """A bureau with another one, or with an outside party, under one memorandum on a day.

    A pair of bureaus stands here once, the smaller code first; `since` is the day the memorandum first
    entered into force, `last` the last day as far as it is known.
    """

    bureau: str
    partner: str
    outside: bool
    subjects: list[str]
    since: date
    last: date | None
    log: str
    stream: str
    title: str


_PARTY = closings.now("left(d.answer_log, 6)")
TERMS = f"""
standing AS MATERIALIZED (
    SELECT e.log, e.stream, e.position, v.position AS version, v.subjects, v.outside, v.valid_to,
        greatest(e.in_force_from, v.valid_from) AS first
    FROM near n JOIN entry e ON e.log = n.log AND e.stream = n.stream
    CROSS JOIN LATERAL (
        SELECT v.* FROM version v WHERE v.log = e.log AND v.stream = e.stream AND v.position < e.position
        ORDER BY v.position DESC LIMIT 1
    ) v
    WHERE v.digest = e.digest AND e.signatures = (
        SELECT count(*) FROM named d
        JOIN answer s ON s.origin_log = d.answer_log AND s.origin_position = d.answer_position
        JOIN question q ON q.origin_log = s.question_log AND q.origin_position = s.question_position
        WHERE d.log = e.log AND d.stream = e.stream AND d.position = e.position AND q.log = e.log
            AND q.stream = e.stream AND s.answer = 'signed' AND s.digest = e.digest)
), term AS MATERIALIZED (
    SELECT s.log, s.stream, s.position, s.version, s.subjects, s.outside, s.first,
        least(s.valid_to, m.ended, min(s.first) OVER later - 1) AS last,
        min(s.first) OVER (PARTITION BY s.log, s.stream) AS since
    FROM standing s JOIN memorandum m ON m.log = s.log AND m.stream = s.stream
    WINDOW later AS (PARTITION BY s.log, s.stream ORDER BY s.position
        ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
), bound AS (
    SELECT log, stream, position, left(log, 6) AS bureau, subjects, first, last, since FROM term
    UNION ALL
    SELECT t.log, t.stream, t.position, {_PARTY}, t.subjects, t.first, least(t.last, (
        SELECT min(r.day) FROM released r
        WHERE r.log = t.log AND r.stream = t.stream AND r.position > t.position
            AND (r.bureau = left(d.answer_log, 6) OR EXISTS (
                SELECT FROM notice n JOIN answer s ON s.log = n.log AND s.stream = n.stream
                WHERE n.origin_log = r.notice_log AND n.origin_position = r.notice_position
                    AND s.origin_log = d.answer_log AND s.origin_position = d.answer_position))
    )), t.since
    FROM term t JOIN named d ON d.log = t.log AND d.stream = t.stream AND d.position = t.position
)"""  # noqa: S608  (names of ours)
"""Common table expressions over `near (log, stream)`, the memoranda in question, each once.

`term`: which terms are in force from when to when. An entry into force counts while every signature that it
names stands, on its own text and question; from its first day on it takes the place of the one before.
`bound`: which bureau they bind, or stands for it now; one that left, until its last day. `last` is NULL where
no end is known.
"""
_ALL = "near AS (SELECT log, stream FROM memorandum)"
_DAY = "%(day)s::date BETWEEN first AND coalesce(last, %(day)s)"
_IN_FORCE = f"""
WITH near AS MATERIALIZED (
    SELECT DISTINCT log, stream FROM named
    WHERE left(answer_log, 6) = ANY (%(ours)s::text[] || %(theirs)s::text[]
        || ARRAY(SELECT bureau FROM gone WHERE successor = ANY (%(ours)s::text[] || %(theirs)s::text[])))
), {TERMS}, open AS MATERIALIZED (
    SELECT * FROM bound WHERE {_DAY} AND %(subject)s::text = ANY (subjects)
)
SELECT e.origin_log, e.origin_position FROM open o JOIN open t USING (log, stream, position)
JOIN entry e USING (log, stream, position)
WHERE o.bureau = ANY (%(ours)s) AND t.bureau = ANY (%(theirs)s) AND o.bureau <> t.bureau
ORDER BY o.first DESC, o.log, o.position DESC LIMIT 1
"""  # noqa: S608  (constants)


def in_force(
    conn: Connection[Any], ours: Sequence[str], theirs: Sequence[str], subject: str, day: date
) -> Key | None:
    """The newest entry into force that opens the subject on that day between two bureaus, one of each list.

    (log, position) of the record, or None. Both must be bound on that day: the proposer is, each party whose
    signature stands, and one that left until its last day.
    """
    values = {"ours": list(ours), "theirs": list(theirs), "subject": str(subject), "day": day}
    found: Key | None = conn.execute(_IN_FORCE.encode(), values).fetchone()
    return found


def in_force_count(conn: Connection[Any], day: date, bureau: str | None = None) -> int:
    """Memoranda in force on that day, of all or of those that bind a bureau."""
    query = f"""WITH {_ALL}, {TERMS} SELECT count(DISTINCT (log, stream)) FROM bound
        WHERE {_DAY} AND (%(bureau)s::text IS NULL OR bureau = %(bureau)s)"""  # noqa: S608  (constants)
    row = conn.execute(query.encode(), {"day": day, "bureau": bureau}).fetchone()
    return row[0] if row else 0


_PARTNERSHIPS = f"""
WITH {_ALL}, {TERMS}, open AS (
    SELECT log, stream, subjects, since, array_agg(bureau) AS bureaus, array_agg(last) AS lasts
    FROM (
        SELECT log, stream, position, subjects, since, bureau,
            CASE WHEN bool_and(last IS NOT NULL) THEN max(last) END AS last
        FROM bound WHERE {_DAY} GROUP BY log, stream, position, subjects, since, bureau
    ) b GROUP BY log, stream, position, subjects, since
), pair AS (
    SELECT a.bureau, b.bureau AS partner, false AS outside, subjects, since, least(a.last, b.last) AS last,
        log, stream
    FROM open, unnest(bureaus, lasts) AS a (bureau, last), unnest(bureaus, lasts) AS b (bureau, last)
    WHERE a.bureau < b.bureau
    UNION ALL
    SELECT left(log, 6), o.name COLLATE "C", true, subjects, since, last, log, stream
    FROM term CROSS JOIN unnest(outside) AS o (name) WHERE {_DAY}
)
SELECT bureau, partner, outside, subjects, since, last, log, stream::text, m.title
FROM pair JOIN memorandum m USING (log, stream)
WHERE %(bureau)s::text IS NULL OR %(bureau)s IN (bureau, partner)
ORDER BY bureau, partner, since, log, stream
"""  # noqa: S608  (constants)


def partnerships(conn: Connection[Any], day: date, bureau: str | None = None) -> list[Partnership]:
    """Who works with whom on that day, for which subjects and since when; of one bureau, or all."""
    return fetch(conn, Partnership, _PARTNERSHIPS, {"day": day, "bureau": bureau})
