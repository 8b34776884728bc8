"""The bytes and the JSON Schema of every event version, as when it was first stored: kept for ever."""

import json
from pathlib import Path

from events import catalogue, handbook
from tests.events import examples
from tests.support.project import ROOT

FOLDER = Path(__file__).parent
PAGE = ROOT / "events" / "README.md"


def bytes_of(type_: str) -> Path:
    return FOLDER / f"{type_}.json"


def schema_of(type_: str) -> Path:
    return FOLDER / f"{type_}.schema.json"


def write_missing() -> None:
    """Write what a new event version lacks; what exists is never written again. The page is made anew."""
    for type_, kind in catalogue.EVENTS.items():
        if not bytes_of(type_).exists():
            bytes_of(type_).write_bytes(examples.value(examples.example(kind)))
        if not schema_of(type_).exists():
            text = json.dumps(catalogue.schema(type_), ensure_ascii=False, indent=1, sort_keys=True)
            schema_of(type_).write_text(text + "\n", "utf-8")
    PAGE.write_text(handbook.markdown(), "utf-8")
