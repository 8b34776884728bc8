"""Serving a node's pages and API: one socket, bound before anything is promised about its port."""

import errno
import socket
import threading

import uvicorn
from fastapi import FastAPI

from events import errors
from services.runtime.settings import Address

_BACKLOG = 256
_GRACE = 5
"""Seconds in which answers under way may be finished."""


def listen(address: Address) -> socket.socket:
    """The socket of a node. Raises Unavailable when the port is taken, or is none to be had here."""
    found = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((address.host, address.port))
    except OSError as error:
        found.close()
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        raise errors.Unavailable(f"{address} {why}; choose another http.listen") from error
    found.listen(_BACKLOG)
    return found


class Server:
    """uvicorn on a socket of ours, in a thread or in the main one; drains on `stop`."""

    def __init__(self, app: FastAPI, bound: socket.socket) -> None:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=_GRACE, timeout_keep_alive=10,
            h11_max_incomplete_event_size=64 * 1024, server_header=False,
        )  # fmt: skip
        self._server, self._socket = uvicorn.Server(config), bound
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether the thread that serves is at work."""
        return self._thread is not None and self._thread.is_alive()

    def run(self) -> None:
        """Serve until `stop`, or until a signal when in the main thread."""
        self._server.run(sockets=[self._socket])

    def start(self, name: str) -> None:
        """Serve in a thread of its own."""
        self._thread = threading.Thread(target=self.run, name=f"{name}-http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer what is under way, take nothing more; returns when that is done."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_GRACE * 2)
