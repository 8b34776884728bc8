"""Every event is documented, said in both languages, golden, and never changes once it is stored."""

import json
import re
from string import Formatter
from typing import Any

import jsoncompat
import jsonschema
import pytest

from events import catalogue, envelope, handbook
from events.activity import ActivityPlanned, ActivityPlannedV1, Theme
from events.event import Event
from events.history import GENERIC
from tests.events import examples, golden

TYPES = sorted(catalogue.EVENTS)
NEWEST = [t for t, kind in sorted(catalogue.EVENTS.items()) if kind.upcast is Event.upcast]
DOCUMENTATION = {"title", "description", "default"}
HALF_WIDTH = re.compile(r"[,:;()!?]")


def meaning(schema: Any) -> Any:
    """A schema without its documentation; lists that may grow become sets of their members."""
    if isinstance(schema, dict):
        return {name: _part(name, part) for name, part in schema.items() if name not in DOCUMENTATION}
    return [meaning(part) for part in schema] if isinstance(schema, list) else schema


def _part(name: str, part: Any) -> Any:
    if name in {"properties", "$defs"}:
        return {key: meaning(value) for key, value in part.items()}
    return "a closed list" if name == "enum" else meaning(part)


def stored(type_: str) -> Any:
    return json.loads(golden.schema_of(type_).read_text("utf-8"))


# --- names, words, fields -------------------------------------------------------------------------


@pytest.mark.parametrize("type_", TYPES)
def test_a_stored_name_says_context_aggregate_event_and_version(type_: str) -> None:
    aggregate = catalogue.aggregate_of(type_)
    assert re.fullmatch(rf"yinqiao\.{aggregate.context}\.{aggregate.name}-[a-z-]+\.v[1-9][0-9]*", type_)


@pytest.mark.parametrize("type_", TYPES)
def test_every_event_says_what_it_is(type_: str) -> None:
    assert catalogue.EVENTS[type_].__doc__


@pytest.mark.parametrize("type_", NEWEST)
def test_every_event_can_say_itself_in_both_languages(type_: str) -> None:
    kind = catalogue.EVENTS[type_]
    names = {name + "_" if name == "bureau" else name for name in kind.model_fields} | {"bureau"}
    for sentence in (kind.zh, kind.en):
        assert sentence, f"{type_} has no sentence"
        assert {name for _, name, _, _ in Formatter().parse(sentence) if name} <= names


def test_chinese_sentences_have_full_width_punctuation() -> None:
    said = [text for kind in catalogue.EVENTS.values() for text in (kind.zh, kind.called_zh)]
    assert [text for text in said if HALF_WIDTH.search(text)] == []


@pytest.mark.parametrize("aggregate", catalogue.AGGREGATES.values(), ids=lambda a: a.name)
def test_every_recorded_fact_can_be_corrected_and_voided_and_its_stream_continued(aggregate: Any) -> None:
    assert [sum(issubclass(e, base) for e in aggregate.events) for base in GENERIC] == [1, 1, 1]


def test_no_name_stands_twice() -> None:
    events = [e.type for a in catalogue.AGGREGATES.values() for e in a.events]
    names = [a.name for context in catalogue.CONTEXTS for a in context.AGGREGATES]
    assert len(set(events)) == len(events)
    assert len(set(names)) == len(names)


def test_no_payload_has_a_field_for_free_text_or_a_person() -> None:
    # what is neither a title (at most 100 characters), a closed list, nor of a fixed pattern
    def texts(schema: Any, where: str) -> list[str]:
        if isinstance(schema, list):
            return [hit for part in schema for hit in texts(part, where)]
        if not isinstance(schema, dict):
            return []
        loose = schema.get("type") == "string" and not schema.keys() & {"pattern", "format", "enum", "const"}
        own = [where] if loose and schema.get("maxLength", 10_000) > 100 else []
        return own + [hit for name, part in schema.items() for hit in texts(part, f"{where}.{name}")]

    assert [hit for t in TYPES for hit in texts(catalogue.schema(t), t)] == []


