"""docker-compose.yml says what the specification allows, and nothing that a careful operator would not."""

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support import project


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


def test_the_image_copies_only_what_exists() -> None:
    lines = (project.ROOT / "deploy/image/Dockerfile").read_text("utf-8").splitlines()
    sources = [word for line in lines if line.startswith("COPY") and "--from" not in line
               for word in line.split()[1:-1]]  # fmt: skip
    assert [source for source in sources if not (project.ROOT / source).exists()] == []
