"""chDB, embedded: one engine per process, one process per directory."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path
from typing import Any, TextIO

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from threadline.errors import TelemetryUnavailable
from threadline.settings import MIB
from threadline.store.telemetry.damage import Damaged, aside, check

_open: dict[Path, Engine] = {}
_opening = threading.RLock()

# Always given as a file: without one chDB reads any `config.xml` of the working directory.
_CONFIG = """<clickhouse>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>{marks}</mark_cache_size>
  <index_mark_cache_size>{marks}</index_mark_cache_size>
</clickhouse>
"""


class Engine:
    """The engine over one directory; shared by everyone in this process who names that directory.

    `refused` says why what lay there was not usable: it was moved aside and the engine is empty.
    """

    def __init__(self, directory: Path, memory_bytes: int) -> None:
        self.directory = directory
        self.refused: str | None = None
        self._holders = 0
        directory.parent.mkdir(parents=True, exist_ok=True)
        self._owned = _own(directory)
        self._config = _configure(directory, memory_bytes)
        try:
            self._keep_alive = self._start()
        except BaseException:
            self._owned.close()
            raise

    @classmethod
    def share(cls, directory: Path, memory_bytes: int) -> Engine:
        """Open the engine over `directory`, or join it if this process has it open.

        The first holder's `memory_bytes` stands. Raises `TelemetryUnavailable` when another process
        owns the directory, or this process has an engine open over another one.
        """
        directory = directory.resolve()
        with _opening:
            engine = _open.get(directory) or cls(directory, memory_bytes)
            _open[directory] = engine
            engine.join()
            return engine

    def join(self) -> None:
        """Count one more holder; each has to `close`."""
        with _opening:
            self._holders += 1

    def close(self) -> None:
        """Leave; the last holder shuts the engine down and gives the directory up."""
        with _opening:
            self._holders -= 1
            if self._holders == 0:
                del _open[self.directory]
                self._keep_alive.close()
                self._owned.close()

    def connect(
        self, settings: dict[str, Any] | None = None, database: str | None = None
    ) -> Client:
        """A further client of this engine; raises the driver's errors."""
        return clickhouse_connect.get_client(
            interface="chdb",
            path=str(self.directory),
            database=database,
            settings=settings or {},
            chdb_options={"config-file": str(self._config)},
        )

    def _start(self) -> Client:
        try:
            return self._sound()
        except (ClickHouseError, Damaged) as error:
            if _open:
                raise TelemetryUnavailable(f"chDB is open over {next(iter(_open))}") from error
            self.refused = str(error)
        with aside(self.directory):
            return self._fresh()

    def _fresh(self) -> Client:
        try:
            return self._sound()
        except (ClickHouseError, Damaged) as error:
            raise TelemetryUnavailable(f"chDB does not start: {error}") from error

    def _sound(self) -> Client:
        client = self.connect()
        try:
            check(client)
        except BaseException:
            client.close()
            raise
        return client


def _own(directory: Path) -> TextIO:
    """Hold the lock beside the directory, so that two processes never open it together."""
    file = _beside(directory, "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise TelemetryUnavailable(
            f"the telemetry store {directory} is in use by process {owner}; only one may open it"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _configure(directory: Path, memory_bytes: int) -> Path:
    file = _beside(directory, "config.xml")
    file.write_text(_CONFIG.format(memory=memory_bytes, marks=64 * MIB), encoding="utf-8")
    return file


def _beside(directory: Path, suffix: str) -> Path:
    return directory.with_name(f"{directory.name}.{suffix}")
