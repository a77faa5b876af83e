"""Rows of a nightly CSV or Parquet file as CloudEvents.

A row's id is `<its key>@<its version>`: the key columns' cells as written, joined by `|`, and the
version column's cell or, where there is none, the first 16 hex digits of the SHA-256 of the row:
its cells that are not empty, as a JSON object by column name in sorted order, without blanks, in
UTF-8. So neither the mapping nor the order of columns nor a new empty column changes an id, and
tonight's unchanged rows are last night's facts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from collector.imports import records
from collector.imports.records import Record
from collector.imports.row_mapping import RowMapping
from threadline.store.foreign import UnreadableFile

UNCLOSED = 'a quote is not closed, or not doubled inside quotes: write "" for one'

CloudEvent = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """What is wrong with one row, 1-based `line` of its first character, and what mends it.

    Of Parquet, which has no lines, it is the row's, the first being 1.

    `sent` is false for a row that has no name or no type: nothing of it was sent. A row whose time
    cannot be read is sent without one.
    """

    line: int
    column: str
    rule: str
    sent: bool


Converted = tuple[CloudEvent | None, Complaint | None]


class Rows:
    """The rows of one file under one mapping.

    Opening reads the file once. Raises `UnreadableFile` when it is not of its format or has no
    usable header, and `DefinitionErrors` when the mapping does not fit its columns.
    """

    def __init__(self, file: Path, mapping: RowMapping) -> None:
        self._file, self._mapping = file, mapping
        found = self._records()
        self.columns = self._header(next(found, None))
        mapping.require(self.columns)
        self.source = mapping.source
        self.count = sum(1 for _ in found)

    def converted(self) -> Iterator[Converted]:
        """Every row in the file's order, as its event, its complaint, or both."""
        found = self._records()
        next(found)
        for row in found:
            yield self._convert(row)

    def _convert(self, row: Record) -> Converted:
        if row.cells is None:
            return None, Complaint(line=row.line, column="", rule=UNCLOSED, sent=False)
        if len(row.cells) != len(self.columns):
            rule = f"has {len(row.cells)} cells where the header has {len(self.columns)}"
            rule += ": quote what holds the delimiter"
            return None, Complaint(line=row.line, column="", rule=rule, sent=False)
        cells = {c: cell for c, cell in zip(self.columns, row.cells, strict=True) if cell}
        fault = self._nameless(cells)
        if fault:
            column, rule = fault
            return None, Complaint(line=row.line, column=column, rule=rule, sent=False)
        at, rule = self._time(cells.get(self._mapping.time_column, ""))
        event = self._event(cells, at)
        if at is not None:
            return event, None
        column = self._mapping.time_column
        return event, Complaint(line=row.line, column=column, rule=rule, sent=True)

    def _nameless(self, cells: Mapping[str, str]) -> tuple[str, str] | None:
        """The column that keeps a row from having an id and a type, and what it has to say."""
        for column in self._mapping.key:
            if not cells.get(column, "").strip():
                return column, "is empty, and names the row: fill it in"
            if "|" in cells[column] and len(self._mapping.key) > 1:
                return column, "holds a |, which joins the parts of a key: write another character"
        column, values = self._mapping.type_column, self._mapping.type_values
        kind = cells.get(column, "")
        if column and not kind.strip():
            return column, "is empty, and says what the row is: fill it in"
        if column and values and kind not in values:
            return column, f"is {kind!r}: add it to type.values of the mapping"
        return None

    def _event(self, cells: Mapping[str, str], at: datetime | None) -> CloudEvent:
        rules = self._mapping
        kind = cells.get(rules.type_column, "")
        event: CloudEvent = {
            "specversion": "1.0",
            "id": f"{'|'.join(cells[column] for column in rules.key)}@{self._version(cells)}",
            "source": rules.source,
            "type": rules.type_value or rules.type_values.get(kind, kind),
            "datacontenttype": "application/json",
            "data": {rules.attributes.get(column, column): cell for column, cell in cells.items()},
        }
        return event | ({"time": at.isoformat().replace("+00:00", "Z")} if at else {})

    def _version(self, cells: Mapping[str, str]) -> str:
        return cells.get(self._mapping.version_column) or content_hash(cells)

    def _time(self, text: str) -> tuple[datetime | None, str]:
        """The instant in UTC, or None and what is asked for.

        A local time that the clocks skipped is read as if they had not been put forward yet; of
        one that came twice the first is meant.
        """
        rules = self._mapping
        try:
            if rules.time_format:
                at = datetime.strptime(text, rules.time_format)  # noqa: DTZ007  # zoned below
            else:
                at = datetime.fromisoformat(text)
            return (at if at.tzinfo else at.replace(tzinfo=rules.zone)).astimezone(UTC), ""
        except (ValueError, OverflowError):
            wanted = rules.time_format or "ISO 8601"
            return None, f"is {text!r}: write a time as {wanted}, or set time.format in the mapping"

    def _header(self, row: Record | None) -> list[str]:
        """The columns' names; one that has none is called by its place, such as `column 1`."""
        columns = list(row.cells or []) if row else []
        if not any(column.strip() for column in columns):
            raise UnreadableFile(self._file, "the first row has to name the columns")
        for place, column in enumerate(columns):
            columns[place] = column if column.strip() else f"column {place + 1}"
        for column in columns:
            if columns.count(column) > 1:
                raise UnreadableFile(self._file, f"two columns are called {column!r}")
        return columns

    def _records(self) -> Iterator[Record]:
        """Every record but blank lines, the header first."""
        if self._mapping.format == "parquet":
            return records.of_parquet(self._file)
        return records.of_csv(self._file, self._mapping.delimiter)


def content_hash(cells: Mapping[str, str]) -> str:
    """The version of a row that names none."""
    text = json.dumps(cells, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:16]
