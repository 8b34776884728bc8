"""Named steps at which a test can have the process killed; without YINQIAO_FAILPOINT they do nothing."""

import os
import signal
from functools import cache
from itertools import count

VARIABLE = "YINQIAO_FAILPOINT"
_passes = count(1)


def failpoint(name: str) -> None:
    """Kill this process, as kill -9 does, when it passes the step `name` for the n-th time.

    Armed by YINQIAO_FAILPOINT=name[:n] in the environment, read at the first step that is passed.
    """
    armed, nth = _armed()
    if name == armed and next(_passes) == nth:
        os.kill(os.getpid(), signal.SIGKILL)


@cache
def _armed() -> tuple[str, int]:
    name, _, nth = os.environ.get(VARIABLE, "").partition(":")
    return name, int(nth or 1)
