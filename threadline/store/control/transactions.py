"""Short transactions, translated errors, and one writer at a time on SQLite."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, Executable, Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from threadline.store.control import migration
from threadline.store.control.errors import ControlUnavailable


class Transactions:
    """The only way to the database: `read()` and `write()`.

    A transaction is never held across an await or a network call. Both raise `ControlUnavailable`
    when the database does not answer, and `ControlNotMigrated` or `ControlTooNew` when its tables
    are not those of this Threadline.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sqlite = engine.dialect.name == "sqlite"
        self._writer = threading.Lock()
        self._verified = False

    @property
    def where(self) -> str:
        """The database's address, its password hidden."""
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._translated():
            self.verify()
            with self._engine.connect() as connection, connection.begin():
                yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A `read` in which every statement sees the same instant, on either database."""
        with self._translated():
            self.verify()
            with self._engine.connect() as plain:
                level = {} if self._sqlite else {"isolation_level": "REPEATABLE READ"}
                connection = plain.execution_options(**level)
                with connection.begin():
                    yield connection

    @contextmanager
    def write(self, *, alone: str = "") -> Iterator[Connection]:
        """A transaction committed at the end of the block, durable when it returns.

        `alone` names work that only one process may do at a time, in either database.
        """
        with self._translated():
            self.verify()
            with self._writing() as connection:
                if alone:
                    self._exclude(connection, alone)
                yield connection

    def verify(self) -> None:
        """Hold the tables' revision against this Threadline's, once."""
        if self._verified:
            return
        with self._translated(), self._engine.connect() as connection:
            migration.verify(connection, self.where)
        self._verified = True

    def revision(self) -> str:
        """The revision of the tables, which is this Threadline's."""
        self.verify()
        return migration.head()

    def migrate(self) -> str:
        """Bring the tables to this Threadline's revision, which is returned; all or nothing."""
        with self._translated(), self._writing() as connection:
            self._exclude(connection, "migrate")
            revision = migration.upgrade(connection, self.where)
        self._verified = True
        return revision

    def overwrite(self) -> None:
        """Leave nothing in the files of what rows were before they were changed."""
        with self._translated(), self._engine.connect() as plain:
            if self._sqlite:
                plain.exec_driver_sql("COMMIT")
                plain.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                return
            outside = plain.execution_options(isolation_level="AUTOCOMMIT")
            words = "incidents, incident_events, outbox, silences, rota_overrides"
            outside.execute(text(f"VACUUM FULL {words}"))

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._writer if self._sqlite else nullcontext(), self._engine.connect() as plain:
            connection = plain.execution_options(writes=True)
            with connection.begin():
                yield connection

    def _exclude(self, connection: Connection, name: str) -> None:
        if not self._sqlite:
            statement = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
            connection.execute(statement, {"name": f"threadline.control.{name}"})

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise ControlUnavailable(self.where, _reason(error)) from error
        except DatabaseError as error:
            # A file that is no database, or a damaged one, is reported by SQLite without a class.
            if type(error) is not DatabaseError:
                raise
            raise ControlUnavailable(self.where, _reason(error)) from error


def insert_once(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert `row` unless one with its key is there already; whether it was inserted."""
    inserted = connection.execute(_insert_once(connection.dialect.name, table), dict(row))
    return inserted.one_or_none() is not None


def insert_all_once(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]
) -> set[str]:
    """Insert those of `rows` whose key `id` is not there; the ids that were inserted."""
    inserted = connection.execute(
        _insert_once(connection.dialect.name, table), [dict(row) for row in rows]
    )
    return {row.id for row in inserted}


@functools.cache
def _insert_once(dialect: str, table: Table) -> Executable:
    insert = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    # Asked for what it inserted, because the count of rows is not told alike by both drivers.
    return insert.on_conflict_do_nothing().returning(*table.primary_key.columns)


def _reason(error: Exception) -> str:
    # The driver's own words: SQLAlchemy's repeat the statement and its parameters.
    words = str(getattr(error, "orig", error)).strip()
    return words.splitlines()[0] if words else type(error).__name__
