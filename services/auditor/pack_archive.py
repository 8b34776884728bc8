"""A ZIP whose bytes follow from what is put in: names in order, one date; every file's digest is kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import BinaryIO, Self
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX, _MODE = 3, 0o644 << 16


class Archive:
    """Takes files in the order of their names; `digests` are SHA-256 in hex, of what was put in so far."""

    def __init__(self, out: BinaryIO) -> None:
        self._zip = ZipFile(out, "w", ZIP_DEFLATED)
        self._last = ""
        self.digests: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._zip.close()

    def add(self, name: str, content: bytes) -> None:
        """One file, whole."""
        self._zip.writestr(self._next(name), content)
        self.digests[name] = digest(content)

    @contextmanager
    def stream(self, name: str) -> Iterator[Callable[[bytes], object]]:
        """One file, bit by bit: call with each part."""
        hashed = sha256()
        with self._zip.open(self._next(name), "w", force_zip64=True) as file:

            def write(part: bytes) -> None:
                hashed.update(part)
                file.write(part)

            yield write
        self.digests[name] = hashed.hexdigest()

    def _next(self, name: str) -> ZipInfo:
        if name <= self._last:
            raise ValueError(f"{name} comes after {self._last}")
        self._last = name
        info = ZipInfo(name, _DATE)
        info.compress_type, info.create_system, info.external_attr = ZIP_DEFLATED, _UNIX, _MODE
        return info


def digest(content: bytes) -> str:
    """SHA-256, hex."""
    return sha256(content).hexdigest()
