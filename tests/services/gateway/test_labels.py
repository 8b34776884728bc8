"""Every field and every refusal that a clerk can meet has its words in both languages."""

import ast
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from events import catalogue, errors
from events.values import Choice, Value
from projections.models import MODELS
from services.bureau import registry
from services.gateway import audit_words, forms, kinds, labels, said
from tests.support import project

CHINESE = re.compile("[\u4e00-\u9fff]")
HALF_WIDTH = re.compile("[\u4e00-\u9fff」）][,:;()!?]|[,:;()!?][\u4e00-\u9fff「（]")
LITERAL = re.compile("'([^'\\n]*)'|\"([^\"\\n]*)\"|>([^<>{}\\n]*)<")


def reached(kind: type[Value], seen: set[type[Value]]) -> Iterator[tuple[str, str]]:
    """Every field of a class and of the values inside it, as (class, field)."""
    if kind in seen:
        return
    seen.add(kind)
    for name, info in kind.model_fields.items():
        yield kind.__name__, name
        for inner in _parts(info.annotation):
            yield from reached(inner, seen)


def _parts(annotation: Any) -> Iterator[type[Value]]:
    if isinstance(annotation, type) and issubclass(annotation, Value):
        yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


@pytest.mark.parametrize(
    "kinds_", [registry.COMMANDS, tuple(catalogue.EVENTS.values())], ids=["commands", "events"]
)
def test_every_field_has_a_label_in_both_languages(kinds_: tuple[type[Value], ...]) -> None:
    seen: set[type[Value]] = set()
    found = [field for kind in kinds_ for field in reached(kind, seen)]
    assert len(found) > 100
    assert [f"{owner}.{name}" for owner, name in found if not labels.is_known(name, owner)] == []
    assert [name for owner, name in found if not CHINESE.search(labels.of(name, owner)[0])] == []


def test_every_field_into_which_a_person_writes_says_what_not_to_write() -> None:
    def written(controls: tuple[forms.Field, ...]) -> Iterator[forms.Field]:
        for control in controls:
            yield from written(control.fields)
            if control.kind in {"text", "file"}:
                yield control

    for command in registry.COMMANDS:
        for control in written(forms.fields(command)):
            assert control.help_zh, f"{command.__name__}.{control.name}"
            assert control.help_en, f"{command.__name__}.{control.name}"


def test_every_stage_of_every_thing_has_its_words() -> None:
    # the stages that a thing's events can make stand in its module's table: found in the sources of `evolve`
    for kind in kinds.KINDS:
        source = ast.unparse(
            ast.parse((project.ROOT / f"events/{_home(kind.aggregate)}.py").read_text("utf-8"))
        )
        assert all(stage in source or stage in {"expired", "unsigned"} for stage in kind.stages), (
            kind.aggregate
        )


def _home(aggregate: str) -> str:
    module = catalogue.AGGREGATES[aggregate].events[0].__module__
    return module.removeprefix("events.")


def raised(folder: str) -> Iterator[tuple[str, str]]:
    """The messages of refusals in the sources, `x` where a value stands."""
    refusals = {
        "Invalid",
        "NotAllowed",
        "NotFound",
        "Conflict",
        "Stale",
        "Taken",
        "MissingMemorandum",
        "Unreleased",
        "SameKeyOtherBody",
    }
    for path in project.files(folder):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))) if path.suffix == ".py" else ():
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in refusals
                and node.args
            ):
                yield f"{path.name}:{node.lineno}", _spoken(node.args[0])


def _spoken(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(p.value) if isinstance(p, ast.Constant) else "500116" for p in parts)
    return ""


def test_every_refusal_of_a_command_has_its_chinese() -> None:
    found = [(where, text) for top in ("services/bureau", "services/gateway") for where, text in raised(top)]
    assert len(found) > 60
    bare = [(where, re.sub(r"^[\w.-]+: ", "", text)) for where, text in found if text.strip("0156: ")]
    unknown = [f"{where} {text}" for where, text in bare if not said.is_known(text)]
    assert "\n".join(unknown) == ""


def test_templates_say_everything_in_both_languages() -> None:
    # Chinese stands in templates only inside t('…', '…'), in comments, or as the name of the other language
    for path in sorted((project.ROOT / "services/gateway/templates").iterdir()):
        bare = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
        bare = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", bare, flags=re.DOTALL)
        assert CHINESE.findall(bare) == [], path.name


def words() -> Iterator[tuple[str, str]]:
    """Every text that pages may show: of the code without its documentation, and of templates."""
    for path in project.files("services/gateway", "services/bureau"):
        if path.suffix == ".py":
            tree = ast.parse(path.read_text("utf-8"))
            spoken = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
            yield from (
                (path.name, node.value)
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spoken
            )
        elif path.suffix == ".html":
            found = LITERAL.findall(path.read_text("utf-8"))
            yield from ((path.name, part) for parts in found for part in parts)


def test_chinese_words_have_full_width_punctuation() -> None:
    found = list(words())
    assert sum(bool(CHINESE.search(text)) for _, text in found) > 1_000
    assert [(name, text) for name, text in found if HALF_WIDTH.search(text)] == []
    titles = [kind.title_zh for kind in refusals(errors.YinqiaoError)]
    members = [member.zh for kind in Choice.__subclasses__() for member in kind]
    assert [text for text in (*titles, *members) if HALF_WIDTH.search(text)] == []


def refusals(kind: type[errors.YinqiaoError]) -> Iterator[type[errors.YinqiaoError]]:
    """A kind of error and those below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from refusals(below)


def test_every_table_of_a_read_model_has_its_words() -> None:
    made = {name for model in MODELS for name in re.findall(r"CREATE TABLE (\w+)", model.sql)}
    local = {name for model in MODELS for name in model.local_tables}
    assert made - local == set(audit_words.TABLES)
