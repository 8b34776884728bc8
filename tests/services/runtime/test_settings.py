"""A node starts with settings that are complete, typed and safe, and shows them without secrets."""

import re
from pathlib import Path

import pytest

from events import errors
from services.runtime import settings
from services.runtime.settings import Address

GOOD = """
name = "chongqing"
dsn = "postgresql://yinqiao:hunter2@127.0.0.1:5432/yinqiao"
exchange = "kafka"
follow = ["500000", "510000-2"]
kafka.bootstrap = "127.0.0.1:9092"
http.listen = "127.0.0.1:8501"
alliance = { file = "alliance.note", digest = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }
keys.dir = "keys"
guard.file = "guard"
attachments.dir = "attachments"
"""
DOCUMENT = Path(__file__).parents[3] / "deploy" / "settings.md"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "node.toml"
    path.write_text(GOOD)
    path.chmod(0o600)
    return path


def changed(file: Path, old: str, new: str) -> Path:
    assert old in GOOD
    file.write_text(GOOD.replace(old, new))
    return file


def test_reads_what_stands_there_and_relative_paths_stand_beside_the_file(file: Path) -> None:
    node = settings.load(file, {})
    assert node.name == "chongqing"
    assert node.http.address == Address("127.0.0.1", 8501)
    assert node.keys.dir == file.parent / "keys"
    assert node.alliance.file == file.parent / "alliance.note"
    assert node.follows("510000-2")
    assert not node.follows("510000")


def test_the_password_is_in_no_text_of_the_settings(file: Path) -> None:
    node = settings.load(file, {})
    assert node.dsn.get_secret_value().count("hunter2") == 1
    shown = [repr(node), str(node), node.model_dump_json(), str(node.describe())]
    assert not any("hunter2" in text for text in shown)
    assert "127.0.0.1" in node.describe()["dsn"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('name = "chongqing"', 'name = "Chong Qing"', "name"),
        ('name = "chongqing"', "", "name"),
        ('name = "chongqing"', 'name = "chongqing"\ncolour = "red"', "colour"),
        ("kafka.bootstrap", "kafka.boot", "kafka.boot"),
        ('kafka.bootstrap = "127.0.0.1:9092"', "", "kafka.bootstrap"),
        ("127.0.0.1:9092", "no port", "kafka.bootstrap"),
        ('exchange = "kafka"', 'exchange = "inprocess"', "inprocess.folder"),
        ('exchange = "kafka"', 'exchange = "pigeon"', "exchange"),
        ('exchange = "kafka"', 'signin = "demo"', "signin"),
        ('"127.0.0.1:8501"', '"8501"', "http.listen"),
        ('"127.0.0.1:8501"', '"127.0.0.1:99999"', "http.listen"),
        ('"127.0.0.1:8501"', "8501", "http.listen"),
        ("postgresql://yinqiao:hunter2@127.0.0.1:5432/yinqiao", "hunter2 is my password", "dsn"),
        ("AAAA=", "AAAA", "alliance.digest"),
        ('follow = ["500000", "510000-2"]', 'follow = ["everything"]', "follow"),
        ('follow = ["500000", "510000-2"]', 'demo = "yes"', "demo"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(file: Path, old: str, new: str, field: str) -> None:
    with pytest.raises(errors.Invalid) as refusal:
        settings.load(changed(file, old, new), {})
    assert (refusal.value.field or "").startswith(field)
    assert field in refusal.value.message
    assert not re.search("hunter2|Chong Qing|pigeon|everything", refusal.value.message)


@pytest.mark.parametrize(
    "half",
    [
        'ca_file = "ca.pem"', 'protocol = "SSL"\nusername = "west"', 'protocol = "SASL_SSL"',
        'protocol = "SASL_SSL"\nusername = "west"', 'protocol = "SSL"\ncert_file = "west.pem"',
        'protocol = "SASL_PLAINTEXT"', 'protocol = "SASL_SSL"\npassword = "hunter2"',
    ],
)  # fmt: skip
def test_a_line_to_kafka_that_is_half_protected_is_refused(file: Path, half: str) -> None:
    file.write_text(f"{GOOD}\n[kafka.security]\n{half}\n")
    with pytest.raises(errors.Invalid, match=r"^kafka\.security\.") as refusal:
        settings.load(file, {})
    assert "hunter2" not in refusal.value.message


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "[::]", "node.example"])  # noqa: S104  (refused)
def test_the_demo_switch_is_refused_where_others_can_reach_it(file: Path, host: str) -> None:
    open_to_all = GOOD.replace("127.0.0.1:8501", f"{host}:8501")
    file.write_text('signin = "demo"\ndemo = true\n' + open_to_all)
    with pytest.raises(errors.Invalid, match=r"http\.listen: .*loopback"):
        settings.load(file, {})


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "127.8.9.1"])
def test_the_demo_switch_is_allowed_on_loopback(file: Path, host: str) -> None:
    file.write_text('signin = "demo"\ndemo = true\n' + GOOD.replace("127.0.0.1:8501", f"{host}:8501"))
    assert settings.load(file, {}).http.address.is_local


@pytest.mark.parametrize(
    ("value", "refused"), [("y", True), ("1", True), ("maybe", True), ("", False), ("no", False)]
)
def test_the_switch_that_drops_the_lock_is_refused(file: Path, value: str, *, refused: bool) -> None:
    environ = {"POSTGRES_ENABLE_DB_FUNCTIONS": value}
    if not refused:
        assert settings.load(file, environ)
        return
    with pytest.raises(errors.Invalid, match="unset it"):
        settings.load(file, environ)


@pytest.mark.parametrize("folder", ["keys", "attachments"])
def test_a_key_folder_that_others_can_read_is_refused(file: Path, folder: str) -> None:
    (file.parent / folder).mkdir(mode=0o755)
    (file.parent / folder).chmod(0o755)
    with pytest.raises(errors.Invalid, match=rf"{folder}\.dir: .*chmod 700"):
        settings.load(file, {})


def test_a_password_that_others_can_read_is_refused(file: Path) -> None:
    file.chmod(0o644)
    with pytest.raises(errors.Invalid, match="dsn: holds a password"):
        settings.load(file, {})


@pytest.mark.parametrize("text", [b"name = ", b"\xff\xfe", b"[a]\n[a]"])
def test_a_file_that_is_no_toml_is_refused(file: Path, text: bytes) -> None:
    file.write_bytes(text)
    with pytest.raises(errors.Invalid):
        settings.load(file, {})


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.Invalid, match="cannot be read"):
        settings.load(tmp_path / "node.toml", {})


def test_every_setting_is_documented_and_nothing_else(file: Path) -> None:
    documented = re.findall(r"^\| `([a-z._]+)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert sorted(documented) == sorted(settings.load(file, {}).describe())


def test_the_documented_example_is_accepted(tmp_path: Path) -> None:
    example = DOCUMENT.read_text("utf-8").split("```toml\n")[1].split("```")[0]
    (tmp_path / "node.toml").write_text(example)
    assert settings.load(tmp_path / "node.toml", {}).exchange == "kafka"
