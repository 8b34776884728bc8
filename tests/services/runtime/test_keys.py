"""A private key is in one closed file, and only there."""

import os
from pathlib import Path

import pytest

from events import errors, notes
from services.runtime import files, keys


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_a_new_key_is_found_again(folder: Path) -> None:
    log = keys.create_log(folder, "chuanyu", "500116")
    node = keys.create_node(folder, "chuanyu", "chongqing")
    assert keys.load_log(folder, "chuanyu", "500116") == log
    assert keys.load_node(folder, "chuanyu", "chongqing") == node
    assert log.name == "chuanyu.yinqiao/500116"
    assert node.kind is notes.Kind.COSIGNATURE


def test_the_public_parts_are_listed_without_the_secrets(folder: Path) -> None:
    log = keys.create_log(folder, "chuanyu", "500116-2")
    node = keys.create_node(folder, "chuanyu", "chongqing")
    assert keys.public(folder) == {"500116-2": log.verifier.vkey, "node": node.verifier.vkey}


def test_a_key_file_is_one_line_in_mode_0600_and_nothing_is_left_beside_it(folder: Path) -> None:
    log = keys.create_log(folder, "chuanyu", "500116")
    file = folder / "500116.key"
    assert file.read_text() == f"{log.line}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == [file]


def test_a_key_is_never_replaced(folder: Path) -> None:
    first = keys.create_log(folder, "chuanyu", "500116")
    with pytest.raises(errors.Conflict, match="is there already"):
        keys.create_log(folder, "chuanyu", "500116")
    assert keys.load_log(folder, "chuanyu", "500116") == first
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_can_read_is_refused_with_the_remedy(folder: Path, mode: int) -> None:
    keys.create_log(folder, "chuanyu", "500116")
    (folder / "500116.key").chmod(mode)
    with pytest.raises(errors.Invalid, match="chmod 600"):
        keys.load_log(folder, "chuanyu", "500116")
    with pytest.raises(errors.Invalid, match="chmod 600"):
        keys.public(folder)


def test_a_folder_that_others_can_use_is_refused(folder: Path) -> None:
    keys.create_log(folder, "chuanyu", "500116")
    folder.chmod(0o755)
    with pytest.raises(errors.Invalid, match="chmod 700"):
        keys.load_log(folder, "chuanyu", "500116")
    with pytest.raises(errors.Invalid, match="chmod 700"):
        keys.create_log(folder, "chuanyu", "500117")


def test_a_key_of_another_user_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.create_log(folder, "chuanyu", "500116")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(errors.Invalid, match="chown it to user 12345"):
        keys.load_log(folder, "chuanyu", "500116")


def test_a_link_to_a_key_is_refused(folder: Path) -> None:
    keys.create_log(folder, "chuanyu", "500116")
    (folder / "500117.key").symlink_to(folder / "500116.key")
    with pytest.raises(errors.Invalid, match="is a link"):
        keys.load_log(folder, "chuanyu", "500117")


def test_a_key_under_another_name_is_refused(folder: Path) -> None:
    keys.create_log(folder, "chuanyu", "500116")
    (folder / "500116.key").rename(folder / "500117.key")
    with pytest.raises(errors.Invalid, match=r"yinqiao/500116 .* not chuanyu\.yinqiao/500117"):
        keys.load_log(folder, "chuanyu", "500117")


def test_a_missing_key_is_not_found(folder: Path) -> None:
    files.make_folder(folder)
    with pytest.raises(errors.NotFound, match=r"500116\.key"):
        keys.load_log(folder, "chuanyu", "500116")


@pytest.mark.parametrize(
    "spoil", [lambda s: s[:-1], lambda s: s * 2, lambda s: s[:60], lambda s: b"\xff" + s]
)
def test_a_spoilt_key_is_refused_without_showing_it(folder: Path, spoil: object) -> None:
    secret = keys.create_log(folder, "chuanyu", "500116").line
    file = folder / "500116.key"
    assert callable(spoil)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(errors.Invalid) as refusal:
        keys.load_log(folder, "chuanyu", "500116")
    assert secret[-20:] not in refusal.value.message
