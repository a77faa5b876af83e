"""Somebody else's SQLite file, opened to be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from threadline.errors import ThreadlineError


class UnreadableFile(ThreadlineError):
    """A file handed in is not what it should be; nothing was taken from it."""

    def __init__(self, file: Path, reason: str) -> None:
        self.file, self.reason = file, reason
        super().__init__(f"{file} cannot be read: {reason}")


class ForeignFile:
    """The tables of a SQLite file that is never written to. Raises only `UnreadableFile`."""

    def __init__(self, file: Path, connection: sqlite3.Connection) -> None:
        self._file, self._connection = file, connection

    @classmethod
    @contextmanager
    def open(cls, file: Path) -> Iterator[ForeignFile]:
        """The file, closed again at the end."""
        if not file.is_file():
            raise UnreadableFile(file, "there is no such file")
        try:
            connection = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)
        except sqlite3.Error as error:
            raise UnreadableFile(file, str(error)) from error
        try:
            yield cls(file, connection)
        finally:
            connection.close()

    def tables(self) -> Mapping[str, tuple[str, ...]]:
        """Column names of every table, by table name."""
        found = self._select("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        return {name: self._columns(name) for (name,) in found}

    def rows(self, table: str, *columns: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a table in the file's order: these columns, or all."""
        wanted = ", ".join(_quoted(column) for column in columns) or "*"
        return self._select(f"SELECT {wanted} FROM {_quoted(table)}")

    def _columns(self, table: str) -> tuple[str, ...]:
        return tuple(row[1] for row in self._select(f"PRAGMA table_info({_quoted(table)})"))

    def _select(self, statement: str) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection.execute(statement)
        except sqlite3.Error as error:
            raise UnreadableFile(self._file, str(error)) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
