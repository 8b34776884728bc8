"""A report comes out the same again, on every node and every run, or says where it does not."""

from datetime import date, timedelta

import psycopg
import pytest

from events import activity as a
from events import errors
from events.event import Key
from projections import activity, model, quarantine
from services.auditor import reports, reproducing
from services.auditor.differences import Difference
from services.auditor.queries import registry
from services.auditor.reproducing import Outcome, Void
from services.ledger import read
from tests.projections.histories import World, ask, corrected, held, planned, reference
from tests.projections.test_any_order import Story
from tests.services.auditor.conftest import NewTraveller
from tests.services.auditor.travelling import MADE, Traveller, value

ONE, TWO = "500116", "510300"
DAY = {"day": "2026-04-10"}


def reproduced(node: Traveller, name: str) -> Outcome:
    with node.database.connection() as conn:
        return reproducing.reproduce(conn, node.build, reports.load(conn, name))


def visits(*persons: int) -> World:
    """Activities that were held, two records each."""
    world = World()
    for number, count in enumerate(persons):
        world.record(ONE, f"s{number}", planned(f"活动{number}"))
        world.record(ONE, f"s{number}", held(persons=count))
    return world


def test_two_nodes_and_every_batch_size_give_the_same_digest(new_traveller: NewTraveller) -> None:
    # given a history with everything that makes it hard, folded at two nodes in other batches
    story = Story(31, steps=120)
    nodes = [new_traveller(story.world, batch) for batch in (2_000, 7)]
    for node in nodes:
        node.settle()

    for query in registry.QUERIES:
        # when both are asked now, and one at the vector where they stand
        day = DAY if "day" in query.parameters.model_fields else {}
        now = [node.ask(query.name, parameters=day) for node in nodes]
        then = nodes[1].ask(query.name, now[0].vector, day)

        # then all of it is one content, and so one digest
        assert len({asked.digest for asked in (*now, then)}) == 1
        assert now[0].aside.waiting
        assert now[0].content == then.content


