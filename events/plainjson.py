"""Which JSON a payload may be written in: one meaning only, so that two readers never read two things.

JSON parsers differ on a key that stands twice (most take the last, some the first) and on NaN. A signed
payload must have neither, nor white space outside its texts (contracts.md).
"""

import json
import re
from typing import Any, NoReturn

from events import errors

_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BLANK = re.compile(rb"[ \t\r\n]")


def check(type_: str, data: bytes) -> None:
    """Raises Damage for a key that stands twice, a number with a fraction, NaN, and white space."""
    try:
        json.loads(data, object_pairs_hook=_distinct, parse_constant=_refuse, parse_float=_refuse)
    except ValueError as error:
        raise errors.Damage(f"{type_}: {error}") from None
    if _BLANK.search(_TEXT.sub(b"", data)):
        raise errors.Damage(f"{type_}: white space between the tokens of the payload")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(_: str) -> NoReturn:
    raise ValueError("a number that is no whole number")
