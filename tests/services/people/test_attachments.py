"""Attachments are readable for those entitled, for nobody else, and for nobody once erased."""

import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from events import errors, values
from services.people import attachments
from services.people.attachments import LIMIT, PUBLIC, Opened, Store
from services.people.mediatypes import DOCX
from services.runtime import files
from services.runtime.database import Connection
from tests.services.people.conftest import docx

A, B, C = "500116", "510522", "620200"
TEXT = "会议纪要\n出席:王标记甲\n".encode()


def put(
    store: Store, conn: Connection, content: bytes = TEXT, entitled: tuple[str, ...] = (B,)
) -> values.Attachment:
    with conn.transaction():
        return store.put(conn, A, content, "text/plain", entitled)


def test_the_owner_and_the_entitled_read_what_was_put(store: Store, conn: Connection) -> None:
    attachment = put(store, conn)
    for asker in (A, B):
        opened = store.get(conn, attachment.digest, asker)
        assert (opened.content, opened.mediatype) == (TEXT, "text/plain")
        attachments.check(attachment, opened.salt, opened.content)


def test_another_bureau_is_refused_until_it_is_entitled(store: Store, conn: Connection) -> None:
    attachment = put(store, conn)
    with pytest.raises(errors.NotAllowed):
        store.get(conn, attachment.digest, C)
    store.entitle(conn, A, attachment.digest, [C])
    store.entitle(conn, A, attachment.digest, [C])  # delivered twice
    assert store.get(conn, attachment.digest, C).content == TEXT


def test_a_public_one_is_read_by_all(store: Store, conn: Connection) -> None:
    assert store.get(conn, put(store, conn, entitled=(PUBLIC,)).digest, C).content == TEXT


def test_only_the_owner_opens_and_erases(store: Store, conn: Connection) -> None:
    digest = put(store, conn).digest
    with pytest.raises(errors.NotAllowed, match=f"belongs to {A}"):
        store.entitle(conn, B, digest, [C])
    with pytest.raises(errors.NotAllowed, match=f"belongs to {A}"):
        store.erase(conn, B, digest, values.Reason.AGREED)
    assert store.get(conn, digest, B).content == TEXT


def test_the_same_bytes_twice_have_nothing_in_common(store: Store, conn: Connection) -> None:
    assert put(store, conn).digest != put(store, conn).digest


@pytest.mark.parametrize(
    "digest", ["", "x", "A" * 43 + "=", "A" * 43 + "=\n", "\x00" * 44, "../../etc/passwd"]
)
def test_what_is_no_digest_of_ours_is_not_found(store: Store, conn: Connection, digest: str) -> None:
    with pytest.raises(errors.NotFound):
        store.get(conn, digest, A)
    with pytest.raises(errors.NotFound):
        store.erase(conn, A, digest, values.Reason.AGREED)


@pytest.mark.parametrize(
    ("content", "mediatype"),
    [
        (b"", "text/plain"),
        (b"a" * (LIMIT + 1), "text/plain"),
        (TEXT, "text/html"),
        (TEXT, "image/png"),
        ("秘密★5年\n会议纪要".encode(), "text/plain"),
        (docx("会议纪要", header="内部资料"), DOCX),
    ],
)
def test_what_must_not_be_kept_leaves_no_trace(
    store: Store, conn: Connection, vault: Path, content: bytes, mediatype: str
) -> None:
    with pytest.raises(errors.Invalid):
        store.put(conn, A, content, mediatype, [])
    assert conn.execute("SELECT count(*) FROM people.attachment").fetchone() == (0,)
    assert list(vault.iterdir()) == []


@pytest.mark.parametrize("reader", ["", "all", "50011", "500116 ", "*"])
def test_readers_are_bureaus_or_the_public(store: Store, conn: Connection, reader: str) -> None:
    with pytest.raises(errors.Invalid, match="bureau codes"):
        store.put(conn, A, TEXT, "text/plain", [reader])


def test_a_rollback_keeps_nothing_readable(store: Store, conn: Connection) -> None:
    with conn.transaction(force_rollback=True):
        digest = store.put(conn, A, TEXT, "text/plain", []).digest
    with pytest.raises(errors.NotFound):
        store.get(conn, digest, A)


def test_erased_means_unreadable_at_once_and_for_ever(store: Store, conn: Connection, vault: Path) -> None:
    digest = put(store, conn).digest
    kept = conn.execute("SELECT ciphertext FROM people.attachment").fetchone()
    store.erase(conn, A, digest, values.Reason.AGREED)
    store.erase(conn, A, digest, values.Reason.AGREED)  # delivered twice
    for asker in (A, B):
        with pytest.raises(errors.NotFound, match="erased"):
            store.get(conn, digest, asker)
    assert [path.suffix for path in vault.iterdir()] == [".erased"]
    assert kept is not None
    assert conn.execute("SELECT ciphertext, reason FROM people.attachment").fetchone() == (None, "agreed")


