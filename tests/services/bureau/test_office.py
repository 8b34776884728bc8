"""The office: every command once, whole, in order, or refused with nothing recorded."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from pydantic import JsonValue

from events import activity as events
from events import errors
from events.activity import Form
from events.values import Place, Reason, Why
from services.bureau import activity, records
from services.bureau.office import Answer
from tests.services.bureau.province import Province, day


def plan(title: str = "联合参观") -> activity.Plan:
    return activity.Plan(
        title=title, form=Form.STUDY_VISIT, starts=day("2026-02-02"), ends=day("2026-02-03"),
        place=Place(division="511600"),
    )  # fmt: skip


def entries(province: Province, log: str = "500117") -> int:
    with province.database.connection() as conn:
        row = conn.execute("SELECT count(*) FROM ledger.entry WHERE log = %s", [log]).fetchone()
    return int(row[0]) if row else 0  # type: ignore[call-overload]  # count(*)


def test_the_same_key_gives_the_first_answer_again(province: Province) -> None:
    # given a command that was answered
    first = province.do("500117", plan(), key="k")
    # when it is delivered twice
    again = province.do("500117", plan(), key="k")
    # then the answer is the same and nothing was added
    assert again == first
    assert entries(province) == 1


def test_the_same_key_with_another_body_is_refused(province: Province) -> None:
    province.do("500117", plan(), key="k")
    with pytest.raises(errors.SameKeyOtherBody):
        province.do("500117", plan("另一项"), key="k")
    assert entries(province) == 1


def test_after_a_restore_a_command_of_before_gets_its_first_answer(province: Province) -> None:
    # given a log whose command rows were lost, and whose events came back from others
    first = province.do("500117", plan(), key="k")
    with province.database.connection() as conn:
        conn.execute("UPDATE ledger.command SET command = %s, digest = ''", [first.event])
    # when the command comes again
    again = province.do("500117", plan(), key="k")
    # then nothing is recorded twice
    assert again == first
    assert entries(province) == 1


def test_the_same_key_in_another_log_is_another_command(province: Province) -> None:
    province.do("500117", plan(), key="k")
    assert province.do("511600", plan(), key="k").log == "511600"


def test_the_first_answer_comes_even_when_the_command_would_be_refused_now(province: Province) -> None:
    # given an activity that was cancelled
    stream = province.stream(province.do("500117", plan()))
    cancel = activity.Cancel(stream=stream, reason=Why(code=Reason.WEATHER))
    first = province.do("500117", cancel, key="c")
    # when the same command comes again, which could not be decided any more
    assert province.do("500117", cancel, key="c") == first


def test_a_thousand_of_the_same_at_once_record_one(province: Province) -> None:
    order = province.order("500117", plan(), key="same")
    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(lambda _: province.office.do("500117", order), range(100)))
    assert len(answers) == 1
    assert entries(province) == 1


def test_positions_have_no_gap_when_many_write_and_some_are_refused(province: Province) -> None:
    # given good commands and bad ones, all at once
    def attempt(number: int) -> None:
        stream = "00000000-0000-4000-8000-000000000000"
        bad = activity.Cancel(stream=stream, reason=Why(code=Reason.TIME))
        try:
            province.office.do(
                "500117", province.order("500117", bad if number % 3 else plan(), key=f"n{number}")
            )
        except errors.NotFound:
            assert number % 3

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, range(60)))
    # then the positions are 1…n
    with province.database.connection() as conn:
        rows = conn.execute("SELECT position FROM ledger.entry WHERE log = '500117' ORDER BY 1").fetchall()
    assert [p for (p,) in rows] == list(range(1, 21))


def test_a_stale_version_is_refused_and_names_both(province: Province) -> None:
    stream = province.stream(province.do("500117", plan()))
    sign_up = activity.StateSignUp(stream=stream, persons=3)
    province.do("500117", sign_up, if_match=1)
    with pytest.raises(errors.Stale, match="version 1, now it is 2"):
        province.do("500117", activity.StateSignUp(stream=stream, persons=4), if_match=1)


def test_two_writers_of_one_stream_both_succeed_without_if_match(province: Province) -> None:
    stream = province.stream(province.do("500117", plan()))

    def state(persons: int) -> Answer:
        command = activity.StateSignUp(stream=stream, persons=persons)
        return province.office.do("500117", province.order("500117", command, key=f"w{persons}"))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(state, range(3)))
    province.settle()
    assert [r.version for r in province.history("500117", stream)] == [1, 2, 3, 4]


def test_a_bulk_import_answers_each_line_and_refuses_only_the_bad_ones(province: Province) -> None:
    # given three activities, each planned, cancelled, and one cancelled twice, in one transaction's reach
    orders = [province.order("500117", plan(f"第{n}项"), key=f"b{n}") for n in range(3)]
    answers = list(province.office.bulk("500117", orders))
    province.settle()
    streams = [province.stream(a) for a in answers if isinstance(a, Answer)]
    cancels = [activity.Cancel(stream=s, reason=Why(code=Reason.TIME)) for s in [*streams, streams[0]]]
    # when they are imported
    found = list(province.office.bulk("500117", [province.order("500117", c) for c in cancels]))
    # then each line has its own answer
    assert [type(x).__name__ for x in found] == ["Answer", "Answer", "Answer", "Conflict"]
    # and delivered twice, the first answers come again
    assert list(province.office.bulk("500117", orders)) == answers


def test_a_bulk_import_may_change_what_it_has_just_made(province: Province) -> None:
    from events import envelope

    space = envelope.namespace("chuanyu", "500117")
    stream = envelope.subject_id(space, "made", 0)
    orders = [
        province.order("500117", plan(), key="made"),
        province.order("500117", activity.Hold(stream=stream, day=day("2026-02-02"), persons=62), key="held"),
        province.order("500117", activity.Report(stream=stream, day=day("2026-02-04")), key="reported"),
    ]
    answers = list(province.office.bulk("500117", orders))
    assert [a.position for a in answers if isinstance(a, Answer)] == [1, 2, 3]
    province.settle()
    assert [r.version for r in province.history("500117", stream)] == [1, 2, 3]


def test_a_moment_of_long_ago_is_written_in_full_width(province: Province) -> None:
    # given an order that is taken to be recorded in a year of three digits
    order = province.order("500117", plan())._replace(at=datetime(225, 5, 1, tzinfo=UTC))
    # when it is recorded
    answer = province.office.do("500117", order)
    # then its bytes are an envelope
    assert province.record(answer).time == "0225-05-01T00:00:00.000000Z"


def test_a_stream_with_a_record_of_a_newer_version_is_refused_with_what_to_do(province: Province) -> None:
    # given an activity of which a newer version wrote a record, and another one
    news, known = (province.do("500117", plan()) for _ in range(2))
    stream, other = province.stream(news), province.stream(known)
    with province.database.connection() as conn:
        conn.execute(
            "UPDATE ledger.entry SET value = convert_to(replace(convert_from(value, 'UTF8'), 'planned.v',"
            " 'planned.v9'), 'UTF8') WHERE position = %s",
            [news.position],
        )
    orders = [
        province.order("500117", activity.StateSignUp(stream=each, persons=3)) for each in (stream, other)
    ]
    # when a command changes it, alone or among others
    with pytest.raises(errors.Unreadable, match="update this node, then try again") as refusal:
        province.office.do("500117", orders[0])
    first, second = province.office.bulk("500117", orders)
    # then it is refused as what is true now, and the others go on
    assert refusal.value.status == 409
    assert isinstance(first, errors.Unreadable)
    assert isinstance(second, Answer)


def test_a_log_that_is_not_hosted_is_not_written(province: Province) -> None:
    with pytest.raises(errors.NotAllowed):
        province.office.do("440100", province.order("440100", plan()))


def test_the_attachments_of_a_fact_are_opened_to_those_it_names(province: Province) -> None:
    from tests.services.bureau.examples import attachment

    stream = province.stream(province.do("500117", plan()))
    province.do("500117", activity.Publish(stream=stream, bureaus=("511600",)))
    note = attachment("临时调整")
    province.do("500117", activity.Cancel(stream=stream, reason=Why(code=Reason.OTHER, note=note)))
    assert province.shared[-1] == ("500117", note.digest, frozenset({"511600"}))


def test_a_correction_replaces_and_a_voiding_removes_and_history_keeps_both(province: Province) -> None:
    # given an activity held with 62 people
    stream = province.stream(province.do("500117", plan()))
    held = province.do("500117", activity.Hold(stream=stream, day=day("2026-02-02"), persons=62))
    # when it is corrected to 26
    correct = records.Correct(
        aggregate="activity", stream=stream, position=held.position, reason=Why(code=Reason.TYPING),
        payload={"persons": 26},
    )  # fmt: skip
    province.do("500117", correct)
    # then the state says 26, and the first writing stands
    history = province.history("500117", stream)
    assert [r.data.persons for r in history if isinstance(r.data, events.ActivityHeld)] == [62]
    from projections import activity as shown

    assert province.ask(shown.MODEL, shown.total, shown.Chosen()).persons == 26
    # and voided, it counts nothing
    void = records.Void(
        aggregate="activity", stream=stream, position=held.position, reason=Why(code=Reason.DUPLICATE)
    )
    province.do("500117", void)
    assert province.ask(shown.MODEL, shown.total, shown.Chosen()).activities == 0


def test_a_voiding_that_would_leave_an_impossible_history_is_refused(province: Province) -> None:
    planned = province.do("500117", plan())
    stream = province.stream(planned)
    province.do("500117", activity.Hold(stream=stream, day=day("2026-02-02"), persons=62))
    void = records.Void(
        aggregate="activity", stream=stream, position=planned.position, reason=Why(code=Reason.OTHER)
    )
    with pytest.raises(errors.Conflict, match="not possible"):
        province.do("500117", void)


@pytest.mark.parametrize(
    ("payload", "field"),
    [({"persons": "62"}, "persons"), ({"persons": -1}, "persons"), ({"unknown": 1}, "unknown")],
)
def test_a_correction_with_a_bad_value_names_the_field_and_not_the_value(
    province: Province, payload: dict[str, JsonValue], field: str
) -> None:
    stream = province.stream(province.do("500117", plan()))
    held = province.do("500117", activity.Hold(stream=stream, day=day("2026-02-02"), persons=62))
    correct = records.Correct(
        aggregate="activity",
        stream=stream,
        position=held.position,
        reason=Why(code=Reason.TYPING),
        payload=payload,
    )
    with pytest.raises(errors.Invalid, match=field):
        province.do("500117", correct)


def test_a_neighbours_stream_at_the_same_node_is_nobody_elses(province: Province) -> None:
    stream = province.stream(province.do("500117", plan()))
    with pytest.raises(errors.NotFound):
        province.do("500153", activity.Cancel(stream=stream, reason=Why(code=Reason.NO_LONGER_NEEDED)))
    assert entries(province, "500153") == 0
