"""The control store as lines of JSON, one file per table: the same from and to either database."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, Table, func, insert, select, text

from threadline.errors import ThreadlineError
from threadline.store.control.columns import Amount, Instant
from threadline.store.control.schema import leases, metadata

_AT_ONCE = 1_000
_TABLES = [table for table in metadata.sorted_tables if table is not leases]


class NotEmpty(ThreadlineError):
    """Rows would be mixed with those that are there."""


def write(connection: Connection, directory: Path) -> Iterator[Path]:
    """Write every table into `directory`; the file of each. All speak of `connection`'s snapshot.

    Instants are ISO text in UTC, amounts their decimal text, bytes base64.
    """
    for table in _TABLES:
        file = directory / f"{table.name}.ndjson"
        ordered = select(table).order_by(*table.primary_key)
        with file.open("w", encoding="utf-8") as lines:
            for row in connection.execution_options(yield_per=_AT_ONCE).execute(ordered):
                lines.write(json.dumps(dict(row._mapping), default=_written) + "\n")  # noqa: SLF001
        yield file


def read(connection: Connection, directory: Path) -> dict[str, int]:
    """Fill the empty tables from `directory`; how many rows each got. Raises `NotEmpty`."""
    for table in _TABLES:
        if connection.execute(select(func.count()).select_from(table)).scalar_one():
            raise NotEmpty(f"the table {table.name} of the control store holds rows already")
    return {table.name: _filled(connection, table, directory) for table in _TABLES}


def _filled(connection: Connection, table: Table, directory: Path) -> int:
    rows = 0
    with (directory / f"{table.name}.ndjson").open(encoding="utf-8") as lines:
        while some := list(islice(lines, _AT_ONCE)):
            connection.execute(insert(table), [_read(table, json.loads(line)) for line in some])
            rows += len(some)
    if rows and connection.dialect.name == "postgresql":
        _number_on(connection, table)
    return rows


def _number_on(connection: Connection, table: Table) -> None:
    """PostgreSQL numbers new rows from a sequence, which does not see rows that bring a number."""
    if table.autoincrement_column is not None:
        highest = f"SELECT max({table.autoincrement_column.name}) FROM {table.name}"
        named = {"table": table.name, "column": table.autoincrement_column.name}
        sequence = "pg_get_serial_sequence(:table, :column)"
        connection.execute(text(f"SELECT setval({sequence}, ({highest}))"), named)


def _written(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _read(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(table.c[name], value) for name, value in row.items()}


def _value(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, Instant):
        return datetime.fromisoformat(value)
    if isinstance(column.type, LargeBinary):
        return base64.b64decode(value)
    return Decimal(value) if isinstance(column.type, Amount) else value
