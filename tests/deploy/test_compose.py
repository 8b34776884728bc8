"""docker-compose.yml says what the specification allows, and nothing that a careful operator would not."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from psycopg import conninfo

from services.runtime import settings
from tests.support import project

KEYS = project.ROOT / "deploy/keys.md"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((project.ROOT / "docker-compose.yml").read_text("utf-8"))
    return document


def test_follows_the_specification(compose: dict[str, Any]) -> None:
    schema = json.loads((project.ROOT / "tests/support/schemas/compose-spec.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(compose)] == []
    # and the schema would tell
    assert list(validator.iter_errors(compose | {"services": {"node": {"imge": "x"}}})) != []


def test_kafka_is_the_version_that_tests_run_against(compose: dict[str, Any]) -> None:
    pom = (project.ROOT / "deploy/kafka/pom.xml").read_text("utf-8")
    tested = re.search(r"<kafka.version>(.*)</kafka.version>", pom)
    assert tested is not None
    assert compose["services"]["kafka"]["image"] == f"apache/kafka:{tested[1]}"


def test_nothing_listens_on_open_interfaces_and_no_secret_is_written_down(compose: dict[str, Any]) -> None:
    services = compose["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${YINQIAO_DB_PASSWORD:?")


def test_every_volume_and_dependency_is_defined(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        named = {volume.split(":")[0] for volume in service.get("volumes", []) if volume[0] not in "./"}
        assert named <= compose["volumes"].keys()
        assert service.get("depends_on", {}).keys() <= compose["services"].keys()


def test_the_example_of_settings_fits_the_container(compose: dict[str, Any], tmp_path: Path) -> None:
    # given the example where the container has it
    example = (project.ROOT / "deploy/compose/node.toml.example").read_text("utf-8")
    (tmp_path / "node.toml").write_text(example, "utf-8")
    loaded, services = settings.load(tmp_path / "node.toml", {}), compose["services"]
    mounts = dict(volume.split(":")[:2] for volume in services["node"]["volumes"])

    # then what is written is in the volume, and what is read beside the settings
    assert [path.parent for path in (loaded.guard.file, loaded.attachments.dir)] == [
        Path(mounts["guard"])
    ] * 2
    assert [path.parent for path in (loaded.alliance.file, loaded.keys.dir)] == [tmp_path] * 2
    file = f"{mounts['./node']}/node.toml"
    assert services["node"]["command"] == ["node", "--settings", file]
    # and address, port, broker and database are those of the neighbours
    image = (project.ROOT / "deploy/image/Dockerfile").read_text("utf-8")
    port = loaded.http.address.port
    assert loaded.http.address.host == "0.0.0.0"  # noqa: S104  (inside of a container)
    assert services["node"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"EXPOSE {port}\n" in image
    assert f"http://127.0.0.1:{port}/healthz" in image
    advertised = services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert advertised == f"PLAINTEXT://{loaded.kafka.bootstrap}"
    environment = services["postgres"]["environment"]
    assert conninfo.conninfo_to_dict(loaded.dsn.get_secret_value()) == {
        "host": "postgres", "dbname": environment["POSTGRES_DB"], "user": environment["POSTGRES_USER"],
    }  # fmt: skip
    # and commands in the container find the same file, and no key belongs to somebody else
    assert f"YINQIAO_SETTINGS={file}\n" in image
    assert f"--uid {re.search(r'chown -R ([0-9]+):', KEYS.read_text('utf-8'))[1]} " in image  # type: ignore[index]


def test_the_image_copies_only_what_exists() -> None:
    lines = (project.ROOT / "deploy/image/Dockerfile").read_text("utf-8").splitlines()
    sources = [word for line in lines if line.startswith("COPY") and "--from" not in line
               for word in line.split()[1:-1]]  # fmt: skip
    assert [source for source in sources if not (project.ROOT / source).exists()] == []
