"""What fields are called on pages, in both languages, and what to write beside the ones that tempt."""

BUREAUS = frozenset({"bureau", "bureaus", "parties", "host", "to", "owner", "division"})
"""Fields whose texts are bureau codes: a choice from the alliance document, not typed."""
HIDDEN = frozenset({"stream", "log", "aggregate"})

_LABELS: dict[str, tuple[str, str]] = {}
_HINTS: dict[str, tuple[str, str]] = {
    "title": (
        "只写事由,不写人名、住址、病情等个人信息",
        "the matter only: no person's name, address or health",
    ),
}


def of(name: str) -> tuple[str, str]:
    """The label of a field, (zh, en)."""
    return _LABELS.get(name, (name, name.replace("_", " ")))


def hint(name: str) -> tuple[str, str]:
    """What to write beside a field, (zh, en)."""
    return _HINTS.get(name, ("", ""))
