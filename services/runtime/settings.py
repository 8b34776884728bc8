"""What `node.toml` tells a node: typed, read once in `main`, refused when unsafe (deploy/settings.md)."""

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from psycopg import ProgrammingError, conninfo
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo

from events import errors, values
from services.runtime import files

FORBIDDEN_SWITCH = "POSTGRES_ENABLE_DB_FUNCTIONS"
_OFF = frozenset({"", "0", "f", "false", "n", "no", "off"})
_PORT_LIMIT = 65_535
_MASK = "***"


class Address(NamedTuple):
    """Where to listen; `host` without brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `host:port` or `[v6]:port`. Raises Invalid."""
        host, _, port = text.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        if not bare or not port.isascii() or not port.isdigit() or int(port) > _PORT_LIMIT:
            raise errors.Invalid("is written host:port, for example 127.0.0.1:8500")
        return cls(bare, int(port))

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _based(path: Path, info: ValidationInfo) -> Path:
    return Path(info.context["folder"]) / path if info.context else path


def _listen(text: str) -> str:
    try:
        return str(Address.parse(text))
    except errors.Invalid as error:
        raise ValueError(error.message) from None


def _dsn(secret: SecretStr) -> SecretStr:
    try:
        conninfo.conninfo_to_dict(secret.get_secret_value())
    except ProgrammingError:  # its message would show the password
        raise ValueError("is no connection string of PostgreSQL") from None
    return secret


File = Annotated[Path, AfterValidator(_based)]
"""Relative ones stand beside `node.toml`."""
Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]


class Section(BaseModel):
    """A table of the file: closed, strict, frozen, silent about what was typed in."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class KafkaSecurity(Section):
    protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL"] = "PLAINTEXT"
    ca_file: File | None = None
    cert_file: File | None = None
    key_file: File | None = None
    mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    username: str | None = None
    password_file: File | None = None


class Kafka(Section):
    bootstrap: Annotated[str, Field(pattern=r"^[^\s,:]+:[0-9]+(,[^\s,:]+:[0-9]+)*$")] | None = None
    security: KafkaSecurity = KafkaSecurity()


class Inprocess(Section):
    folder: File | None = None


class Http(Section):
    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8500"

    @property
    def address(self) -> Address:
        """`listen`, taken apart."""
        return Address.parse(self.listen)


class Alliance(Section):
    file: File
    digest: values.Digest


class Keys(Section):
    dir: File


class Guard(Section):
    file: File


class Attachments(Section):
    dir: File


class Settings(Section):
    """All settings of a node; what each means stands in deploy/settings.md."""

    name: Name
    dsn: Annotated[SecretStr, AfterValidator(_dsn)]
    exchange: Literal["kafka", "inprocess"] = "kafka"
    follow: Literal["all"] | tuple[values.Log, ...] = "all"
    signin: Literal["demo", "none"] = "none"
    demo: bool = False
    kafka: Kafka = Kafka()
    inprocess: Inprocess = Inprocess()
    http: Http = Http()
    alliance: Alliance
    keys: Keys
    guard: Guard
    attachments: Attachments

    def describe(self) -> dict[str, str]:
        """Every setting by its dotted name as text, without secrets: for the configuration page."""
        shown = dict(_flat(self.model_dump(mode="json"))) | {"dsn": _masked(self.dsn.get_secret_value())}
        return {name: _plain(value) for name, value in shown.items()}

    def follows(self, log: str) -> bool:
        """Whether this node is told to receive the log."""
        return self.follow == "all" or log in self.follow


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the file. Raises Invalid; `field` names the setting and the message its remedy."""
    settings = parse(_text(path), path.parent.absolute())
    _refuse_unsafe(settings, path, environ)
    return settings


def parse(text: str, folder: Path) -> Settings:
    """The settings that the text holds, relative paths below `folder`; only their form is checked."""
    try:
        raw = json.dumps(tomllib.loads(text), default=str)
        return Settings.model_validate_json(raw, context={"folder": str(folder)})
    except tomllib.TOMLDecodeError as error:
        raise errors.Invalid(f"node.toml is no TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise _refused(".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")) from None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.Invalid(f"{path} cannot be read as text: {type(error).__name__}") from None


def _refuse_unsafe(settings: Settings, path: Path, environ: Mapping[str, str]) -> None:
    if environ.get(FORBIDDEN_SWITCH, "").strip().lower() not in _OFF:
        raise _refused(FORBIDDEN_SWITCH, "drops the lock that orders events: unset it in the environment")
    if settings.exchange == "kafka" and settings.kafka.bootstrap is None:
        raise _refused("kafka.bootstrap", 'must be given, host:port, or set exchange = "inprocess"')
    if settings.exchange == "inprocess" and settings.inprocess.folder is None:
        raise _refused("inprocess.folder", 'must be given, or set exchange = "kafka"')
    _refuse_half_secured(settings.kafka.security)
    _refuse_open_demo(settings)
    _refuse_shown_password(settings, path)
    for field, folder in (("keys.dir", settings.keys.dir), ("attachments.dir", settings.attachments.dir)):
        _refuse_open_folder(field, folder)


def _refuse_half_secured(told: KafkaSecurity) -> None:
    """What would be ignored is refused: somebody means to be protected by it."""
    if told.protocol == "PLAINTEXT" and told.model_fields_set - {"protocol"}:
        raise _refused(
            "kafka.security.protocol", 'is "PLAINTEXT", which knows no keys and no account: say "SSL"'
        )
    account = told.username is not None, told.password_file is not None
    if (told.protocol == "SASL_SSL") != any(account) or any(account) != all(account):
        raise _refused(
            "kafka.security.username",
            'and password_file go together, with protocol = "SASL_SSL" and no other',
        )
    if (told.cert_file is None) != (told.key_file is None):
        raise _refused("kafka.security.key_file", "and cert_file go together")


def _refuse_open_demo(settings: Settings) -> None:
    if settings.signin != "demo":
        return
    if not settings.demo:
        raise _refused("signin", '"demo" lets anybody act for any bureau: only together with demo = true')
    if not settings.http.address.is_local:
        raise _refused(
            "http.listen", 'with signin = "demo" must be a loopback address such as 127.0.0.1:8500'
        )


def _refuse_shown_password(settings: Settings, path: Path) -> None:
    password = conninfo.conninfo_to_dict(settings.dsn.get_secret_value()).get("password")
    if password and path.stat().st_mode & files.OTHERS:
        raise _refused("dsn", f"holds a password and others can read it: chmod 600 {path}, or use a passfile")


def _refuse_open_folder(field: str, folder: Path) -> None:
    try:
        if folder.exists():
            files.refuse_open(folder)
    except errors.Invalid as error:
        raise _refused(field, error.message) from None


def _refused(field: str, rule: str) -> errors.Invalid:
    return errors.Invalid(f"{field}: {rule}", field=field)


def _masked(dsn: str) -> str:
    parts = conninfo.conninfo_to_dict(dsn)
    secret = {name: _MASK for name in parts if "password" in name}
    return conninfo.make_conninfo("", **{**parts, **secret})


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _plain(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)
