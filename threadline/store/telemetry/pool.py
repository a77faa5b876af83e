"""Clients of one engine, borrowed for one call each."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from pyarrow import ArrowException

from threadline.errors import QueryFault, TelemetryUnavailable, TooMuchAtOnce
from threadline.store.telemetry.damage import too_much, unreadable, wrong


class Pool:
    """At most `size` clients, made when first needed and used by one thread at a time.

    A client is locked for the length of a query, so threads that shared one would wait in line.
    `damage` is what was said when something stored could not be read back.
    """

    def __init__(self, connect: Callable[[], Client], size: int) -> None:
        self._connect = connect
        self._size = size
        self._idle: queue.LifoQueue[Client | None] = queue.LifoQueue()
        self._closing = threading.Lock()
        self._closed = False
        self.damage: str | None = None
        for _ in range(size):
            self._idle.put(None)

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Borrow a client, waiting for one if all are busy.

        Raises `TelemetryUnavailable` for whatever fails inside, the driver's error being its cause;
        `QueryFault` where the fault lies in what was asked, `TooMuchAtOnce` where memory did not
        suffice.
        """
        if self._closed:
            raise TelemetryUnavailable("the telemetry store is closed")
        client = self._idle.get()
        try:
            client = client or self._connect()
            yield client
        except BaseException as error:
            # After a query that failed half-way, chDB puts the rest of its output before the next
            # result of the same connection.
            _close(client)
            client = None
            if unreadable(error):
                self.damage = str(error)[:200]
            if isinstance(error, (ClickHouseError, ArrowException, OSError)):
                raise _kind(error)(f"the telemetry store failed: {error}") from error
            raise
        finally:
            self._idle.put(client)

    def close(self) -> None:
        """Wait for the calls under way, then close every client; later calls are refused.

        An engine that is closed under a running query takes the process with it.
        """
        with self._closing:
            if self._closed:
                return
            self._closed = True
            for client in [self._idle.get() for _ in range(self._size)]:
                _close(client)
            for _ in range(self._size):
                self._idle.put(None)


def _kind(error: BaseException) -> type[TelemetryUnavailable]:
    if wrong(error):
        return QueryFault
    return TooMuchAtOnce if too_much(error) else TelemetryUnavailable


def _close(client: Client | None) -> None:
    if client is not None:
        with suppress(ClickHouseError):
            client.close()
