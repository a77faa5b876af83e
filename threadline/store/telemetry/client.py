"""The telemetry store: Polars frames in and out of ClickHouse's dialect."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import clickhouse_connect
import polars as pl
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from threadline.errors import TelemetryUnavailable
from threadline.settings import TelemetrySettings
from threadline.store.telemetry import schema
from threadline.store.telemetry.engine import Engine
from threadline.store.telemetry.pool import Pool
from threadline.store.telemetry.scratch import Framing, scratch

CLIENTS = 8  # calls under way at once; further callers wait
_CHUNK = 1 << 20
_SCHEMA = "schema"  # the name in built_under for the version of the tables
_MADE = "made"  # and for what tells these tables from those before a reset


class Telemetry:
    """One database of the telemetry store.

    Every method may be called from any thread and raises only `TelemetryUnavailable`, the driver's
    error being its cause. `rebuilt_because` is why the index was found unusable and made anew,
    empty; None when it was usable or new.
    """

    def __init__(self, settings: TelemetrySettings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine
        self._scratch = settings.dir.with_name(f"{settings.dir.name}.scratch")
        self._local = Pool(self._connect_locally, CLIENTS)
        self._pool = Pool(self._connect_by_url, CLIENTS) if settings.url else self._local
        self.rebuilt_because = None if settings.url else engine.refused

    @classmethod
    def open(cls, settings: TelemetrySettings) -> Self:
        """Open the store at `settings.url`, else chDB in `settings.dir`, and create its tables.

        chDB is opened in either case, because it decodes. What chDB cannot open, and tables
        of another version, give way to an empty index (see `rebuilt_because`). A directory in use
        by another process is refused and left alone.
        """
        telemetry = cls(settings, Engine.share(settings.dir, settings.memory_bytes))
        try:
            telemetry._prepare()
        except BaseException:
            telemetry.close()
            raise
        return telemetry

    def close(self) -> None:
        """Wait for the calls under way and leave; later calls raise `TelemetryUnavailable`."""
        self._pool.close()
        self._local.close()
        self._engine.close()

    def insert(self, table: str, frame: pl.DataFrame) -> None:
        """Append `frame` by column name; columns that it lacks take their defaults.

        All or nothing, for `facts` per month of receipt; repeating an insert leaves what readers
        with FINAL see unchanged. An empty frame is nothing.
        """
        if frame.is_empty():
            return
        with self._pool.client() as client:
            client.insert_arrow(table, frame.to_arrow())

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """The rows of a SELECT; `{name:Type}` in it takes its value from `parameters`.

        Columns and types are there when no row is; instants are Datetime("ns", "UTC").
        """
        with self._pool.client() as client:
            return _frame(client.query_arrow(sql, dict(parameters or {}), use_strings=True))

    def stream(self, sql: str) -> Iterator[bytes]:
        """The result of a SELECT that ends in a FORMAT of lines, in chunks as they come.

        Holds one of the clients until it is exhausted or closed.
        """
        with self._pool.client() as client, client.raw_stream(sql) as source:
            while chunk := source.read(_CHUNK):
                yield chunk

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that gives no rows."""
        with self._pool.client() as client:
            client.command(sql, dict(parameters or {}))

    def decode(
        self, messages: Sequence[bytes], sql: str, framing: Framing = "protobuf"
    ) -> pl.DataFrame:
        """The rows of a SELECT over `file('{file}', ...)`, where the messages are put.

        It runs on chDB in this process also when the store is a server: the file is local. Raises
        `TelemetryUnavailable` when any message cannot be read.
        """
        with scratch(messages, framing, self._scratch) as file, self._local.client() as client:
            return _frame(client.query_arrow(sql.replace("{file}", str(file)), use_strings=True))

    @property
    def damage(self) -> str | None:
        """What was said when chDB could not read back what it had stored: only `reset` helps.

        Always None for a server: it has replicas to mend itself from, and a network in between.
        """
        return None if self._settings.url else self._local.damage

    def reset(self) -> None:
        """Forget everything, cursors included; readers meanwhile find empty tables."""
        for table in schema.tables():
            self.command(f"TRUNCATE TABLE {table} SYNC")
        self._local.damage = None
        self._sign()

    def _prepare(self) -> None:
        self._create_database()
        names = self.query("SELECT name FROM system.tables WHERE database = currentDatabase()")
        missing = set(schema.tables()) - set(names["name"])
        if len(missing) == len(schema.tables()):
            self._create()
        elif (stale := self._stale(missing)) is not None:
            self.rebuilt_because = self.rebuilt_because or stale
            for table in schema.tables():
                self.command(f"DROP TABLE IF EXISTS {table} SYNC")
            self._local.damage = None
            self._create()

    def _stale(self, missing: set[str]) -> str | None:
        """Why the tables cannot be used, if so: a half-lost index is as useless as an old one."""
        if missing:
            return f"tables are missing: {', '.join(sorted(missing))}"
        try:
            digest = self.query(
                "SELECT digest FROM built_under FINAL WHERE name = {name:String}", {"name": _SCHEMA}
            )["digest"].to_list()
        except TelemetryUnavailable:
            if self.damage is None:
                raise
            return f"it cannot be read: {self.damage}"
        return None if digest == [schema.digest()] else "the tables are of another version"

    def _create(self) -> None:
        for statement in schema.statements(durable=self._settings.durable):
            self.command(statement)
        self._sign()

    def _sign(self) -> None:
        signed = {_SCHEMA: schema.digest(), _MADE: uuid.uuid4().hex}
        rows = [{"name": name, "digest": said, "generation": 0} for name, said in signed.items()]
        self.insert("built_under", pl.DataFrame(rows))

    def _create_database(self) -> None:
        with self._pool.client() as client:
            client.command(
                f"CREATE DATABASE IF NOT EXISTS {self._settings.database}", use_database=False
            )

    def _connect_locally(self) -> Client:
        client = self._engine.connect(self._bounds())
        if not self._settings.url:
            client.database = self._settings.database
        return client

    def _connect_by_url(self) -> Client:
        client = clickhouse_connect.get_client(
            dsn=self._settings.url,
            settings=self._bounds(),
            autogenerate_session_id=False,  # a session would let only one query run at a time
            form_encode_query_params=True,  # thousands of keys do not fit into a URL
        )
        client.database = self._settings.database
        return client

    def _bounds(self) -> dict[str, int]:
        return {
            "max_threads": self._settings.threads,
            "max_memory_usage": self._settings.query_memory_bytes,
        }


def _frame(table: pa.Table) -> pl.DataFrame:
    return pl.DataFrame(table)
