"""Kafka over TLS, with a certificate or an account, as the settings say; what is wrong is said."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
)

from deploy.kafka import broker as development
from events import errors
from services.node import channel
from services.runtime import settings
from services.runtime.settings import KafkaSecurity
from services.transport.base import Exchange
from services.transport.kafka import KafkaExchange, Settings, security
from tests.services.transport.contract import LOG, OTHER, publish, read_all, records
from tests.support.certificates import Authority

PASSWORD = "between-two-rivers"
ALLIANCES = ("certified", "with-account")
LISTENERS = "PLAINTEXT://127.0.0.1:{},SSL://127.0.0.1:{},SASL_SSL://127.0.0.1:{}"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


class Secured(NamedTuple):
    """A broker that wants a certificate at one port and an account at another."""

    folder: Path
    ssl: str
    sasl: str

    @property
    def ca(self) -> Path:
        return self.folder / "alliance.ca.pem"

    def account(self, password: str) -> KafkaSecurity:
        path = self.folder / f"{password}.password"
        path.touch(mode=0o600)
        path.write_text(f"{password}\n", "utf-8")
        return KafkaSecurity(
            protocol="SASL_SSL", ca_file=self.ca, mechanism="PLAIN", username="west", password_file=path
        )

    def certificate(self, name: str = "west", ca: Path | None = None) -> KafkaSecurity:
        return KafkaSecurity(
            protocol="SSL", ca_file=ca or self.ca,
            cert_file=self.folder / f"{name}.pem", key_file=self.folder / f"{name}.key.pem",
        )  # fmt: skip


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    alliance = Authority(folder, "alliance")
    alliance.issue("west")
    Authority(folder, "stranger").issue("nobody")
    keystore = folder / "broker.store.pem"
    keystore.write_bytes(b"".join(path.read_bytes() for path in reversed(alliance.issue("broker"))))
    ports = [development.free_port() for _ in range(4)]
    listeners, controller = LISTENERS.format(*ports), f"127.0.0.1:{ports[3]}"
    running = development.start(
        folder / "broker",
        port=ports[0],
        settings={
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"{listeners},CONTROLLER://{controller}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map":
                "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL",
            "ssl.keystore.type": "PEM", "ssl.keystore.location": str(keystore),
            "ssl.truststore.type": "PEM", "ssl.truststore.location": str(alliance.file),
            "listener.name.ssl.ssl.client.auth": "required",
            "ssl.principal.mapping.rules": "RULE:^CN=([a-z0-9-]+)$/$1/",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "listener.name.sasl_ssl.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_ssl.plain.sasl.jaas.config": f'{PLAIN} required user_west="{PASSWORD}";',
        },
    )  # fmt: skip
    allow(running.bootstrap)
    yield Secured(folder, f"127.0.0.1:{ports[1]}", f"127.0.0.1:{ports[2]}")
    running.stop()


def allow(bootstrap: str) -> None:
    """The rights that deploy/kafka/README.md has an operator give to the node west, which writes one log."""
    reads = [ACLOperation.READ, ACLOperation.DESCRIBE, ACLOperation.DESCRIBE_CONFIGS]
    every = [ResourcePattern(ResourceType.TOPIC, f"yinqiao.{each}.", ACLResourcePatternType.PREFIXED)
             for each in ALLIANCES]  # fmt: skip
    own = [ResourcePattern(ResourceType.TOPIC, f"yinqiao.{each}.{LOG}") for each in ALLIANCES]
    rights = [(at, what) for at in every for what in reads]
    rights += [(at, what) for at in own for what in (ACLOperation.CREATE, ACLOperation.WRITE)]
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        admin.create_acls([ACL("User:west", "*", what, ACLPermissionType.ALLOW, at) for at, what in rights])


def exchange(bootstrap: str, alliance: str, told: KafkaSecurity) -> KafkaExchange:
    return KafkaExchange(Settings(bootstrap, alliance, 3.0, check_s=0.3, security=security.settings(told)))


def carried(over: Exchange) -> Sequence[bytes | None]:
    """What comes back of two records that are published."""
    with over:
        over.create(LOG)
        publish(over, LOG, records(range(1, 3)))
        return [message.value for message in read_all(over, LOG)]


def test_records_travel_with_a_certificate_as_the_settings_of_a_node_say(secured: Secured) -> None:
    told = f"""
        name = "west"
        dsn = "dbname=none"
        alliance = {{ file = "alliance.note", digest = "{"A" * 43}=" }}
        keys.dir = "keys"
        guard.file = "guard"
        attachments.dir = "attachments"
        kafka.bootstrap = "{secured.ssl}"
        [kafka.security]
        protocol = "SSL"
        ca_file = "alliance.ca.pem"
        cert_file = "west.pem"
        key_file = "west.key.pem"
    """
    over = channel.opened(settings.parse(told, secured.folder), ALLIANCES[0])
    assert carried(over) == [value for _, value, _ in records(range(1, 3))]


def test_the_log_of_another_node_cannot_be_written(secured: Secured) -> None:
    with exchange(secured.sasl, ALLIANCES[0], secured.account(PASSWORD)) as over:
        with pytest.raises(errors.Unavailable):
            over.create(OTHER)
        assert over.identity(OTHER) is None


def test_records_travel_with_an_account_and_its_password_is_nowhere(
    secured: Secured, caplog: pytest.LogCaptureFixture
) -> None:
    over = exchange(secured.sasl, ALLIANCES[1], secured.account(PASSWORD))

    with caplog.at_level(logging.WARNING, "kafka"):  # as services.runtime.logs has it
        assert len(carried(over)) == 2

    assert PASSWORD not in caplog.text + repr(over.settings)


def test_a_broker_for_which_another_authority_vouches_is_refused_clearly(secured: Secured) -> None:
    told = secured.certificate(ca=secured.folder / "stranger.ca.pem")

    with exchange(secured.ssl, "wrong-ca", told) as over, pytest.raises(
        errors.Unavailable, match=r"TLS fails: unable to get local issuer certificate; look at kafka"
    ):  # fmt: skip
        over.identity(LOG)


def test_a_wrong_password_is_refused_clearly(secured: Secured) -> None:
    with exchange(secured.sasl, "wrong-password", secured.account("wrong-one")) as over, pytest.raises(
        errors.Unavailable, match=r"account west|Authentication failed"
    ) as refusal:  # fmt: skip
        over.identity(LOG)
    assert "wrong-one" not in refusal.value.message


def test_a_certificate_that_the_brokers_do_not_know_is_refused(secured: Secured) -> None:
    with exchange(secured.ssl, "unknown", secured.certificate("nobody")) as over, pytest.raises(
        errors.Unavailable
    ):  # fmt: skip
        over.identity(LOG)


@pytest.mark.parametrize("name", ["ca_file", "key_file", "password_file"])
def test_a_file_that_is_missing_or_unfit_is_named_by_its_setting(secured: Secured, name: str) -> None:
    told = secured.account(PASSWORD) if name == "password_file" else secured.certificate()
    for path in (secured.folder / "none", secured.folder):
        with pytest.raises(errors.Invalid, match=rf"kafka\.security\.{name}: "):
            security.settings(told.model_copy(update={name: path}))


@pytest.mark.parametrize("name", ["key_file", "password_file"])
def test_a_secret_that_others_can_read_is_refused(secured: Secured, name: str) -> None:
    told = secured.account("open") if name == "password_file" else secured.certificate("nobody")
    getattr(told, name).chmod(0o644)
    with pytest.raises(errors.Invalid, match=rf"kafka\.security\.{name}: .*chmod 600"):
        security.settings(told)
