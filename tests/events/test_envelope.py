"""An envelope is read as it was written or not at all; a stranger's CloudEvents library reads it too."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka
from cloudevents.core.formats.json import JSONFormat
from hypothesis import example, given
from hypothesis import strategies as st

from events import catalogue, envelope, errors, plainjson, values
from events.activity import ActivityHeld, ActivitySignUpStated
from events.cooperation import SignatureSigned
from events.event import Event
from events.meetings import MeetingCalled
from events.values import Place, Reference
from tests.events import golden
from tests.events.examples import LEAF
from tests.events.examples import example as filled
from tests.events.examples import value as enveloped
from tests.events.histories import day

LOGS = st.from_regex(values.LOG, fullmatch=True)
POSITIONS = st.integers(1, 2**53 - 1)
UUIDS = st.uuids().map(str)
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31)).map(  # noqa: DTZ001  (written as UTC below)
    lambda t: t.isoformat(timespec="microseconds") + "Z"
)
TITLES = st.text("重庆四川银桥𠮷é\"\\/<&'{}:, -aZ09(「」%", min_size=1, max_size=100).filter(
    lambda t: t == t.strip()
)
REFERENCES = st.builds(Reference, log=LOGS, position=POSITIONS, leaf=st.just(LEAF))
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        MeetingCalled,
        asks=st.just(()),
        title=TITLES,
        day=st.dates(day("1900-01-01"), day("2199-12-31")),
        place=st.builds(Place, division=st.just("510100"), name=st.none() | TITLES),
        outside=st.just(()),
        agenda=st.none(),
        memorandum=st.none() | REFERENCES,
    ),
    st.builds(SignatureSigned, question=REFERENCES, text=st.just(LEAF), paper=st.none()),
    st.builds(ActivitySignUpStated, persons=st.integers(0, 100_000_000)),
    st.sampled_from([filled(kind) for kind in catalogue.EVENTS.values()]),
)
HELD = "yinqiao.activity.activity-held.v1"
WHOLE = golden.bytes_of(HELD).read_bytes()


def with_payload(payload: bytes, type_: str = HELD) -> bytes:
    """A value whose payload is these bytes."""
    value = golden.bytes_of(type_).read_bytes()
    return value[: len(value) - 1 - len(envelope.read(value).data)] + payload + b"}"


def with_field(name: str, json_text: str) -> bytes:
    """An activity-held value with one field written as given."""
    payload = json.loads(envelope.read(WHOLE).data)
    payload[name] = "\0here"
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return with_payload(text.replace('"\\u0000here"', json_text).encode("utf-8", "surrogatepass"))


# --- round trip -----------------------------------------------------------------------------------


@given(EVENTS, LOGS, POSITIONS, TIMES, st.data())
def test_what_is_written_is_read(
    event: Event, log: str, position: int, time: str, data: st.DataObject
) -> None:
    id_, stream, cause = data.draw(UUIDS), data.draw(UUIDS), data.draw(st.none() | UUIDS)
    version = data.draw(st.integers(1, 999_999_999))
    basis = {*event.references(), *data.draw(st.lists(st.tuples(LOGS, POSITIONS), max_size=30))}
    actor = data.draw(st.sampled_from(["system", f"officer/{id_}"]))
    aggregate = catalogue.aggregate_of(event.type).name
    # given an event in an envelope
    prepared = envelope.prepare(
        alliance="chuanyu", log=log, id=id_, aggregate=aggregate, stream=stream, version=version,
        actor=actor, data=event, causation=cause, correlation=cause, basis=basis,
    )  # fmt: skip
    value = envelope.stamp(prepared, position, time)
    # when it is decoded
    record = catalogue.decode(value, b"leaf")
    # then everything is as it was, in the newest version, and the bytes are JSON without white space
    assert record == (
        log, position, time, id_, event.type, aggregate, stream, version, actor, cause, cause,
        tuple(sorted(basis)), event.upcast(), b"leaf", None,
    )  # fmt: skip
    assert json.dumps(json.loads(value), ensure_ascii=False, separators=(",", ":")).encode() == value
    assert envelope.read(value).data == event.model_dump_json(exclude_none=True).encode()


def test_stamping_keeps_the_length_so_that_the_database_can_do_it() -> None:
    prepared = envelope.stamp(WHOLE, 0, "0000-00-00T00:00:00.000000Z")
    assert len(prepared) == len(WHOLE)
    assert envelope.stamp(prepared, 7, "2023-06-08T01:02:03.000004Z") == WHOLE


def test_the_same_command_gives_the_same_ids_at_every_try() -> None:
    space = envelope.namespace("chuanyu", "500116")
    assert envelope.event_id(space, "c", 0) == envelope.event_id(space, "c", 0)
    ids = {f(space, "c", i) for f in (envelope.event_id, envelope.subject_id) for i in range(3)}
    assert len(ids) == 6
    assert envelope.event_id(envelope.namespace("chuanyu", "500117"), "c", 0) not in ids


# --- limits ---------------------------------------------------------------------------------------


def prepared(data: Event, basis: Any = ()) -> bytes:
    return envelope.prepare(
        alliance="chuanyu", log="500000", id=LEAF, aggregate="activity", stream=LEAF, version=1,
        actor="system", data=data, basis=basis,
    )  # fmt: skip


def test_a_reference_that_does_not_stand_in_the_basis_is_refused() -> None:
    with pytest.raises(errors.Invalid, match="510000"):
        prepared(filled(ActivityHeld))


def test_a_basis_of_more_than_64_records_is_refused() -> None:
    prepared(filled(ActivitySignUpStated), [("500000", n) for n in range(1, 65)])
    with pytest.raises(errors.Invalid, match="64"):
        prepared(filled(ActivitySignUpStated), [("500000", n) for n in range(1, 66)])


def test_a_value_over_60000_bytes_is_refused_and_not_read() -> None:
    meeting = filled(MeetingCalled)
    outside = meeting.outside * 2_000
    with pytest.raises(errors.Invalid, match="60000"):
        prepared(meeting.model_copy(update={"outside": outside}), meeting.references())
    with pytest.raises(errors.Damage):
        envelope.read(with_payload(b'{"x":"' + b"y" * 60_000 + b'"}'))


# --- what is no envelope, or no payload -----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("persons", "NaN"),
        ("persons", "Infinity"),
        ("persons", str(2**70)),
        ("persons", "-1"),
        ("persons", "5.0"),
        ("persons", "1e2"),
        ("persons", "true"),
        ("persons", '"5"'),
        ("persons", "null"),
        ("persons", "5,\n"),
        ("persons", " 5"),
        ("persons", '5,"persons":6'),
        ("persons", '5,"weather":"fine"'),
        ("day", '"2023-02-29"'),
        ("day", '"2023-06-08T00:00:00Z"'),
        ("day", '"0001-01-01"'),
        ("day", '"9999-12-31"'),
        ("day", "20230608"),
        ("place", '{"division":"510104","name":"a\\u0000b"}'),
        ("place", '{"division":"510104","name":"\\ud800"}'),
        ("place", '{"division":"510104","name":"\ud800"}'),
        ("place", '{"division":"510104","name":"a\\u202eb"}'),
        ("place", '{"division":"510104","name":"a\\u200bb"}'),
        ("place", '{"division":"510104","name":"e\\u0301"}'),
        ("place", '{"division":"510104","name":" a"}'),
        ("place", '{"division":"51010４"}'),
        ("place", '{"division":"510104","division":"510105"}'),
        ("place", '{"division":"510104","name":"' + "长" * 101 + '"}'),
        ("place", "[" * 3_000 + "]" * 3_000),
        ("answers", '[{"log":"510000","position":9,"leaf":"' + LEAF + '"}]'),
    ],
)
def test_a_payload_that_is_not_strictly_right_is_damage(name: str, text: str) -> None:
    with pytest.raises(errors.Damage) as refused:
        catalogue.decode(with_field(name, text))
    assert text not in refused.value.message, "the value is never echoed"


def test_a_key_that_stands_twice_in_a_corrections_payload_is_damage() -> None:
    type_ = "yinqiao.activity.activity-corrected.v1"
    payload = envelope.read(golden.bytes_of(type_).read_bytes()).data
    catalogue.decode(with_payload(payload, type_))
    with pytest.raises(errors.Damage, match="twice"):
        catalogue.decode(
            with_payload(payload.replace(b'"payload":{', b'"payload":{"bureau":"500101",'), type_)
        )


def test_a_payload_in_another_order_or_with_escapes_says_the_same() -> None:
    # given the payload as another implementation may write it
    payload = json.loads(envelope.read(WHOLE).data)
    turned = json.dumps(dict(reversed(payload.items())), separators=(",", ":"))
    assert "\\u" in turned
    # then it is read the same
    assert catalogue.decode(with_payload(turned.encode())).data == catalogue.decode(WHOLE).data


def test_a_choice_that_this_version_does_not_know_waits_for_an_upgrade() -> None:
    planned = golden.bytes_of("yinqiao.activity.activity-planned.v2").read_bytes()
    with pytest.raises(errors.UnknownType, match="form: enum"):
        catalogue.decode(planned.replace(b'"form":"seminar"', b'"form":"parade"'))


@pytest.mark.parametrize("type_", ["yinqiao.activity.activity-held.v2", "yinqiao.weather.rain-fell.v1"])
def test_an_unknown_type_or_newer_version_is_unknown_and_not_damage(type_: str) -> None:
    with pytest.raises(errors.UnknownType, match=type_):
        catalogue.decode(WHOLE.replace(HELD.encode(), type_.encode()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"specversion":"1.0"', b'{"specversion":"1.1"'),
        (b'{"specversion"', b'{ "specversion"'),
        (b'"sequence":"0', b'"sequence":"'),
        (b"T01:02:03.000004Z", b"T01:02:03Z"),
        (b"000004Z", b"000004+08:00"),
        (b'"source":"//chuanyu/500000"', b'"source":"chuanyu/500000"'),
        (b'"dataschema":"urn:yinqiao:schema:yinqiao.activity.activity-held.v1"', b'"dataschema":"urn:x:y"'),
        (b":schema:yinqiao.activity.activity-held.v1", b":schema:yinqiao.activity.activity-held.v2"),
        (b'"subject":"activity/', b'"subject":"cohost/'),
        (b'"aggregateversion":"2"', b'"aggregateversion":"0"'),
        (b'"aggregateversion":"2"', b'"aggregateversion":2'),
        (b'"actor":"officer/', b'"actor":"clerk/'),
        (b'"causationid":', b'"extra":"x","causationid":'),
        (b'"basis":"510000:3"', b'"basis":""'),
        (b'"basis":"510000:3"', b'"basis":"510000:03"'),
        (b'"basis":"510000:3"', b'"basis":"510000:4"'),
        (b'"basis":"510000:3",', b""),
        (b'"basis":"510000:3"', b'"basis":"510000:3 510000:3"'),
        (b'"basis":"510000:3"', b'"basis":"510000:3 500000:9"'),
        (b'"basis":"510000:3"', b'"basis":"510000:10 510000:3"'),
        (b'"source":"//chuanyu/500000"', b'"source":"//chuanyu/500000-1"'),
        (b'"basis":"510000:3"', b'"basis":"510000-1:2 510000:3"'),
        (b'"data":{', b'"data":{"data":{'),
        (b'"data":{', b'"data":[{'),
    ],
)
def test_an_envelope_that_is_not_byte_for_byte_of_the_contract_is_damage(old: bytes, new: bytes) -> None:
    assert old in WHOLE
    with pytest.raises(errors.Damage):
        catalogue.decode(WHOLE.replace(old, new))


def test_the_place_of_a_value_is_read_as_strictly_as_the_whole() -> None:
    for basis in (b"510000:3 510000:3", b"510000:10 510000:3", b"510000-1:3"):
        with pytest.raises(errors.Damage):
            envelope.place(WHOLE.replace(b"510000:3", basis, 1))


def test_a_basis_is_sorted_by_log_and_number_of_position() -> None:
    basis = (("500000", 9), ("510000", 3), ("510000", 10), ("510000-2", 1))
    text = " ".join(f"{log}:{position}" for log, position in basis).encode()
    assert envelope.read(WHOLE.replace(b"510000:3", text, 1)).basis == basis


@given(st.binary(max_size=300))
@example(b"")
@example(b"\xff\xfe{}")
def test_junk_is_damage(junk: bytes) -> None:
    with pytest.raises(errors.Damage):
        catalogue.decode(junk)


@given(st.sampled_from(sorted(catalogue.EVENTS)), st.data())
def test_a_changed_byte_is_refused_or_read_as_what_it_says(type_: str, data: st.DataObject) -> None:
    value = bytearray(golden.bytes_of(type_).read_bytes())
    at = data.draw(st.integers(0, len(value) - 1))
    value[at] = data.draw(st.integers(0, 255))
    try:
        record = catalogue.decode(bytes(value))
    except errors.BadRecord:
        return
    said = json.loads(bytes(value))
    assert (said["subject"], said["time"]) == (f"{record.aggregate}/{record.stream}", record.time)
    assert int(said["sequence"]) == record.position


def test_the_check_of_plain_json_knows_white_space_inside_texts() -> None:
    plainjson.check("t", b'{"a":"x y\\" \\n","b":[1,{"c":null}]}')
    for wrong in (b'{"a": 1}', b'{"a":1}\n', b'{"a":1.5}', b'{"a":[{"b":1,"b":1}]}', b'{"a":-Infinity}'):
        with pytest.raises(errors.Damage):
            plainjson.check("t", wrong)


# --- a stranger reads it --------------------------------------------------------------------------


@pytest.mark.parametrize("type_", sorted(catalogue.EVENTS))
def test_the_cloudevents_sdk_reads_our_records(type_: str) -> None:
    # given a record as it stands on the topic
    value = golden.bytes_of(type_).read_bytes()
    ours = catalogue.decode(value)
    headers = {"content-type": b"application/cloudevents+json; charset=utf-8", "sequence": b"7"}
    # when the CloudEvents project's own library reads it
    event = from_kafka(KafkaMessage(headers, f"{ours.aggregate}/{ours.stream}".encode(), value), JSONFormat())
    # then it finds what we find
    assert (event.get_specversion(), event.get_id(), event.get_type()) == ("1.0", ours.id, ours.type)
    assert event.get_source() == f"//chuanyu/{ours.log}"
    assert event.get_subject() == f"{ours.aggregate}/{ours.stream}"
    assert event.get_time() == datetime(2023, 6, 8, 1, 2, 3, 4, tzinfo=UTC)
    assert event.get_extension("sequence") == f"{ours.position:020d}"
    assert event.get_extension("basis") == (" ".join(f"{log}:{n}" for log, n in ours.basis) or None)
    assert event.get_data() == json.loads(envelope.read(value).data)


def test_attribute_names_are_those_that_cloudevents_allows() -> None:
    names = set(json.loads(enveloped(filled(ActivityHeld))))
    assert all(name.isalnum() and name == name.lower() and len(name) <= 20 for name in names)
