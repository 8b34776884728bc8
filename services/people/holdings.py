"""The attachments that a node holds or may fetch: what pages and other nodes ask for."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx

from events import errors, keys, notes, values
from events.alliance import Alliance
from services.people import fetch, mediatypes, requests
from services.people.attachments import Opened, Store
from services.runtime.clock import Clock
from services.runtime.database import Database

ABANDONED = timedelta(days=7)
"""How long an upload waits for a draft or a record that names it."""


class Served(NamedTuple):
    """An answer to another node."""

    status: int
    headers: dict[str, str]
    content: bytes


class Holdings:
    """One node's attachments. `alliance` gives the version in force now.

    `inherits(bureau, owner, digest)` says whether a bureau goes on with what names another's attachment: it
    may read it, open it to others and erase it like the owner, whose log is closed.
    """

    def __init__(
        self,
        name: str,
        alliance: Callable[[], Alliance],
        database: Database,
        store: Store,
        signer: notes.Signer,
        clock: Clock,
        http: httpx.Client | None = None,
        inherits: Callable[[str, str, str], bool] = lambda *_: False,
    ) -> None:
        self._name = name
        self._alliance = alliance
        self._database = database
        self._store = store
        self._signer = signer
        self._clock = clock
        self._http = http or fetch.client()
        self._gate = requests.Gate(name, clock)
        self._inherits = inherits

    def close(self) -> None:
        """End the connections to other nodes."""
        self._http.close()

    def put(self, bureau: str, content: bytes, mediatype: str, entitled: Iterable[str]) -> values.Attachment:
        """Keep a hosted bureau's attachment. Raises Invalid."""
        with self._database.transaction() as conn:
            return self._store.put(conn, bureau, content, mediatype, entitled)

    def get(self, digest: str, asker: str, log: str) -> tuple[bytes, str]:
        """The bytes and their `Content-Type`, for a hosted bureau; `log` is where the attachment is named.

        Those of other nodes are asked for each time, so that what was erased there is unreadable here at
        once; the bytes travel once. Raises NotAllowed, NotFound, Unavailable, Damage.
        """
        home = self._alliance().node_of(log)
        opened = self._own(digest, asker) if home.name == self._name else self._theirs(digest, asker, log)
        return opened.content, mediatypes.header(opened.content, opened.mediatype)

    def entitle(self, bureau: str, digest: str, bureaus: Iterable[str]) -> None:
        """Open a hosted bureau's attachment to more bureaus. Raises NotFound, NotAllowed."""
        owner = self._owner(bureau, digest)
        with self._database.transaction() as conn:
            self._store.entitle(conn, owner, digest, bureaus)

    def sweep(self) -> int:
        """Delete what was uploaded for a form that nobody sent, a week after; how many."""
        with self._database.transaction() as conn:
            return self._store.sweep(conn, self._clock() - ABANDONED)

    def erase(self, bureau: str, digest: str, reason: values.Reason) -> None:
        """Make a hosted bureau's attachment unreadable. Raises NotFound, NotAllowed."""
        owner = self._owner(bureau, digest)
        with self._database.transaction() as conn:
            self._store.erase(conn, owner, digest, reason)

    def remove(self, digest: str) -> None:
        """Nothing here opens an attachment any more, be it an own one or a copy: its record was redacted."""
        with self._database.transaction() as conn:
            owner = self._store.owner(conn, digest)
            if owner is None:
                self._store.forget(conn, digest)
            else:
                self._store.erase(conn, owner, digest, values.Reason.OTHER)

    def serve(self, headers: Mapping[str, str], target: str) -> Served:
        """Answer the signed `GET` of another node; `target` is the path with its query, as it came.

        Raises NotAllowed, NotFound, Unavailable, Damage.
        """
        asker = self._asker(headers, target)
        token = urlsplit(target).path.removeprefix(fetch.PATH)
        opened = self._own(fetch.digest(token), asker)
        tag = {"etag": f'"{token}"', "cache-control": "no-store", "x-content-type-options": "nosniff"}
        if headers.get("if-none-match") == tag["etag"]:
            return Served(304, tag, b"")
        key = {fetch.SALT: keys.encode(opened.salt)}
        return Served(200, {**tag, **key, "content-type": opened.mediatype}, opened.content)

    def _asker(self, headers: Mapping[str, str], target: str) -> str:
        alliance = self._alliance()
        node = self._gate.admit(alliance, headers, "GET", target, b"")
        bureau = parse_qs(urlsplit(target).query).get("bureau", [""])[0]
        if not any(log.bureau == bureau for log in alliance.logs_of(node)):
            raise errors.NotAllowed(f"node {node} does not host the bureau that it asks for")
        return bureau

    def _own(self, digest: str, asker: str) -> Opened:
        try:
            with self._database.connection() as conn:
                return self._store.get(conn, digest, asker, own_only=True)
        except errors.NotAllowed:
            owner = self._owner(asker, digest)
            if owner == asker:
                raise
        with self._database.transaction() as conn:
            self._store.entitle(conn, owner, digest, [asker])
            return self._store.get(conn, digest, asker, own_only=True)

    def _owner(self, bureau: str, digest: str) -> str:
        """In whose name the bureau acts: its own, or the owner's in whose place it stands."""
        with self._database.connection() as conn:
            owner = self._store.owner(conn, digest) or bureau
        return owner if owner == bureau or self._inherits(bureau, owner, digest) else bureau

    def _theirs(self, digest: str, asker: str, log: str) -> Opened:
        alliance = self._alliance()
        home = alliance.node_of(log)
        sign = requests.signing(self._signer, home.name, self._clock)
        kept = self._copy(digest, asker)
        try:
            opened = fetch.fetch_attachment(self._http, home, digest, asker, sign, have=kept is not None)
        except (errors.NotAllowed, errors.NotFound):
            self._forget(digest)
            raise
        if opened is None and kept is not None:
            return kept
        if opened is None:
            raise errors.Unavailable(f"node {home.name} answered that we have what we have not")
        with self._database.transaction() as conn:
            self._store.keep_copy(conn, alliance.log(log).bureau, asker, digest, opened)
        return opened

    def _copy(self, digest: str, asker: str) -> Opened | None:
        with suppress(errors.NotFound, errors.NotAllowed, errors.Damage), self._database.connection() as conn:
            return self._store.get(conn, digest, asker)
        return None

    def _forget(self, digest: str) -> None:
        with self._database.transaction() as conn:
            self._store.forget(conn, digest)
