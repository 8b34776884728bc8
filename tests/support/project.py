"""The project's own files, for tests that read it."""

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("events", "projections", "services", "deploy")
MADE = {"__pycache__", "build", "target", "node_modules"}  # beside everything that begins with a dot


def files(*tops: str) -> Iterator[Path]:
    """Every file that people wrote, below `tops` or in the whole project."""
    for top in tops or (".",):
        for folder, folders, names in os.walk(ROOT / top):
            folders[:] = sorted(name for name in folders if _is_written(name))
            yield from (Path(folder, name) for name in sorted(names))


def _is_written(folder: str) -> bool:
    hidden = folder.startswith(".") and folder != ".ci"
    return not hidden and folder not in MADE and not folder.endswith(".egg-info")
