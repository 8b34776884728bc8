"""The AsyncAPI 3.1 document of what stands on the topics, made from the catalogue.

One channel for all log topics, one message an event version. Sources: AsyncAPI 3.1.0, its Kafka bindings
0.5.0, CloudEvents 1.0.2 (Kafka protocol binding, structured mode), contracts.md.
"""

from typing import Any, TypeAlias

from pydantic.json_schema import models_json_schema

from events import catalogue, envelope
from events.event import Event
from events.values import LOG

Json: TypeAlias = dict[str, Any]
_UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


def document(version: str) -> Json:
    """The whole document, of this version of the software."""
    return {
        "asyncapi": "3.1.0",
        "info": _info(version),
        "defaultContentType": "application/cloudevents+json; charset=utf-8",
        "servers": {"kafka": _server()},
        "channels": {"log": _channel()},
        "operations": {"readLog": _operation("receive"), "writeLog": _operation("send")},
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _info(version: str) -> Json:
    return {
        "title": "Yinqiao (银桥)",
        "version": version,
        "description": "Every bureau for retired cadres writes its own signed log, and all read it.",
    }


def _server() -> Json:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "variables": {"bootstrap": {"description": "host and port of a broker", "default": "localhost:9092"}},
    }


def _channel() -> Json:
    return {
        "address": "yinqiao.{alliance}.{log}",
        "description": "One log: one partition, in the order of its positions, each value at least once.",
        "parameters": {
            "alliance": {"description": "the alliance's name, [a-z0-9-]+", "examples": ["chuanyu"]},
            "log": {"description": "bureau code, with -<n> when it was continued", "examples": ["500116"]},
        },
        "messages": {_key(t): {"$ref": f"#/components/messages/{_key(t)}"} for t in catalogue.EVENTS},
        "bindings": {"kafka": {"partitions": 1, "topicConfiguration": {"cleanup.policy": ["delete"]}}},
    }


def _operation(action: str) -> Json:
    verb = "Follow a log" if action == "receive" else "Ship a log; only its own node may"
    return {"action": action, "channel": {"$ref": "#/channels/log"}, "summary": verb}


def _messages() -> Json:
    return {_key(type_): _message(kind) for type_, kind in catalogue.EVENTS.items()}


def _message(kind: type[Event]) -> Json:
    aggregate = catalogue.aggregate_of(kind.type)
    return {
        "name": kind.type,
        "title": f"{kind.__name__} ({aggregate.zh})",
        "summary": (kind.__doc__ or "").partition("\n")[0],
        "contentType": "application/cloudevents+json; charset=utf-8",
        "tags": [{"name": aggregate.context}],
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/Envelope"},
                {
                    "properties": {
                        "type": {"const": kind.type},
                        "dataschema": {"const": f"urn:yinqiao:schema:{kind.type}"},
                        "subject": {"pattern": f"^{aggregate.name}/{_UUID[1:]}"},
                        "data": {"$ref": f"#/components/schemas/{_key(kind.type)}"},
                    }
                },
            ]
        },
        "bindings": {"kafka": {"key": {"type": "string", "description": "the subject"}}},
    }


def _schemas() -> Json:
    places, defined = models_json_schema(
        [(kind, "validation") for kind in catalogue.EVENTS.values()],
        ref_template="#/components/schemas/{model}",
    )
    shared: Json = dict(defined["$defs"])
    payloads = {
        _key(k.type): shared.pop(_last(places[k, "validation"]["$ref"])) for k in catalogue.EVENTS.values()
    }
    return {"Envelope": _envelope(), "Headers": _headers(), **shared, **payloads}


def _envelope() -> Json:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": f"CloudEvents 1.0 in JSON, keys in this order, at most {envelope.LIMIT} bytes",
        "additionalProperties": False,
        "required": [
            "specversion", "sequence", "time", "id", "source", "type", "subject", "datacontenttype",
            "dataschema", "aggregateversion", "actor", "data",
        ],
        "properties": {
            "specversion": {"const": "1.0"},
            "sequence": {**text, "pattern": "^[0-9]{20}$", "description": "position in the log, from 1"},
            "time": {**text, "format": "date-time", "minLength": 27, "maxLength": 27},
            "id": {**text, "pattern": _UUID},
            "source": {**text, "pattern": f"^//[a-z0-9-]+/{LOG}$"},
            "type": text,
            "subject": {**text, "description": "<aggregate>/<uuid>; a stream is (source, subject)"},
            "datacontenttype": {"const": "application/json"},
            "dataschema": text,
            "aggregateversion": {**text, "pattern": "^[1-9][0-9]{0,8}$", "description": "from 1"},
            "actor": {**text, "pattern": f"^(officer/{_UUID[1:-1]}|system)$"},
            "causationid": {**text, "pattern": _UUID},
            "correlationid": {**text, "pattern": _UUID},
            "basis": {**text, "description": "<log>:<position> of what it rests on, sorted, at most 64"},
            "data": {"type": "object"},
        },
    }  # fmt: skip


def _headers() -> Json:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["content-type", "sequence"],
        "properties": {
            "content-type": {"const": "application/cloudevents+json; charset=utf-8"},
            "sequence": {**text, "description": "as in the value"},
            "checkpoint": {
                **text,
                "description": "on a batch's last record: the signed note over all up to it",
            },
        },
    }


def _key(type_: str) -> str:
    return type_.removeprefix("yinqiao.")


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]