def test_an_erasure_whose_transaction_fails_has_erased_all_the_same(store: Store, conn: Connection) -> None:
    digest = put(store, conn).digest
    with conn.transaction(force_rollback=True):
        store.erase(conn, A, digest, values.Reason.AGREED)
    with pytest.raises(errors.NotFound, match="erased"):
        store.get(conn, digest, A)


def test_a_database_from_before_the_erasure_stays_unreadable(
    store: Store, conn: Connection, people_database: str, new_database: Callable[..., str]
) -> None:
    digest = put(store, conn).digest
    conn.close()
    backup = new_database(people_database)
    with psycopg.connect(people_database, autocommit=True) as live:
        store.erase(live, A, digest, values.Reason.AGREED)
    with psycopg.connect(backup, autocommit=True) as restored:
        with pytest.raises(errors.NotFound, match="erased"):
            store.get(restored, digest, A)
        assert store.replay(restored) == 1
        assert store.replay(restored) == 0  # delivered twice
        assert restored.execute("SELECT ciphertext FROM people.attachment").fetchone() == (None,)


def test_a_key_store_from_before_the_erasure_is_not_used(store: Store, conn: Connection, vault: Path) -> None:
    digest = put(store, conn).digest
    (key,) = vault.iterdir()
    secret = key.read_bytes()
    store.erase(conn, A, digest, values.Reason.AGREED)
    for path in vault.iterdir():
        path.unlink()
    key.touch(mode=0o600)
    key.write_bytes(secret)
    with pytest.raises(errors.NotFound, match="erased"):
        store.get(conn, digest, A)
    store.replay(conn)
    assert [path.suffix for path in vault.iterdir()] == [".erased"]


def test_a_key_that_comes_back_beside_the_register_is_not_used(
    store: Store, conn: Connection, vault: Path
) -> None:
    digest = put(store, conn).digest
    (key,) = vault.iterdir()
    secret = key.read_bytes()
    with conn.transaction(force_rollback=True):  # a database from before the erasure, too
        store.erase(conn, A, digest, values.Reason.AGREED)
    files.write_new(key, secret)
    with pytest.raises(errors.NotFound, match="was erased"):
        store.get(conn, digest, A)


def test_a_key_store_that_is_away_is_no_erasure(store: Store, conn: Connection, vault: Path) -> None:
    digest = put(store, conn).digest
    vault.rename(vault.with_name("elsewhere"))
    with pytest.raises(errors.Unavailable, match="mount it"):
        store.get(conn, digest, A)
    vault.with_name("elsewhere").rename(vault)
    assert store.get(conn, digest, A).content == TEXT


@pytest.mark.parametrize(
    "tampering",
    [
        "ciphertext = set_byte(ciphertext, 20, get_byte(ciphertext, 20) # 1)",
        "ciphertext = substring(ciphertext FROM 1 FOR 11)",
        "ciphertext = (SELECT ciphertext FROM people.attachment WHERE size = 5)",
        "bureau = '620200'",
        "mediatype = 'application/pdf'",
    ],
)
def test_a_changed_swapped_or_relabelled_row_is_noticed(
    store: Store, conn: Connection, tampering: str
) -> None:
    digest = put(store, conn, entitled=(PUBLIC,)).digest
    put(store, conn, content=b"other")
    order = f"UPDATE people.attachment SET {tampering} WHERE digest = %s"  # noqa: S608  (from the list above)
    conn.execute(order.encode(), [digest])
    with pytest.raises(errors.Damage):
        store.get(conn, digest, B)


def test_rows_swapped_together_with_their_keys_are_noticed(
    store: Store, conn: Connection, vault: Path
) -> None:
    one, other = put(store, conn), put(store, conn, content=b"other")
    a, b = sorted(vault.iterdir())
    a.rename(vault / "x"), b.rename(a), (vault / "x").rename(b)
    conn.execute(
        "UPDATE people.attachment SET ciphertext = o.ciphertext"
        " FROM people.attachment o WHERE o.digest <> people.attachment.digest"
    )
    for attachment in (one, other):
        with pytest.raises(errors.Damage):
            store.get(conn, attachment.digest, A)


def test_an_attachment_of_one_alliance_does_not_open_in_another(
    store: Store, conn: Connection, vault: Path
) -> None:
    digest = put(store, conn).digest
    with pytest.raises(errors.Damage):
        Store("elsewhere", vault).get(conn, digest, A)


def test_a_key_file_is_closed_and_is_not_used_when_it_was_opened(
    store: Store, conn: Connection, vault: Path
) -> None:
    digest = put(store, conn).digest
    (key,) = vault.iterdir()
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    with pytest.raises(errors.Invalid, match="chmod 600"):
        store.get(conn, digest, A)


