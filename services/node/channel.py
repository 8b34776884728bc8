"""The exchange that the settings name."""

from events import errors
from services.runtime.settings import Settings
from services.transport import base


def opened(settings: Settings, alliance: str) -> base.Exchange:
    """The exchange of a node; Kafka need not answer yet.

    Raises Invalid when the settings lack its place or name unfit files, Unavailable when another process has
    the in-process exchange's folder open.
    """
    if settings.exchange == "inprocess" and settings.inprocess.folder is not None:
        from services.transport.inprocess import InProcessExchange

        return InProcessExchange(settings.inprocess.folder)
    if settings.exchange == "kafka" and settings.kafka.bootstrap is not None:
        from services.transport import kafka

        security = kafka.security.settings(settings.kafka.security)
        return kafka.KafkaExchange(kafka.Settings(settings.kafka.bootstrap, alliance, security=security))
    raise errors.Invalid(
        f"the settings do not say where the exchange {settings.exchange!r} is", field="exchange"
    )
