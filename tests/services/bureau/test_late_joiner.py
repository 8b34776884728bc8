"""A node that never had the bytes of redacted records comes to the same read models as those that had."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import sha256

import pytest

from events import checkpoints, errors, notes
from events.activity import Form
from events.alliance import Alliance
from events.alliance_document import Key
from events.values import Place, Reason, Why
from projections import digest, model
from projections.models import MODELS
from services.auditor import asking, reports, reproducing
from services.auditor.asking import Asked
from services.auditor.queries import registry
from services.auditor.reports import Report
from services.bureau.activity import Change, Confirm, Plan, Publish
from services.bureau.records import Correct
from services.bureau.redacting import Redact
from services.ledger import logs, read, replay, store, tiles, verify
from services.ledger.guard import Guard, Head
from services.projector.runner import Projector
from services.projector.scratch import Scratch
from services.runtime.database import Database
from tests.services.auditor.travelling import MADE
from tests.services.bureau import province as provinces
from tests.services.bureau.province import ALLIANCE, Province, day
from tests.services.ledger import nodes
from tests.support.databases import Server

HOME, GUEST = "500117", "511600"
WHY = Why(code=Reason.OTHER)
PLACE = Place(division=HOME)
PLAN = Plan(
    title="研学", form=Form.STUDY_VISIT, starts=day("2026-04-01"), ends=day("2026-04-01"), place=PLACE
)


def alliance() -> Alliance:
    """With the keys of the province."""
    document = nodes.alliance(HOME, GUEST).document
    signed = tuple(log.model_copy(update={"key": (Key(vkey=_vkey(log.name)),)}) for log in document.log)
    return Alliance(document.model_copy(update={"log": signed}), "")


def _vkey(log: str) -> str:
    name = checkpoints.origin(ALLIANCE, log)
    return notes.Signer(name, sha256(name.encode()).digest()).verifier.vkey


def tell(province: Province) -> int:
    """A plan, a question, a change, an answer, a correction, another change; how many HOME recorded."""
    first = province.do(HOME, PLAN)
    stream = province.stream(first)
    province.do(HOME, Publish(stream=stream, bureaus=(GUEST,)))
    province.do(HOME, Change(stream=stream, starts=day("2026-04-03"), ends=day("2026-04-03"), place=PLACE))
    province.do(GUEST, Confirm(log=HOME, stream=stream))
    right = {"title": "红色研学"}
    province.do(
        HOME,
        Correct(
            aggregate="activity", stream=stream, position=first.position, reason=WHY, payload=dict(right)
        ),
    )
    return province.do(
        HOME, Change(stream=stream, starts=day("2026-04-05"), ends=day("2026-04-05"), place=PLACE)
    ).position


def served(province: Province, log: str, path: str) -> bytes:
    with province.database.connection() as conn:
        size, root, _ = store.latest(conn, log)
        return tiles.serve(conn, Guard("", {log: Head(size, root)}), log, path)


class Joiner:
    """A node that takes logs as tiles, one after the other, and folds what it has."""

    def __init__(self, dsn: str) -> None:
        self.database = Database(dsn, size=4).open()
        with self.database.connection() as conn:
            for log in (HOME, GUEST):
                logs.follow(conn, log)

    def take(self, province: Province, log: str) -> None:
        with self.database.transaction() as conn:
            size, root, note = store.latest(conn, log)
            run = tiles.proved_entries(partial(served, province, log), alliance(), log, size, root, note)
            if run is not None:
                store.accept_run(conn, alliance(), log, run)

    def fold(self, batch: int) -> None:
        projector = Projector(self.database, MODELS, batch=batch)
        projector.prepare()
        while projector.step():
            pass

    def digests(self) -> dict[str, str]:
        with self.database.connection() as conn:
            return {m.name: digest.digest(conn, model.live(m)) for m in MODELS}


@pytest.fixture
def joiner(postgres: Server, new_database: Callable[..., str]) -> Iterator[Joiner]:
    made = Joiner(new_database(postgres.template("province", provinces.prepare)))
    yield made
    made.database.close()


@pytest.mark.parametrize(("order", "batch"), [((HOME, GUEST), 1), ((GUEST, HOME), 2_000)])
@pytest.mark.parametrize("gone", [(1,), (2,), (3,), (2, 3), (1, 2, 3, 4), (5,)])
def test_a_late_joiner_comes_to_the_same(
    province: Province, joiner: Joiner, gone: Sequence[int], order: Sequence[str], batch: int
) -> None:
    # given records of one stream that were redacted, and one more after that
    last = tell(province)
    assert last == 5
    for position in gone:
        province.do(HOME, Redact(position=position, reason=WHY))
    # when somebody joins, who takes one log after the other, and each twice
    for log in order:
        joiner.take(province, log)
        joiner.fold(batch)
        joiner.take(province, log)
    # then all says the same, and verification has nothing to say but where
    assert joiner.digests() == province.digests()
    with joiner.database.connection() as conn:
        for report in (verify.verify(conn, alliance(), HOME), replay.replay(conn, HOME)):
            assert (report.findings, report.redacted) == ([], len(gone))
        assert read.covered(conn)[HOME] == last + len(gone)


@pytest.mark.parametrize("gone", [(1,), (3,), (1, 2, 3)])
def test_the_bureau_itself_goes_on_with_the_stream(
    province: Province, joiner: Joiner, gone: Sequence[int]
) -> None:
    # given a plan, a question and a change, of which some are redacted, the last one too
    first = province.do(HOME, PLAN)
    stream = province.stream(first)
    province.do(HOME, Publish(stream=stream, bureaus=(GUEST,)))
    province.do(HOME, Change(stream=stream, starts=day("2026-04-03"), ends=day("2026-04-03"), place=PLACE))
    for position in gone:
        province.do(HOME, Redact(position=position, reason=WHY))
    # when it is changed again, if enough is left
    again = Change(stream=stream, starts=day("2026-04-09"), ends=day("2026-04-09"), place=PLACE)
    if gone == (3,):
        assert province.record(province.do(HOME, again)).version == 4
    else:
        with pytest.raises(errors.Refused):
            province.do(HOME, again)
    # then everybody agrees
    joiner.take(province, HOME)
    joiner.fold(2_000)
    assert joiner.digests() == province.digests()


def test_a_report_is_made_again_by_who_never_had_the_bytes(province: Province, joiner: Joiner) -> None:
    # given a report of before a redaction, and one of after it
    last = tell(province)
    before = keep(province.database, "前", {HOME: last, GUEST: 1})
    for position in (2, 3):
        province.do(HOME, Redact(position=position, reason=WHY))
    after = keep(province.database, "后", {HOME: last + 2, GUEST: 1})
    assert [(x.position, x.kind) for x in after.aside.left_out] == [(2, "redacted"), (3, "redacted")]
    # when a late joiner makes them again, and the bureau itself
    for log in (HOME, GUEST):
        joiner.take(province, log)
    joiner.fold(2_000)
    lost = set()
    for database in (province.database, joiner.database):
        with database.connection() as conn:
            again = reproducing.reproduce(conn, Scratch(database), after)
            of_old = reproducing.reproduce(conn, Scratch(database), before)
        # then the new one comes out the same; of the old one it is told what is lacking, everywhere alike
        assert again.same, again.differences
        assert not of_old.same
        lost.add(of_old.again)
    assert len(lost) == 1


def ask(database: Database, vector: dict[str, int]) -> Asked:
    query = registry.find("activities")
    with database.connection() as conn:
        return asking.ask_then(conn, Scratch(database), query, query.read({}), vector)


def keep(database: Database, name: str, vector: dict[str, int]) -> Report:
    asked = ask(database, vector)
    with database.connection() as conn:
        return reports.load(conn, str(reports.save(conn, name, asked, MADE)))
