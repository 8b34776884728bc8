"""What every command keeps to: nothing is named twice in a list of one's own choosing."""

from typing import Any, get_args, get_origin

import pytest

from events import errors
from services.bureau import commands, registry
from services.bureau.commands import Command

MADE_OF_PARTS = {"alliance/close-log parts"}
"""Lists whose members are no choice: that no stream goes to two logs, the closing itself checks."""


def lists() -> list[tuple[type[Command], str]]:
    """Every field of a command that is a list."""
    return [
        (kind, name)
        for kind in registry.COMMANDS
        for name, field in kind.model_fields.items()
        if any(get_origin(part) is tuple for part in (field.annotation, *get_args(field.annotation)))
    ]


@pytest.mark.parametrize(("kind", "name"), lists(), ids=lambda v: getattr(v, "__name__", v))
def test_no_list_of_a_command_names_the_same_twice(kind: type[Command], name: str) -> None:
    metadata: Any = kind.model_fields[name].metadata
    assert commands.ONCE in metadata or f"{kind.context}/{kind.name} {name}" in MADE_OF_PARTS


def test_an_expert_named_twice_in_one_offer_is_refused_with_the_field() -> None:
    expert = "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9"
    body = (
        f'{{"experts": ["{expert}", "{expert}"], "host": "510300", "field": "law", "purpose": "advice",'
        ' "service_days": 2, "starts": "2026-05-01", "ends": "2026-05-03", "agreed": "2026-04-01"}'
    )
    kind = registry.find("talent", "offer")
    with pytest.raises(errors.Invalid, match="only once") as refused:
        commands.parse(kind, body)
    assert refused.value.field == "experts"
    assert commands.parse(kind, body.replace(f'"{expert}", ', "", 1))
