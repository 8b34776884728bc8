"""Topics that cannot be used as they are: said once in the log, and to the operator while it lasts."""

import threading

from services.runtime import logs

_log = logs.get(__name__)


class Refused:
    """Shared by the loops that have topics made and by whoever shows what is wrong."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._causes: dict[str, str] = {}

    def refuse(self, topic: str, cause: str) -> None:
        """It cannot be used, and why; the same again is not said again."""
        with self._lock:
            known, self._causes[topic] = self._causes.get(topic), cause
        if known != cause:
            _log.warning("topic-refused", topic=topic, reason=cause)

    def admit(self, topic: str) -> None:
        """It can be used."""
        with self._lock:
            self._causes.pop(topic, None)

    @property
    def causes(self) -> dict[str, str]:
        """Why each of them cannot be used, and what to alter."""
        with self._lock:
            return dict(sorted(self._causes.items()))
