"""Reading an OCEL 2.0 log in its SQLite form (https://www.ocel-standard.org/specification/)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from threadline.store.foreign import ForeignFile, UnreadableFile

ID, TYPE, TIME, CHANGED = "ocel_id", "ocel_type", "ocel_time", "ocel_changed_field"
REQUIRED = {
    "event": (ID, TYPE),
    "object": (ID, TYPE),
    "event_map_type": (TYPE, "ocel_type_map"),
    "object_map_type": (TYPE, "ocel_type_map"),
    "event_object": ("ocel_event_id", "ocel_object_id", "ocel_qualifier"),
    "object_object": ("ocel_source_id", "ocel_target_id", "ocel_qualifier"),
}

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Ocel:
    """A whole log in memory, in the file's order, everything as the file has it.

    `events` and `objects` lead from an id to its type; `rows` and `states` hold the attributes and
    the bare `ocel_time` of each, an object's in the order they are written. `participants` are
    (object id, qualifier) of an event; `relations` are (source id, target id, qualifier).
    By type, `event_attributes` and `object_attributes` have the declared types of attributes, where
    the format declares any.
    """

    event_types: tuple[str, ...]
    object_types: tuple[str, ...]
    events: Mapping[str, str]
    objects: Mapping[str, str]
    rows: Mapping[str, Row]
    states: Mapping[str, Sequence[Row]]
    participants: Mapping[str, Sequence[tuple[str, str]]]
    relations: Sequence[tuple[str, str, str]]
    event_attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    object_attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def empty_event_types(self) -> tuple[str, ...]:
        """Event types that are declared and never occur."""
        occurring = set(self.events.values())
        return tuple(name for name in self.event_types if name not in occurring)

    def event_objects(self) -> int:
        """How many event-object relations there are."""
        return sum(len(pairs) for pairs in self.participants.values())


def read(path: Path) -> Ocel:
    """The log in the SQLite file `path`; raises `UnreadableFile` where it is no such log."""
    with ForeignFile.open(path) as file:
        tables = file.tables()
        _demand(path, tables)
        event_types = _names(file, "event_map_type")
        object_types = _names(file, "object_map_type")
        event_rows = _attributes(file, tables, "event", event_types)
        object_rows = _attributes(file, tables, "object", object_types)
        return Ocel(
            event_types=tuple(event_types),
            object_types=tuple(object_types),
            events=_names(file, "event"),
            objects=_names(file, "object"),
            rows={name: rows[0] for name, rows in event_rows.items()},
            states=object_rows,
            participants=_participants(file),
            relations=[*map(_texts, file.rows("object_object", *REQUIRED["object_object"]))],
        )


def _demand(path: Path, tables: Mapping[str, tuple[str, ...]]) -> None:
    for table, columns in REQUIRED.items():
        missing = set(columns) - set(tables.get(table, ()))
        if missing:
            gone = f"column {min(missing)}" if table in tables else "table"
            reason = f"it is no OCEL 2.0 log: {gone} missing ({table})"
            raise UnreadableFile(path, reason)


def _names(file: ForeignFile, table: str) -> dict[str, str]:
    return {str(key): str(value) for key, value in file.rows(table, *REQUIRED[table])}


def _attributes(
    file: ForeignFile, tables: Mapping[str, tuple[str, ...]], kind: str, types: Mapping[str, str]
) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for suffix in types.values():
        table = f"{kind}_{suffix}"
        for row in _rows(file, table, tables.get(table, ())):
            found[str(row[ID])].append(row)
    return found


def _rows(file: ForeignFile, table: str, columns: tuple[str, ...]) -> Iterator[Row]:
    if ID in columns:
        for row in file.rows(table, *columns):
            yield dict(zip(columns, row, strict=True))


def _participants(file: ForeignFile) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in file.rows("event_object", *REQUIRED["event_object"]):
        event, thing, qualifier = _texts(row)
        found[event].append((thing, qualifier))
    return found


def _texts(row: Sequence[Any]) -> tuple[str, str, str]:
    # Ids are numbers in some files' tables and text in others'.
    first, second, third = ("" if value is None else str(value) for value in row)
    return first, second, third
