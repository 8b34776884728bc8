"""A demo with memoranda, meetings and joint activities only: loops on both sides, loaded in seconds.

`python -m tests.services.demo.small FOLDER` starts it and loads it, to be killed on the way.
"""

import sys
from pathlib import Path

from services.demo import documents, expander
from services.demo.embedded import Embedded
from services.demo.expander import agreements, joint, meetings
from services.demo.script import Script


def script() -> Script:
    """Some 400 orders."""
    return expander.expand(documents.NAME, (agreements, meetings, joint))


if __name__ == "__main__":
    with Embedded(Path(sys.argv[1])) as running:
        running.load(script())
