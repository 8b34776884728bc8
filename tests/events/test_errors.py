"""One tree of errors: every kind stands in it, and its status nowhere else."""

import re
from collections.abc import Iterator

from events import errors
from services.node.node import Node


def kinds(of: type[errors.YinqiaoError]) -> Iterator[type[errors.YinqiaoError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_status_is_given_in_the_one_tree() -> None:
    assert Node.__module__  # with it comes all that a node can raise
    found = {kind.__module__ for kind in kinds(errors.YinqiaoError) if "status" in vars(kind)}
    assert found == {errors.__name__}
    assert (errors.TooLarge.status, errors.TooSlow.status) == (413, 408)


def test_the_drawing_names_every_kind_with_its_status() -> None:
    drawn = dict(re.findall(r"── (\w+) *([0-9]{3})?", errors.__doc__ or ""))
    ours = {kind.__name__: kind for kind in kinds(errors.YinqiaoError) if kind.__module__ == errors.__name__}
    assert drawn.keys() == ours.keys()
    assert {name: str(ours[name].status) for name, status in drawn.items() if status} == {
        name: status for name, status in drawn.items() if status
    }
