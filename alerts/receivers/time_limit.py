"""A limit to how long one attempt takes as a whole."""

from __future__ import annotations

import contextlib
import socket
import threading
from datetime import timedelta
from types import TracebackType
from typing import Self


class TimeLimit:
    """Cuts the connections it watches once `limit` is over.

    Time limits of sockets bound each single read: a peer that sends a byte now and then never
    meets them, and would hold a courier beyond its lease. `over` says whether it came to that.
    """

    def __init__(self, limit: timedelta) -> None:
        self._timer = threading.Timer(limit.total_seconds(), self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._watched: list[socket.socket] = []
        self.over = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for twin in self._watched:
                twin.close()
            self._watched.clear()

    def watch(self, connection: socket.socket) -> None:
        """Cut this one too; a plain socket, before TLS takes it over."""
        with self._lock:
            # TLS takes the descriptor away from `connection`; a duplicate reaches what is under it.
            self._watched.append(connection.dup())
        if self.over:
            self._cut()

    def _cut(self) -> None:
        with self._lock:
            self.over = True
            for twin in self._watched:
                with contextlib.suppress(OSError):  # the peer may have closed it already
                    twin.shutdown(socket.SHUT_RDWR)
