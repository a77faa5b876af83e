"""Copies of segments, taken while their writer goes on writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from threadline.errors import LogUnavailable
from threadline.store.log import segment


def copies(directory: Path, target: Path) -> Iterator[Path]:
    """Copy the segments of `directory` into `target`, oldest first; each copy once it is durable.

    Together they hold everything that was acknowledged before the first is asked for, and no gap:
    which segments there are is read once, so only the last can have grown further. Neither the
    writer nor readers wait. Raises `LogUnavailable`.
    """
    try:
        for first in segment.firsts(directory):
            yield _copied(directory, target, first)
        segment.sync_directory(target)
    except (OSError, sqlite3.Error) as error:
        raise LogUnavailable(f"{directory} cannot be copied: {error}") from error


def _copied(directory: Path, target: Path, first: int) -> Path:
    file = segment.path(target, first)
    with closing(segment.readable(directory, first)) as source, closing(_new(file)) as copy:
        source.backup(copy)  # in one step: what is committed meanwhile is not in it
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
    return file


def _new(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    return connection
