"""Attachments: bytes beside the log, encrypted each under a key of its own, erased by destroying that key.

The event holds a salted digest (HMAC-SHA256 under a random 32-byte salt), so nobody can guess a text and test
the guess. PostgreSQL holds ciphertext, the key store holds salt and cipher key. Ciphertext is bound to
alliance, bureau, digest and media type (AES-256-GCM, authenticated data): rows cannot be swapped.
"""

import hmac
import os
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from events import errors, keys, values
from services.people import marks, mediatypes
from services.people.keystore import KeyStore
from services.runtime.database import Connection

LIMIT = 20_000_000
"""Bytes of one attachment."""
PUBLIC = "public"
"""Stands among the entitled when anybody may read it."""
_SALT, _KEY, _NONCE = 32, 32, 12
_COPYING = 7_100_002
_UNCITED = """SELECT digest FROM people.attachment
WHERE own AND cited IS NULL AND erased IS NULL AND stored < %s ORDER BY stored LIMIT 500 FOR UPDATE"""
_OWNER = "SELECT bureau FROM people.attachment WHERE digest = %s AND own"
_DIGEST = re.compile(r"[A-Za-z0-9+/]{43}=")
_READER = re.compile(rf"[0-9]{{6}}|{PUBLIC}")


class Opened(NamedTuple):
    """The plain bytes, their media type, and the salt that shows that they are the event's."""

    content: bytes
    mediatype: str
    salt: bytes


class Row(NamedTuple):
    """A row of people.attachment, without times."""

    bureau: str
    own: bool
    mediatype: str
    entitled: list[str]
    ciphertext: bytes | None


class Store:
    """The attachments of a node: own ones of its bureaus, and copies of others'."""

    def __init__(self, alliance: str, folder: Path, random: Callable[[int], bytes] = os.urandom) -> None:
        self._alliance = alliance
        self._keys = KeyStore(folder)
        self._random = random

    def put(
        self, conn: Connection, bureau: str, content: bytes, mediatype: str, entitled: Iterable[str]
    ) -> values.Attachment:
        """Keep a bureau's own attachment in the caller's transaction, readable for it and the entitled.

        A crash or rollback leaves a key that opens nothing. Raises Invalid for what must not be kept.
        """
        _refuse(content, mediatype)
        readers = _readers(entitled)
        salt = self._random(_SALT)
        attachment = describe(content, mediatype, salt)
        self._keep(conn, Row(bureau, True, mediatype, readers, None), attachment.digest, content, salt)
        return attachment

    def keep_copy(self, conn: Connection, bureau: str, reader: str, digest: str, opened: Opened) -> None:
        """Keep what was fetched from the bureau's node for a reader; again adds the reader.

        In the caller's transaction; one at a time for each digest. Raises Damage for another digest.
        """
        prove(digest, opened)
        conn.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_COPYING, digest])
        before = _find(conn, digest)
        if before is not None and before.own:
            raise errors.Conflict(f"the attachment is one of {before.bureau}, which is hosted here")
        self.forget(conn, digest)  # an older copy, or the key of one whose transaction did not commit
        readers = {reader, *(before.entitled if before else ())}
        row = Row(bureau, False, opened.mediatype, sorted(readers), None)
        self._keep(conn, row, digest, opened.content, opened.salt)

    def get(self, conn: Connection, digest: str, asker: str, *, own_only: bool = False) -> Opened:
        """The attachment, for a bureau that may read it.

        Raises NotFound when it is not here or was erased, NotAllowed, Unavailable when the key store is away,
        and Damage when row or key were tampered with.
        """
        row = _find(conn, digest)
        if row is None or (own_only and not row.own):
            raise errors.NotFound("there is no such attachment here")
        if row.ciphertext is None:
            raise errors.NotFound("the attachment was erased")
        if asker != row.bureau and not {asker, PUBLIC} & set(row.entitled):
            raise errors.NotAllowed(f"{row.bureau} has not opened this attachment to {asker}")
        return self._open(row, digest, self._keys.get(digest))

    def owner(self, conn: Connection, digest: str) -> str | None:
        """Whose own attachment it is; None when none of that name is kept here."""
        row = conn.execute(_OWNER, [digest]).fetchone()
        return str(row[0]) if row else None

    def entitle(self, conn: Connection, bureau: str, digest: str, bureaus: Iterable[str]) -> None:
        """Open a bureau's own attachment to more bureaus, or to `PUBLIC`, and keep it from `sweep`.

        Whoever lets a draft or a record name it calls this before. Raises NotFound, NotAllowed.
        """
        _own(conn, bureau, digest)
        self._entitle(conn, digest, _readers(bureaus))

    def erase(self, conn: Connection, bureau: str, digest: str, reason: values.Reason) -> None:
        """Make a bureau's own attachment unreadable, at once and for ever; again is harmless.

        The key goes first: whatever happens to the transaction, nothing opens the ciphertext any more.
        """
        _own(conn, bureau, digest)
        self._keys.erase(digest)
        _mark_erased(conn, digest, reason)

    def sweep(self, conn: Connection, before: datetime) -> int:
        """Delete what was uploaded before that moment and never named by anything; how many.

        In the caller's transaction. A row that is being named now is waited for, and then stays. The key goes
        first: a crash leaves rows that nothing opens, for the next sweep.
        """
        rows = conn.execute(_UNCITED, [before]).fetchall()
        for (digest,) in rows:
            self._keys.forget(str(digest))
        conn.execute("DELETE FROM people.attachment WHERE digest = ANY(%s)", [[d for (d,) in rows]])
        return len(rows)

    def forget(self, conn: Connection, digest: str) -> None:
        """Drop a copy: its origin erased it, or no longer opens it to us."""
        self._keys.forget(digest)
        conn.execute("DELETE FROM people.attachment WHERE digest = %s AND NOT own", [digest])

    def replay(self, conn: Connection) -> int:
        """Hold database and key store against each other's erasures, at start and after a restore.

        Returns how many attachments had come back and were erased again.
        """
        known = "SELECT digest FROM people.attachment WHERE erased IS NOT NULL"
        for (digest,) in conn.execute(known).fetchall():
            self._keys.erase(str(digest))
        return sum(_mark_erased(conn, digest, values.Reason.OTHER) for digest in self._keys.erased())

    def _keep(self, conn: Connection, row: Row, digest: str, content: bytes, salt: bytes) -> None:
        key, nonce = self._random(_KEY), self._random(_NONCE)
        sealed = nonce + AESGCM(key).encrypt(nonce, content, self._bound(row, digest))
        self._keys.put(digest, salt + key)
        conn.execute(
            "INSERT INTO people.attachment (digest, bureau, own, mediatype, size, entitled, ciphertext)"
            " VALUES (%s, %s, %s, %s, %s, %s, %b)",
            [digest, row.bureau, row.own, row.mediatype, len(content), row.entitled, sealed],
        )

    def _open(self, row: Row, digest: str, secret: bytes) -> Opened:
        salt, key, sealed = secret[:_SALT], secret[_SALT:], row.ciphertext or b""
        try:
            content = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], self._bound(row, digest))
        except (InvalidTag, ValueError):
            raise errors.Damage("the stored attachment was changed, or its key is another's") from None
        opened = Opened(content, row.mediatype, salt)
        prove(digest, opened)
        return opened

    def _bound(self, row: Row, digest: str) -> bytes:
        return f"yinqiao-attachment/v1\n{self._alliance}\n{row.bureau}\n{digest}\n{row.mediatype}".encode()

    @staticmethod
    def _entitle(conn: Connection, digest: str, bureaus: Iterable[str]) -> None:
        done = conn.execute(
            "UPDATE people.attachment SET cited = coalesce(cited, clock_timestamp()), entitled ="
            " ARRAY(SELECT DISTINCT code FROM unnest(entitled || %s::text[]) AS e (code) ORDER BY code)"
            " WHERE digest = %s",
            [[*bureaus], digest],
        ).rowcount
        if not done:  # swept away since it was looked at
            raise errors.NotFound("there is no such attachment here")


