"""The key that comes with a command. Those of the node itself hold a "/", so that no client can take one."""

import re

PATTERN = r"^[^/\x00-\x1f]{1,128}$"
"""As the OpenAPI document says it."""


def good(key: str) -> bool:
    """Whether a client may use it."""
    return re.fullmatch(PATTERN, key) is not None and key.isprintable()
