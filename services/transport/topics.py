"""Names of topics, as the contract gives them; nobody else spells one."""

import re

from events import errors

ALLIANCE = re.compile(r"[a-z0-9-]+")
LOG = re.compile(r"[a-z0-9]+(-[0-9]+)?")
NODE = re.compile(r"[a-z0-9-]+")
_RECEIPTS = "receipts."


def of_log(alliance: str, log: str) -> str:
    """`yinqiao.<alliance>.<log>`, written by the log's node only."""
    return f"yinqiao.{_good(ALLIANCE, alliance)}.{_good(LOG, log)}"


def of_receipts(alliance: str, node: str) -> str:
    """`yinqiao.<alliance>.receipts.<node>`, written by that node only."""
    return f"yinqiao.{_good(ALLIANCE, alliance)}.receipts.{_good(NODE, node)}"


def receipts(node: str) -> str:
    """How the exchange calls the receipts of a node, where a log's own name stands otherwise."""
    return f"{_RECEIPTS}{node}"


def named(alliance: str, name: str) -> str:
    """The topic of a log, or of what `receipts` names. Raises Invalid."""
    if name.startswith(_RECEIPTS):
        return of_receipts(alliance, name.removeprefix(_RECEIPTS))
    return of_log(alliance, name)


def _good(pattern: re.Pattern[str], name: str) -> str:
    if not pattern.fullmatch(name):
        raise errors.Invalid(f"{name!r} cannot be part of a topic's name; it must match {pattern.pattern}")
    return name