def test_other_bytes_or_another_salt_are_not_the_events(store: Store, conn: Connection) -> None:
    attachment = put(store, conn)
    salt = store.get(conn, attachment.digest, A).salt
    for wrong in ((salt, TEXT + b"."), (bytes(32), TEXT), (b"", TEXT), (salt, TEXT[:-1] + b".")):
        with pytest.raises(errors.Damage):
            attachments.check(attachment, *wrong)


def test_a_copy_is_read_by_its_readers_and_is_never_served_on(store: Store, conn: Connection) -> None:
    salt = os.urandom(32)
    digest = attachments.describe(TEXT, "text/plain", salt).digest
    opened = Opened(TEXT, "text/plain", salt)
    for reader in (B, C, C):  # delivered twice
        with conn.transaction():
            store.keep_copy(conn, A, reader, digest, opened)
    assert store.get(conn, digest, B) == store.get(conn, digest, C) == opened
    with pytest.raises(errors.NotFound):
        store.get(conn, digest, B, own_only=True)
    with pytest.raises(errors.NotFound):
        store.erase(conn, A, digest, values.Reason.AGREED)
    store.forget(conn, digest)
    with pytest.raises(errors.NotFound):
        store.get(conn, digest, B)


def test_a_copy_that_is_not_the_digests_is_not_kept(store: Store, conn: Connection) -> None:
    digest = attachments.describe(TEXT, "text/plain", bytes(32)).digest
    with pytest.raises(errors.Damage):
        store.keep_copy(conn, A, B, digest, Opened(b"other", "text/plain", bytes(32)))


def found(folder: Path, needles: list[bytes]) -> set[str]:
    """Files below the folder that hold one of the needles."""
    return {str(path) for path in folder.rglob("*") if path.is_file() and holds(path, needles)}


def holds(path: Path, needles: list[bytes]) -> bool:
    try:
        content = path.read_bytes()
    except FileNotFoundError:  # the server removed it meanwhile
        return False
    return any(needle in content for needle in needles)


def test_the_plain_bytes_are_in_no_file_of_the_database_or_the_key_store(
    store: Store, conn: Connection, vault: Path
) -> None:
    home = Path(str((conn.execute("SHOW data_directory").fetchone() or [""])[0]))
    marker = f"王标记{secrets.token_hex(8)}"
    needles = [marker.encode(), marker.encode("utf-16-le"), marker.encode("gb18030")]
    digests = [put(store, conn, content=marker.encode() * times).digest for times in (1, 1, 1000)]
    store.erase(conn, A, digests[0], values.Reason.AGREED)
    conn.execute("CHECKPOINT")
    assert found(home, needles) == found(vault, needles) == set()
    # a search that never finds proves nothing: a leak is found, in the table and in the log of changes
    conn.execute("CREATE TABLE leak (text text)")
    conn.execute("INSERT INTO leak VALUES (%s)", [marker])
    conn.execute("CHECKPOINT")
    leaks = found(home, needles)
    assert any("/base/" in leak for leak in leaks)
    assert any("/pg_wal/" in leak for leak in leaks)


# --- uploads of forms that were never sent -----------------------------------------------------------


def uploaded(conn: Connection, store: Store, days: int) -> str:
    """The digest of an attachment that was uploaded so many days ago."""
    digest = put(store, conn).digest
    conn.execute(
        "UPDATE people.attachment SET stored = stored - make_interval(days => %s) WHERE digest = %s",
        [days, digest],
    )
    return digest


def week_ago() -> datetime:
    return datetime.now(UTC) - timedelta(days=7)


def test_an_upload_that_nothing_names_is_deleted_after_a_week_with_its_key(
    conn: Connection, store: Store, vault: Path
) -> None:
    old, young = uploaded(conn, store, 8), uploaded(conn, store, 6)
    assert store.sweep(conn, week_ago()) == 1
    assert store.sweep(conn, week_ago()) == 0  # looked at twice
    with pytest.raises(errors.NotFound):
        store.get(conn, old, A)
    assert store.get(conn, young, A).content == TEXT
    assert len(list(vault.iterdir())) == 1


def test_what_a_draft_or_a_record_names_stays_however_old(conn: Connection, store: Store) -> None:
    kept = uploaded(conn, store, 400)
    store.entitle(conn, A, kept, [])
    store.entitle(conn, A, kept, [])
    assert store.sweep(conn, week_ago()) == 0
    assert store.get(conn, kept, A).content == TEXT


def test_what_was_swept_away_can_no_longer_be_named(conn: Connection, store: Store) -> None:
    gone = uploaded(conn, store, 8)
    store.sweep(conn, week_ago())
    with pytest.raises(errors.NotFound):
        store.entitle(conn, A, gone, [])


def test_an_erased_one_and_a_copy_of_another_s_stay_as_they_are(conn: Connection, store: Store) -> None:
    erased = uploaded(conn, store, 8)
    store.erase(conn, A, erased, values.Reason.OTHER)
    assert store.sweep(conn, week_ago()) == 0
    assert conn.execute("SELECT erased IS NOT NULL FROM people.attachment").fetchall() == [(True,)]
