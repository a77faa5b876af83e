"""Copies of segments, taken while their writer goes on writing."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from threadline.errors import LogUnavailable
from threadline.store.log import sealed, segment, shelf
from threadline.store.log.rows import sync_directory


def copies(directory: Path, target: Path) -> Iterator[Path]:
    """Copy the segments of `directory` into `target`, oldest first; each file once it is durable.

    Together they hold everything that was acknowledged before the first is asked for, and no gap:
    which segments there are is read once, so only the last can have grown further. Neither the
    writer nor readers wait. Raises `LogUnavailable`.
    """
    try:
        for first in shelf.firsts(directory):
            yield from _copied(directory, target, first)
        sync_directory(target)
    except (OSError, sqlite3.Error) as error:
        raise LogUnavailable(f"{directory} cannot be copied: {error}") from error


def _copied(directory: Path, target: Path, first: int) -> Iterator[Path]:
    """A segment as it is: whole, or sealed with the note of what became of its bodies."""
    with shelf.reading(directory, first) as source:
        if source is not None:
            with closing(_new(segment.path(target, first))) as copy:
                source.backup(copy)  # in one step: what is committed meanwhile is not in it
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
            yield segment.path(target, first)
            return
    for file in (sealed.path(directory, first), shelf.note(directory, first)):
        shutil.copyfile(file, target / file.name)
        with (target / file.name).open("rb") as copied:
            os.fsync(copied.fileno())
        yield target / file.name


def _new(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    return connection
