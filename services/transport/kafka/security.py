"""TLS and accounts for Kafka: what the settings say, as kafka-python takes it; secrets only from files."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from events import errors
from services.runtime import files
from services.runtime.settings import KafkaSecurity


class Context(ssl.SSLContext):
    """Remembers why the last handshake failed: kafka-python says only that nobody answers."""

    trouble: str | None = None


class _Socket(ssl.SSLSocket):
    def __del__(self) -> None:
        """kafka-python lets go of a socket whose handshake failed, open as it is."""
        self.close()

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  (as in the base class)
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            if isinstance(self.context, Context):
                self.context.trouble = getattr(error, "verify_message", None) or error.reason
            raise
        if isinstance(self.context, Context):
            self.context.trouble = None


Context.sslsocket_class = _Socket


def settings(told: KafkaSecurity) -> dict[str, Any]:
    """kafka-python's `security_protocol`, `ssl_context` and `sasl_…`.

    Raises Invalid, with the setting, when a file is missing or unfit, or a secret that others can read.
    """
    made: dict[str, Any] = {"security_protocol": told.protocol}
    if told.protocol != "PLAINTEXT":
        made["ssl_context"] = _context(told)
    if told.password_file is not None:
        with _named("password_file", told.password_file):
            password = files.read(told.password_file).decode().strip()
        made |= {
            "sasl_mechanism": told.mechanism,
            "sasl_plain_username": told.username,
            "sasl_plain_password": password,
        }
    return made


def explained(made: Mapping[str, Any], error: object) -> object:
    """What an error may come from besides; brokers close the line on a wrong account without a word."""
    context = made.get("ssl_context")
    if isinstance(context, Context) and context.trouble:
        return f"TLS fails: {context.trouble}; look at kafka.security in node.toml"
    if "bootstrap" in str(error) and "sasl_plain_username" in made:
        return f"{error}; if it runs, it may refuse account {made['sasl_plain_username']} (kafka.security)"
    return error


def _context(told: KafkaSecurity) -> Context:
    context = Context(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if told.ca_file is None:
        context.load_default_certs()
    else:
        with _named("ca_file", told.ca_file):
            context.load_verify_locations(told.ca_file)
    if told.cert_file is not None and told.key_file is not None:
        with _named("key_file", told.key_file):
            files.refuse_open(told.key_file)
            # no password: for the one of an encrypted key OpenSSL would ask at the terminal
            context.load_cert_chain(told.cert_file, told.key_file, password="")
    return context


@contextmanager
def _named(setting: str, path: Path) -> Iterator[None]:
    """What is wrong with a file, by its setting; never with what stands in it."""
    field = f"kafka.security.{setting}"
    try:
        yield
    except errors.YinqiaoError as error:
        raise errors.Invalid(f"{field}: {error.message}", field=field) from None
    except (OSError, ValueError) as error:
        said = f"{path} cannot be used: {type(error).__name__}"
        raise errors.Invalid(
            f"{field}: {said}; PEM is wanted, a key without a password", field=field
        ) from None
