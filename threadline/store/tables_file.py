"""A SQLite file that is handed out, made table by table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self


class TablesFile:
    """A new file; what is in it stands once `create` has been left without an error."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def create(cls, file: Path) -> Iterator[Self]:
        """The file, which must not be there yet."""
        with closing(sqlite3.connect(file)) as connection:
            # Nobody reads it before it is done, and what is not done is thrown away.
            connection.execute("PRAGMA journal_mode = OFF")
            yield cls(connection)
            connection.commit()

    def table(self, name: str, columns: Mapping[str, str]) -> None:
        """A table with these columns and their SQL types."""
        told = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns.items())
        self._connection.execute(f"CREATE TABLE {quoted(name)} ({told})")

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Append rows of these columns."""
        names = ", ".join(map(quoted, columns))
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {quoted(table)} ({names}) VALUES ({marks})"
        self._connection.executemany(statement, rows)


def quoted(name: str) -> str:
    """A name of SQLite's, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'
