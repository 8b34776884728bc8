"""The keys of attachments: a closed file each, outside PostgreSQL; to destroy it is to erase.

Files are named by the digest in hex: `<hex>.key` holds the secret, `<hex>.erased` says that it was destroyed,
so that a key which comes back with an old backup of this folder is not used.
"""

import base64
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from events import errors
from services.runtime import files


class KeyStore:
    """One folder, mode 0700. Raises Unavailable when it is not there: that is no erasure."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, digest: str, secret: bytes) -> None:
        """Keep a secret; durable on return. Raises Conflict when the digest has one."""
        files.write_new(self._path(digest, "key"), secret)

    def get(self, digest: str) -> bytes:
        """The secret. Raises NotFound when it was destroyed, or never was here."""
        if self._path(digest, "erased").exists():
            raise errors.NotFound("the attachment was erased")
        try:
            return files.read(self._path(digest, "key"))
        except errors.NotFound:
            raise errors.NotFound("the attachment's key is gone: it was erased") from None

    def forget(self, digest: str) -> None:
        """Destroy the secret of a copy, which may be fetched again."""
        files.destroy(self._path(digest, "key"))

    def erase(self, digest: str) -> None:
        """Destroy the secret for ever; again is harmless. After a crash between the steps it is not used."""
        with suppress(errors.Conflict):
            files.write_new(self._path(digest, "erased"), b"")
        files.destroy(self._path(digest, "key"))

    def erased(self) -> Iterator[str]:
        """The digests of all that was erased: the register that a restored database is held against."""
        for path in self._here().glob("*.erased"):
            yield base64.b64encode(bytes.fromhex(path.stem)).decode()

    def _path(self, digest: str, suffix: str) -> Path:
        return self._here() / f"{base64.b64decode(digest, validate=True).hex()}.{suffix}"

    def _here(self) -> Path:
        if not self._folder.is_dir():
            raise errors.Unavailable(f"the key store {self._folder} is not there: mount it, or restore it")
        return self._folder
