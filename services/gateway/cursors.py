"""Where the next page of a list begins, as one word in the address, read back strictly."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, TypeAlias

from fastapi import Query
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from events import errors
from events.values import POSITION_LIMIT
from services.runtime import clock

Limit: TypeAlias = Annotated[int, Query(ge=1, le=500, description="rows a page")]
After: TypeAlias = Annotated[str | None, Query(max_length=400, description="`next` of the page before")]


def _moment(text: str) -> str:
    try:
        if clock.text(clock.moment(text)) == text:
            return text
    except errors.Invalid:
        pass
    raise ValueError("is no time of an envelope")


Time: TypeAlias = Annotated[str, AfterValidator(_moment)]
"""When a record was made, as its envelope writes it: the database reads it as a time."""
Number: TypeAlias = Annotated[int, Field(ge=0, le=POSITION_LIMIT)]


def write(cursor: Any) -> str:
    return urlsafe_b64encode(to_json(cursor)).decode().rstrip("=")


def read(text: str | None, kind: TypeAdapter[Any]) -> Any:
    """The cursor that a word stands for; None for none. Raises Invalid."""
    if text is None:
        return None
    try:
        found = kind.validate_json(urlsafe_b64decode(f"{text}==="), strict=True)
    except (ValueError, ValidationError):
        raise errors.Invalid(
            "after: is no cursor of this list; begin at its first page", field="after"
        ) from None
    if any(isinstance(part, str) and "\0" in part for part in found):
        raise errors.Invalid("after: is no cursor of this list; begin at its first page", field="after")
    return found
