"""The records of a table, cell by cell as text: of a CSV or of a Parquet file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import chain
from pathlib import Path

import polars as pl

from threadline.store.foreign import UnreadableFile

SLICE = 10_000  # rows of a Parquet file that are taken apart at once


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record, and the line it begins on; `cells` is None where no cells could be told."""

    line: int
    cells: list[str] | None


def of_csv(file: Path, delimiter: str) -> Iterator[Record]:
    """Every record but blank lines, the header first; raises `UnreadableFile`."""
    try:
        # A byte order mark is no part of the first column's name.
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, delimiter=delimiter, strict=True)
            while True:
                line = reader.line_num + 1
                try:
                    cells: list[str] | None = next(reader)
                except StopIteration:
                    return
                except csv.Error:
                    cells = None
                if cells != []:
                    yield Record(line=line, cells=cells)
    except UnicodeDecodeError as error:
        raise UnreadableFile(file, "it is no UTF-8 text: save it as UTF-8") from error
    except OSError as error:
        raise UnreadableFile(file, error.strerror or str(error)) from error


def of_parquet(file: Path) -> Iterator[Record]:
    """The columns' names, then every row: times in ISO 8601, nulls as empty cells.

    Raises `UnreadableFile`, also for columns that hold lists, structures or bytes.
    """
    try:
        table = pl.read_parquet(file)
    except OSError as error:
        raise UnreadableFile(file, error.strerror or str(error)) from error
    except pl.exceptions.PolarsError as error:
        raise UnreadableFile(file, f"it is no Parquet file: {error}") from error
    for name, kind in table.schema.items():
        if kind.is_nested() or kind in (pl.Binary, pl.Object):
            raise UnreadableFile(file, f"column {name!r} holds {kind}, which is no text or number")
    yield Record(line=0, cells=table.columns)
    rows = chain.from_iterable(part.iter_rows() for part in table.iter_slices(SLICE))
    for place, row in enumerate(rows, start=1):
        yield Record(line=place, cells=[_text(cell) for cell in row])


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    return cell.isoformat() if isinstance(cell, (datetime, date, time)) else str(cell)
