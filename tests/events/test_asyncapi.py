"""The AsyncAPI document is valid by the specification's own schema and covers every event."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from events import asyncapi, catalogue
from tests.events import golden

SCHEMA = Path(__file__).parents[1] / "support" / "schemas" / "asyncapi-3.1.0.json"
DOCUMENT = asyncapi.document("1.2.3")


def errors_of(document: Any) -> list[str]:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    return [e.message[:200] for e in jsonschema.Draft7Validator(schema).iter_errors(document)]


def message(type_: str) -> Any:
    return DOCUMENT["components"]["messages"][type_.removeprefix("yinqiao.")]


def test_the_document_is_valid_by_the_schema_of_the_specification() -> None:
    assert errors_of(DOCUMENT) == []
    assert errors_of({**DOCUMENT, "channels": {"log": {"adress": "x"}}})


def test_every_event_is_a_message_of_the_log_channel() -> None:
    assert [m["$ref"].rpartition("/")[2] for m in DOCUMENT["channels"]["log"]["messages"].values()] == list(
        DOCUMENT["components"]["messages"]
    )
    assert [m["name"] for m in DOCUMENT["components"]["messages"].values()] == list(catalogue.EVENTS)


def test_every_reference_leads_somewhere() -> None:
    def references(part: Any) -> list[str]:
        if isinstance(part, list):
            return [hit for item in part for hit in references(item)]
        if not isinstance(part, dict):
            return []
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [hit for item in part.values() for hit in references(item)]

    for reference in references(DOCUMENT):
        place: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


@pytest.mark.parametrize("type_", sorted(catalogue.EVENTS))
def test_a_golden_value_fits_the_message_of_its_event_and_of_no_other(type_: str) -> None:
    value = json.loads(golden.bytes_of(type_).read_bytes())
    whole = {"$schema": "http://json-schema.org/draft-07/schema", "components": DOCUMENT["components"]}
    jsonschema.Draft7Validator({**whole, **message(type_)["payload"]}).validate(value)
    other = next(t for t in catalogue.EVENTS if t != type_)
    assert not jsonschema.Draft7Validator({**whole, **message(other)["payload"]}).is_valid(value)
