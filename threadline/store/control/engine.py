"""One engine for either database, with its transactions spelled out."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from threadline.errors import SettingsError
from threadline.settings import ControlSettings

# How long a writer waits for another process (a migration, a backup) to let go of the file.
BUSY_MILLISECONDS = 10_000
ATTEMPTS = 20


def connect(settings: ControlSettings) -> Engine:
    """An engine on the database of `settings`; no connection is made yet.

    Raises `SettingsError` when the URL names neither SQLite nor PostgreSQL.
    """
    url = _url(settings)
    if url.get_backend_name() == "postgresql":
        return create_engine(url, pool_pre_ping=True)
    if url.database:
        settings.path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _url(settings: ControlSettings) -> URL:
    if settings.url is None:
        return URL.create("sqlite", database=str(settings.path))
    try:
        url = make_url(settings.url)
    except ArgumentError as error:
        raise SettingsError("setting control.url is not a database URL") from error
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise SettingsError(
            f"setting control.url names {url.get_backend_name()!r}; only postgresql is supported "
            "(leave it out for SQLite at control.path)"
        )
    return url.set(drivername="postgresql+psycopg")


def _configure(connection: Any, _record: Any) -> None:
    # The driver's own transaction handling would begin late and hold no lock on a SELECT.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")  # what was erased is overwritten
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    # Of several processes that change a new file's mode at once SQLite refuses all but one without
    # waiting; a transaction waits for that one, and then the mode is the right one already.
    for _ in range(ATTEMPTS):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("COMMIT")
        else:
            return
    cursor.execute("PRAGMA journal_mode=WAL")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