def test_the_page_of_the_catalogue_is_up_to_date() -> None:
    assert golden.PAGE.read_text("utf-8") == handbook.markdown(), "run: python -m tests.events.golden"
    assert all(t.removeprefix("yinqiao.") in handbook.markdown() for t in TYPES if not is_generic(t))


def is_generic(type_: str) -> bool:
    return issubclass(catalogue.EVENTS[type_], GENERIC)


# --- golden bytes and schemas ---------------------------------------------------------------------


def test_every_event_has_golden_files_and_none_was_dropped() -> None:
    names = {path.name for path in golden.FOLDER.glob("*.json")}
    wanted = {f"{t}.json" for t in TYPES} | {f"{t}.schema.json" for t in TYPES}
    assert names == wanted, "run: python -m tests.events.golden; a stored name is never dropped"


@pytest.mark.parametrize("type_", TYPES)
def test_golden_bytes_are_read_and_written_the_same_for_ever(type_: str) -> None:
    # given the bytes as they were when the version was new
    value = golden.bytes_of(type_).read_bytes()
    read = envelope.read(value)
    # when their payload is read and written again
    data = catalogue.EVENTS[type_].model_validate_json(read.data)
    # then nothing has changed
    assert examples.value(data, position=read.sequence, time=read.time) == value


@pytest.mark.parametrize("type_", TYPES)
def test_golden_bytes_decode_to_the_newest_version(type_: str) -> None:
    record = catalogue.decode(golden.bytes_of(type_).read_bytes())
    assert record.type == type_
    assert record.data.type in NEWEST
    assert record.data.type.rpartition(".")[0] == type_.rpartition(".")[0]


@pytest.mark.parametrize("type_", TYPES)
def test_golden_payloads_fit_the_stored_and_the_present_schema(type_: str) -> None:
    payload = json.loads(envelope.read(golden.bytes_of(type_).read_bytes()).data)
    for schema in (stored(type_), catalogue.schema(type_)):
        jsonschema.Draft202012Validator(schema).validate(payload)


@pytest.mark.parametrize("type_", TYPES)
def test_a_stored_version_never_changes_but_in_words_and_longer_lists(type_: str) -> None:
    old, new = stored(type_), catalogue.schema(type_)
    assert meaning(new) == meaning(old), "a changed payload is a new version of the event"
    assert jsoncompat.check_compat(json.dumps(old), json.dumps(new), "deserializer")


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["required"].append("hours"),
        lambda s: s["properties"].pop("hours"),
        lambda s: s["properties"]["persons"].update(type="string"),
        lambda s: s["properties"]["persons"].update(maximum=5),
        lambda s: s["properties"].update(weather={"type": "string"}),
    ],
    ids=["required", "dropped", "retyped", "narrowed", "added"],
)
def test_a_change_of_a_stored_version_is_found(change: Any) -> None:
    old = stored("yinqiao.activity.activity-held.v1")
    new = json.loads(json.dumps(old))
    change(new)
    assert meaning(new) != meaning(old)


def test_a_closed_list_may_grow_but_not_shrink() -> None:
    old = stored("yinqiao.activity.activity-planned.v2")
    grown, shrunk = json.loads(json.dumps(old)), json.loads(json.dumps(old))
    grown["$defs"]["Form"]["enum"].append("parade")
    shrunk["$defs"]["Form"]["enum"].pop()
    assert meaning(grown) == meaning(old)
    assert jsoncompat.check_compat(json.dumps(old), json.dumps(grown), "deserializer")
    assert not jsoncompat.check_compat(json.dumps(old), json.dumps(shrunk), "deserializer")


# --- upcasting ------------------------------------------------------------------------------------


def test_an_activity_planned_before_themes_is_read_as_general() -> None:
    # given bytes of version 1
    value = golden.bytes_of("yinqiao.activity.activity-planned.v1").read_bytes()
    # when they are decoded
    record = catalogue.decode(value)
    # then the payload is of version 2, with everything that version 1 said, and the record keeps its type
    old = examples.example(ActivityPlannedV1)
    assert isinstance(record.data, ActivityPlanned)
    assert record.data.theme is Theme.GENERAL
    assert {name: getattr(record.data, name) for name in ActivityPlannedV1.model_fields} == dict(old)
    assert record.type == "yinqiao.activity.activity-planned.v1"
