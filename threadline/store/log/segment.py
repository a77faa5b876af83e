"""One file of the log: a SQLite database in WAL mode, named by the offset of its first entry."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from threadline.model.entries import Entry, Logged
from threadline.store.log.rows import latest, logged, nanoseconds, row_of, sync_directory

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    offset           INTEGER PRIMARY KEY,
    received_at      INTEGER NOT NULL,  -- nanoseconds since 1970, UTC
    kind             TEXT NOT NULL,
    source           TEXT NOT NULL,
    content_type     TEXT NOT NULL,
    content_encoding TEXT NOT NULL,
    headers          TEXT NOT NULL,     -- a JSON object
    body             BLOB NOT NULL
)
"""
_INSERT = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_REPLACE = "REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_AT_ONCE = 64  # entries that are replaced in one transaction, which keeps the writer waiting
_BUSY_SECONDS = 10.0
# Measured with bodies of 210 kB: large pages and rarer checkpoints cost half the processor time of
# the defaults (4 KiB, 4 MiB).
_PAGE_BYTES = 16 * 1024
_CHECKPOINT_PAGES = 1024


def path(directory: Path, first: int) -> Path:
    """Where the segment that begins with offset `first` lives."""
    return directory / f"{first:020d}.sqlite"


def firsts(directory: Path) -> list[int]:
    """The first offsets of the segments in `directory`, rising."""
    return sorted(int(file.stem) for file in directory.glob("*.sqlite") if file.stem.isdigit())


def writable(directory: Path, first: int) -> sqlite3.Connection:
    """The segment opened for its one writer; created, durably, if it is not there.

    Every commit on it is fsynced. Raises `sqlite3.Error` or `OSError`.
    """
    connection = _connect(path(directory, first), "rwc")
    try:
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(_SCHEMA)
        sync_directory(directory)
    except BaseException:
        connection.close()
        raise
    return connection


def readable(directory: Path, first: int) -> sqlite3.Connection:
    """The segment opened for reading; never waits for the writer nor keeps it waiting."""
    connection = _connect(path(directory, first), "rw")
    connection.execute("PRAGMA query_only = ON")
    return connection


def editable(directory: Path, first: int) -> sqlite3.Connection:
    """The segment opened for changing what is in it, the writer's work going on between.

    What is replaced is overwritten, not only given free.
    """
    connection = _connect(path(directory, first), "rw")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def rewrite(connection: sqlite3.Connection, changed: Mapping[int, Entry]) -> None:
    """Put entries in the place of those at the same offsets; durable when it returns."""
    offsets = sorted(changed)
    for start in range(0, len(offsets), _AT_ONCE):
        connection.execute("BEGIN IMMEDIATE")
        for offset in offsets[start : start + _AT_ONCE]:
            connection.execute(_REPLACE, row_of(offset, changed[offset]))
        connection.execute("COMMIT")


def overwrite(connection: sqlite3.Connection) -> None:
    """Leave nothing in the files of what was replaced; `sqlite3.Error` where a reader hinders."""
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise sqlite3.OperationalError("what was there before still stands in a write-ahead log")


def insert(connection: sqlite3.Connection, offset: int, entry: Entry) -> None:
    """Add one entry to the open transaction."""
    connection.execute(_INSERT, row_of(offset, entry))


def extent(connection: sqlite3.Connection, first: int) -> tuple[int, int]:
    """The last offset (`first - 1` when there is none) and the bytes of all bodies."""
    query = "SELECT coalesce(max(offset), ?), coalesce(sum(length(body)), 0) FROM entries"
    last, size = connection.execute(query, (first - 1,)).fetchone()
    return last, size


def entries(
    connection: sqlite3.Connection, after: int, limit: int, received_by: datetime | None = None
) -> Iterator[Logged]:
    """Up to `limit` entries beyond offset `after`, in order, read as they are asked for.

    Only those received by then, if asked.
    """
    query = "SELECT * FROM entries WHERE offset > ? AND received_at <= ? ORDER BY offset LIMIT ?"
    for row in connection.execute(query, (after, latest(received_by), limit)):
        yield logged(row)


def received(connection: sqlite3.Connection) -> tuple[int, int]:
    """When the first and the last entry were received, nanoseconds; 0 where there is none."""
    query = "SELECT coalesce(min(received_at), 0), coalesce(max(received_at), 0) FROM entries"
    first, last = connection.execute(query).fetchone()
    return first, last


def last_received_by(connection: sqlite3.Connection, at: datetime) -> int:
    """The last offset that was received by then; 0 where none was."""
    query = "SELECT coalesce(max(offset), 0) FROM entries WHERE received_at <= ?"
    return int(connection.execute(query, (nanoseconds(at),)).fetchone()[0])


def _connect(file: Path, mode: str) -> sqlite3.Connection:
    # Transactions are written out; the writer's connection is opened in one thread, used in another
    return sqlite3.connect(
        f"{file.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