def test_a_report_is_made_again_from_the_records_and_comes_out_the_same(new_traveller: NewTraveller) -> None:
    story = Story(32, steps=120)
    node = new_traveller(story.world)
    node.settle({log: len(entries) // 2 for log, entries in story.world.logs.items()})
    report = node.keep("四月", node.ask("activities"))
    assert report.answer.rows

    # when more comes, and one of the records that wait is skipped by a person
    node.settle()
    with node.database.connection() as conn:
        key = next(k for k in report.aside.waiting if k[1] <= report.vector[k[0]])
        quarantine.skip(conn, key, "见决定", model="activity")

    # then it comes out the same, although the live answer is another one; and nothing is left behind
    before = node.schemas()
    outcome = reproduced(node, "四月")
    assert outcome.same, outcome.differences
    assert node.ask("activities").digest != report.digest
    assert node.schemas() == before


def test_a_report_from_before_a_log_was_closed_comes_out_the_same_and_tells_what_is_void(
    new_traveller: NewTraveller,
) -> None:
    # given a report that knew six records of a log which the alliance then closed after three
    node, late = new_traveller(visits(62, 26, 9)), new_traveller(visits(62, 26, 9))
    node.settle()
    report = node.keep("四月", node.ask("activities"))
    late.settle({ONE: 3})
    for each in (node, late):
        with each.database.connection() as conn:
            conn.execute(
                "INSERT INTO ledger.closed (log, size, root, succession) VALUES (%s, 3, '', '{}')", [ONE]
            )
            conn.execute("UPDATE ledger.log SET state = 'closed' WHERE log = %s", [ONE])

    # then it comes out the same, from the records that are kept as evidence
    outcome = reproduced(node, "四月")
    assert outcome.same, outcome.differences
    assert outcome.void == [Void(ONE, 3, 3)]
    # and nobody can ask anew for what is void
    with pytest.raises(errors.Invalid, match="beyond what is covered"):
        node.ask("activities", report.vector)
    # and where these records never came, it is said what is lacking
    with late.database.connection() as conn:
        there = reproducing.reproduce(conn, late.build, report)
    assert not there.same
    assert there.void == [Void(ONE, 3, 3)]
    assert Difference(f"vector.{ONE}", 6, 3) in there.differences


def test_what_was_left_out_then_is_left_out_again_even_where_it_is_not(new_traveller: NewTraveller) -> None:
    # given a report of a node at which a person skipped a record that cannot be read
    world = visits(62)
    odd = world.unknown(ONE, "s0")
    world.record(ONE, "s0", a.ActivityReported(day=date(2026, 4, 11)))
    here, there = (new_traveller(world) for _ in range(2))
    here.settle()
    with here.database.connection() as conn:
        quarantine.skip(conn, odd.key, "见决定")
        quarantine.retry(conn)
    here.settle()
    report = here.keep("四月", here.ask("activities"))
    assert [x.kind for x in report.aside.left_out] == ["skipped"]
    assert report.aside.waiting == ()

    # when another node, at which it waits, makes it again
    there.settle()
    assert there.ask("activities").aside.waiting
    with there.database.connection() as conn:
        outcome = reproducing.reproduce(conn, there.build, report)

    # then it comes out the same
    assert outcome.same, outcome.differences
    assert report.answer.rows[0].fields["stage"] == "reported"


def test_what_was_changed_by_hand_is_found_where_it_is(new_traveller: NewTraveller) -> None:
    node = new_traveller(visits(62, 26))
    node.settle()
    with node.database.connection() as conn:
        conn.execute("UPDATE model_activity.activity SET persons = 99 WHERE persons = 26")

    report = node.keep("四月", node.ask("activities"))
    outcome = reproduced(node, "四月")

    assert not outcome.same
    stream = next(r.stream for r in report.answer.rows if r.fields["persons"] == 99)
    assert [(d.place, d.before, d.after) for d in outcome.differences] == [
        ("figure persons.value", 161, 88),
        (f"row {ONE} {stream}.fields.persons", 99, 26),
    ]


def test_a_report_that_was_changed_by_hand_lacks_its_own_digest(new_traveller: NewTraveller) -> None:
    node = new_traveller(visits(62))
    node.settle()
    node.keep("四月", node.ask("activities"))
    with node.database.connection() as conn:
        conn.execute("UPDATE auditor.report SET answer = replace(answer, '62', '63')")

    outcome = reproduced(node, "四月")

    assert not outcome.same
    assert outcome.differences[0].place == "digest of what is kept"
    assert ("figure persons.value", 63, 62) in [(d.place, d.before, d.after) for d in outcome.differences]


def test_what_happened_and_what_was_known_are_two_questions(new_traveller: NewTraveller) -> None:
    # given an activity of April that was recorded with 62 people, and in May found to be 26
    world = World()
    world.record(ONE, "a", planned())
    first = world.record(ONE, "a", held(persons=62, day=date(2026, 4, 2)))
    node = new_traveller(world)
    node.settle()
    known = node.ask("activities").vector
    world.record(ONE, "a", corrected(first, held(persons=26, day=date(2026, 4, 2))))
    world.record(TWO, "late", planned("补录"))
    world.record(TWO, "late", held(persons=10, day=date(2026, 4, 3)))
    with node.database.connection() as conn:
        conn.execute("INSERT INTO ledger.log (log, own) VALUES (%s, false)", [TWO])
    node.covered[TWO] = 0
    node.settle()

    # when April is asked for: as it is known now, and as it was known then
    april = {"first": "2026-04-01", "last": "2026-04-30"}
    now, then = node.ask("activities", None, april), node.ask("activities", known, april)

    # then the happening is the same and the knowledge is not
    assert (value(now, "activities"), value(now, "persons")) == (2, 36)
    assert (value(then, "activities"), value(then, "persons")) == (1, 62)
    # and a day in the world is another condition than a vector
    assert value(node.ask("activities", None, {"last": "2026-04-02"}), "persons") == 26
    assert value(node.ask("activities", known, {"last": "2026-04-01"}), "persons") == 0


def test_a_date_leads_to_the_vector_that_was_known(new_traveller: NewTraveller) -> None:
    world = visits(1, 2, 3)
    node = new_traveller(world)
    node.settle()
    times = [entry.time.decode() for entry in world.logs[ONE]]
    with node.database.connection() as conn:
        assert [read.vector_at(conn, time)[ONE] for time in times] == [1, 2, 3, 4, 5, 6]
    assert value(node.ask("activities", {ONE: 4}), "persons") == 3


def test_a_name_is_given_once_and_a_number_is_none(new_traveller: NewTraveller) -> None:
    node = new_traveller(visits(1))
    node.settle()
    asked = node.ask("activities")
    node.keep("四月", asked)
    with node.database.connection() as conn:
        with pytest.raises(errors.Taken):
            reports.save(conn, "四月", asked, MADE)
        for name in ("", " ", "17", "x" * 101, "a\nb"):
            with pytest.raises(errors.Invalid):
                reports.save(conn, name, asked, MADE)
        assert [head.name for head in reports.heads(conn)] == ["四月"]
        assert reports.load(conn, "1") == reports.load(conn, "四月")
        with pytest.raises(errors.NotFound):
            reports.load(conn, "2")


def test_what_is_read_back_is_what_was_asked(new_traveller: NewTraveller) -> None:
    story = Story(33, steps=80)
    node = new_traveller(story.world)
    node.settle()
    asked = node.ask("activities")
    report = node.keep("四月", asked)
    assert report.content == asked.content
    assert report.digest == asked.digest
    assert report.answer == asked.answer


def joint() -> World:
    """An activity of one bureau to which two others said yes; the record of holding names one of them."""
    world = World()
    world.record(ONE, "a", planned())
    question = world.record(ONE, "a", a.ActivityPublished(asks=(ask(TWO), ask("511600"))))
    yes, late = (
        world.record(log, "c", a.CohostConfirmed(question=reference(question))) for log in (TWO, "511600")
    )
    world.record(ONE, "a", held(yes))
    world.record(ONE, "b", planned())
    assert late.position == yes.position
    return world


def test_the_document_names_every_record_behind_every_figure_and_row(new_traveller: NewTraveller) -> None:
    node = new_traveller(joint())
    node.settle()
    report = node.keep("四月", node.ask("activities"))
    with node.database.connection() as conn:
        told = reproducing.document(conn, report)

    assert list(told) == [
        "name", "query", "parameters", "vector", "versions", "aside", "digest", "figures", "rows",
    ]  # fmt: skip
    own = [[ONE, 1], [ONE, 2], [ONE, 3]]
    assert [(f["name"], f["value"], f["count"], f["records"]) for f in told["figures"]] == [
        ("activities", 1, True, own), ("persons", 62, False, own), ("joint", 1, True, own),
    ]  # fmt: skip
    assert [row["records"] for row in told["rows"]] == [[*own, [TWO, 1]]]


def test_a_figure_that_counts_is_the_number_of_streams_of_its_records(new_traveller: NewTraveller) -> None:
    story = Story(34, steps=150)
    node = new_traveller(story.world)
    node.settle()
    report = node.keep("四月", node.ask("activities"))
    with node.database.connection() as conn:
        told = reproducing.document(conn, report)

    assert told["figures"][0]["value"] > 3
    for figure in told["figures"]:
        keys = [(log, at) for log, at in figure["records"]]
        found = {(r.log, r.stream) for r in story.world.records(keys).values()}
        assert len(keys) == len(set(keys))
        assert all(at <= report.vector[log] for log, at in keys)
        assert not set(keys) & set(report.aside.waiting)
        assert not figure["count"] or figure["value"] == len(found)


def test_the_scratch_schema_goes_even_when_asking_fails(new_traveller: NewTraveller) -> None:
    node = new_traveller(visits(1))
    node.settle()
    before = node.schemas()
    with (
        pytest.raises(psycopg.errors.DivisionByZero),
        node.database.connection() as conn,
        node.build(activity.MODEL, {ONE: 1}) as instance,
        model.reading(conn, instance),
    ):
        conn.execute("SELECT 1 / 0")
    assert node.schemas() == before
    with pytest.raises(errors.Invalid, match="beyond"):
        node.ask("activities", {ONE: 99})
    assert node.schemas() == before


def test_what_a_killed_process_left_is_swept_away_and_what_is_used_is_not(
    new_traveller: NewTraveller,
) -> None:
    node = new_traveller(visits(1))
    node.settle()
    before = node.schemas()
    with node.build(activity.MODEL, {ONE: 1}) as used:
        with node.database.connection() as conn:
            conn.execute(
                "UPDATE projection.model SET name = 'activity_at_sabcdefabcdef' WHERE name = %s", [used.name]
            )
            conn.execute("ALTER SCHEMA " + f'"{used.schema}"' + " RENAME TO model_activity_at_sabcdefabcdef")
        with node.build(activity.MODEL, {ONE: 1}) as other, node.build(activity.MODEL, {ONE: 2}) as third:
            assert node.schemas() == {*before, other.name, third.name}
    assert node.schemas() == before


def test_a_live_model_of_another_version_is_not_asked(new_traveller: NewTraveller) -> None:
    node = new_traveller(visits(62))
    node.settle()
    good = node.ask("activities")
    with node.database.connection() as conn:
        conn.execute("UPDATE projection.model SET version = version + 1 WHERE name = 'activity'")
        conn.execute("UPDATE model_activity.activity SET persons = 1")
    assert node.ask("activities") == good


def test_an_answer_holds_no_more_than_it_may(
    new_traveller: NewTraveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = new_traveller(visits(1, 2, 3))
    node.settle()
    monkeypatch.setattr("services.auditor.queries.base.MOST", 2)
    with pytest.raises(errors.Invalid, match="more than 2 rows"):
        node.ask("activities")


@pytest.mark.parametrize(
    ("given", "field"),
    [({"day": "yesterday"}, "day"), ({}, "day"), ({"day": "2026-01-01", "bureau": "x"}, "bureau"),
     ({"day": "2026-01-01", "other": "x"}, "other")],
)  # fmt: skip
def test_wrong_parameters_name_their_field(given: dict[str, str], field: str) -> None:
    with pytest.raises(errors.Invalid) as refused:
        registry.find("memoranda-in-force").read(given)
    assert refused.value.field == field


def keys(node: Traveller, name: str, figure: str) -> list[Key]:
    with node.database.connection() as conn:
        report = reports.load(conn, name)
        return [b.key for b in reproducing.figure_records(conn, report, figure)]


def test_a_figure_leads_to_its_records_and_a_record_to_its_figures(new_traveller: NewTraveller) -> None:
    world = visits(62, 26)
    world.record(ONE, "s2", planned("未举办"))
    node = new_traveller(world)
    node.settle()
    report = node.keep("四月", node.ask("activities"))
    world.record(ONE, "s0", a.ActivityReported(day=date(2026, 4, 2) + timedelta(days=9)))
    node.settle()

    assert keys(node, "四月", "persons") == [(ONE, at) for at in _order(report, "persons")]
    with node.database.connection() as conn:
        stream = next(r for r in report.answer.rows if r.fields["title"] == "活动0").stream
        touched = list(reports.touched(conn, (ONE, stream), 2))
        assert [(t.name, t.figure, t.value) for t in touched] == [
            ("四月", "activities", 2),
            ("四月", "persons", 88),
        ]
        assert list(reports.touched(conn, (ONE, stream), 6)) == []
        with pytest.raises(errors.NotFound):
            report.figure("nothing")


def _order(report: reports.Report, figure: str) -> list[int]:
    """Positions in the order of the streams' ids, two records each."""
    titles = {r.stream: int(str(r.fields["title"])[-1]) for r in report.answer.rows}
    return [at for _, s in report.figure(figure).streams for at in (titles[s] * 2 + 1, titles[s] * 2 + 2)]