def describe(content: bytes, mediatype: str, salt: bytes) -> values.Attachment:
    """The value that stands in the event."""
    return values.Attachment(digest=keys.encode(_mac(salt, content)), size=len(content), mediatype=mediatype)


def check(attachment: values.Attachment, salt: bytes, content: bytes) -> None:
    """Whether bytes that somebody brought are the ones that the event names. Raises Damage."""
    if len(content) != attachment.size:
        raise errors.Damage(f"the attachment has {len(content)} bytes, the event says {attachment.size}")
    prove(attachment.digest, Opened(content, attachment.mediatype, salt))


def prove(digest: str, opened: Opened) -> None:
    """As `check`, where only the digest is known."""
    mac = keys.encode(_mac(opened.salt, opened.content))
    if len(opened.salt) != _SALT or not hmac.compare_digest(mac, digest):
        raise errors.Damage("the bytes are not those of the attachment's digest")


def _mac(salt: bytes, content: bytes) -> bytes:
    return hmac.digest(salt, content, "sha256")


def _refuse(content: bytes, mediatype: str) -> None:
    if not 0 < len(content) <= LIMIT:
        raise errors.Invalid(f"an attachment has 1 to {LIMIT} bytes, not {len(content)}", field="content")
    marks.refuse_marked(mediatypes.recognise(content, mediatype))


def _readers(bureaus: Iterable[str]) -> list[str]:
    readers = sorted(set(bureaus))
    if not all(map(_READER.fullmatch, readers)):
        raise errors.Invalid(f"who may read is named by bureau codes or {PUBLIC!r}", field="entitled")
    return readers


def _find(conn: Connection, digest: str) -> Row | None:
    if not _DIGEST.fullmatch(digest):
        return None
    found = conn.execute(
        "SELECT bureau, own, mediatype, entitled, ciphertext FROM people.attachment WHERE digest = %s",
        [digest],
    ).fetchone()
    return Row(*found) if found else None  # type: ignore[arg-type]


def _own(conn: Connection, bureau: str, digest: str) -> None:
    row = _find(conn, digest)
    if row is None or not row.own:
        raise errors.NotFound("there is no such attachment here")
    if row.bureau != bureau:
        raise errors.NotAllowed(f"the attachment belongs to {row.bureau}, not to {bureau}")


def _mark_erased(conn: Connection, digest: str, reason: values.Reason) -> int:
    done = conn.execute(
        "UPDATE people.attachment SET ciphertext = NULL, erased = clock_timestamp(), reason = %s"
        " WHERE digest = %s AND erased IS NULL",
        [reason.value, digest],
    )
    return done.rowcount
