"""Commands: the order given. A closed model, who may give it, and the decision that makes facts of it."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import AfterValidator, ValidationError
from pydantic_core import ErrorDetails

from events import errors
from events.loops import Role
from events.values import Value

if TYPE_CHECKING:
    from services.bureau.case import Case


def _once(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(items)) != len(items):
        raise ValueError("must name each only once")
    return items


ONCE = AfterValidator(_once)
"""Of a list in which nothing may stand twice."""


class Command(Value):
    """Base of all commands.

    `binding` commands bind the bureau: a clerk's becomes a draft that a leader releases. `changes` says that
    an existing stream is changed, so that the HTTP API asks for `If-Match`.
    """

    name: ClassVar[str] = ""
    context: ClassVar[str] = ""
    zh: ClassVar[str] = ""
    en: ClassVar[str] = ""
    binding: ClassVar[bool] = False
    changes: ClassVar[bool] = False
    roles: ClassVar[tuple[Role, ...]] = (Role.CLERK, Role.LEADER)

    def __init_subclass__(
        cls,
        *,
        name: str = "",
        context: str = "",
        zh: str = "",
        en: str = "",
        binding: bool = False,
        changes: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.name, cls.context, cls.zh, cls.en = name, context, zh, en
        cls.binding, cls.changes = binding, changes

    @classmethod
    def label(cls, lang: str) -> str:
        """What the button says."""
        return cls.zh if lang == "zh" else cls.en


_TOLD = 20
"""Broken rules that are told at once."""
C = TypeVar("C", bound=Command)
Decide = Callable[["Case", Any], None]
_DECISIONS: dict[type[Command], Decide] = {}


def decides(kind: type[C]) -> Callable[[Callable[["Case", C], None]], Callable[["Case", C], None]]:
    """Mark the function that decides a kind of command."""

    def mark(function: Callable[["Case", C], None]) -> Callable[["Case", C], None]:
        _DECISIONS[kind] = function
        return function

    return mark


def decision(command: Command) -> Decide:
    """The function that decides this command."""
    return _DECISIONS[type(command)]


def parse(kind: type[C], body: str | bytes) -> C:
    """A command from JSON. Raises Invalid that names the field and the rule, never the value."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError) -> errors.Invalid:
    """The first broken rule, as an error of ours, and with it the others; the values are left out."""
    found = error.errors(include_input=False, include_url=False, include_context=True)[:_TOLD]
    (field, message), *others = [_broken(one) for one in found]
    also = [errors.Invalid(text, field=name) for name, text in others]
    return errors.Invalid(message, field=field, also=also)


def _broken(one: ErrorDetails) -> tuple[str, str]:
    """The field, and the rule that it breaks."""
    field = ".".join(_plain(str(part)) for part in one["loc"]) or "body"
    return field, f"{field}: {one['msg']}"


def _plain(name: str) -> str:
    """The name of a field; one that the sender made up is repeated only when it is a plain word."""
    return name if re.fullmatch(r"[A-Za-z0-9_]{1,40}", name) else "unknown"
