"""The mapping file of a nightly file: what its columns say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from threadline import definitions
from threadline.definitions import Document
from threadline.errors import DefinitionErrors

SCHEMA = Path(__file__).parent / "rows.schema.json"

Fault = tuple[tuple[str | int, ...], str]


@dataclass(frozen=True, kw_only=True)
class RowMapping:
    """A checked mapping file; its columns are held against a file's by `require`.

    `type_column` is empty where every row is of `type_value`. `type_values` leads from a cell to an
    event name; empty: the cell is the name. `time_format` is one of `strptime`; empty: ISO 8601.
    `version_column` is empty where the content of a row is its version.
    """

    format: str
    source: str
    delimiter: str
    zone: ZoneInfo
    type_value: str
    type_column: str
    type_values: Mapping[str, str]
    time_column: str
    time_format: str
    key: tuple[str, ...]
    version_column: str
    attributes: Mapping[str, str]
    document: Document

    def require(self, columns: Sequence[str]) -> None:
        """Raise `DefinitionErrors` unless a file with these columns has all that are named here,
        and no two of them end up under one name."""
        found = [*self._missing(columns), *self._shared(columns)]
        if found:
            raise DefinitionErrors([self.document.error(path, rule) for path, rule in found])

    def _missing(self, columns: Sequence[str]) -> Iterator[Fault]:
        named: list[tuple[tuple[str | int, ...], str]] = [
            (("type", "column"), self.type_column),
            (("time", "column"), self.time_column),
            (("version", "column"), self.version_column),
            *((("key", place), column) for place, column in enumerate(self.key)),
            *((("attributes", column), column) for column in self.attributes),
        ]
        for path, column in named:
            if column and column not in columns:
                known = ", ".join(repr(each) for each in columns)
                yield path, f"the file has no column {column!r}; it has {known}"

    def _shared(self, columns: Sequence[str]) -> Iterator[Fault]:
        taken: dict[str, str] = {}
        for column in columns:
            name = self.attributes.get(column, column)
            other = taken.setdefault(name, column)
            if other != column:
                named = column if column in self.attributes else other
                yield ("attributes", named), f"columns {other!r} and {column!r} are both {name!r}"


def read(file: Path) -> RowMapping:
    """The mapping in `file`; raises `DefinitionErrors` naming file, line, key and rule."""
    document = definitions.read(file, definitions.schema(SCHEMA))
    found = [document.error(path, rule) for path, rule in _faults(document.content)]
    if found:
        raise DefinitionErrors(found)
    given = document.content
    return RowMapping(
        format=given["format"],
        source=given["source"],
        delimiter=given.get("delimiter", ","),
        zone=ZoneInfo(given["zone"]),
        type_value=given["type"].get("value", ""),
        type_column=given["type"].get("column", ""),
        type_values=given["type"].get("values", {}),
        time_column=given["time"]["column"],
        time_format=given["time"].get("format", ""),
        key=tuple(given["key"]),
        version_column=given.get("version", {}).get("column", ""),
        attributes=given.get("attributes", {}),
        document=document,
    )


def _faults(given: Mapping[str, Any]) -> Iterator[Fault]:
    try:
        ZoneInfo(given["zone"])
    except (LookupError, OSError, ValueError):
        yield ("zone",), f"{given['zone']!r} is no IANA time zone"
    taken: dict[str, str] = {}
    for column, attribute in given.get("attributes", {}).items():
        other = taken.setdefault(attribute, column)
        if other != column:
            yield ("attributes", column), f"{other!r} is already called {attribute!r}"
