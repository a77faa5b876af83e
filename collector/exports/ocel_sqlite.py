"""Writing OCEL 2.0 as SQLite: a table for each type, and those that tie them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any

from collector.exports.logs import Event, Log, Thing, Types, written
from threadline.store.tables_file import TablesFile

_ID, _TIME, _CHANGED = "ocel_id", "ocel_time", "ocel_changed_field"
_SQL = {"integer": "INTEGER", "float": "REAL", "boolean": "BOOLEAN"}
_RELATIONS = {
    "event_object": ("ocel_event_id", "ocel_object_id", "ocel_qualifier"),
    "object_object": ("ocel_source_id", "ocel_target_id", "ocel_qualifier"),
}


def write(log: Log, file: Path) -> None:
    """The whole of `log` into the new `file`, one event or object at a time."""
    with TablesFile.create(file) as tables:
        events, objects = _suffixes(log.event_types), _suffixes(log.object_types)
        _declare(tables, "event", events, log.event_types, {_TIME: "TIMESTAMP"})
        changes = {_TIME: "TIMESTAMP", _CHANGED: "TEXT"}
        _declare(tables, "object", objects, log.object_types, changes)
        for name, columns in _RELATIONS.items():
            keys = dict.fromkeys(columns, "TEXT")
            tables.table(name, keys)
        for event in log.all_events():
            _event(tables, event, events[event.type], log.event_types[event.type])
        for thing in log.all_objects():
            _object(tables, thing, objects[thing.type], log.object_types[thing.type])


def _suffixes(types: Collection[str]) -> dict[str, str]:
    """What the tables of types are called; SQLite takes no notice of capitals."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for kind in types:
        name = re.sub(r"\W+", "_", kind) or "_"
        free = (one for one in chain([name], map(f"{name}_{{}}".format, count(2))))
        found[kind] = next(one for one in free if one.lower() not in taken)
        taken.add(found[kind].lower())
    return found


def _declare(
    tables: TablesFile,
    kind: str,
    suffixes: Mapping[str, str],
    types: Types,
    own: Mapping[str, str],
) -> None:
    tables.table(f"{kind}_map_type", {"ocel_type": "TEXT PRIMARY KEY", "ocel_type_map": "TEXT"})
    tables.insert(f"{kind}_map_type", ("ocel_type", "ocel_type_map"), suffixes.items())
    tables.table(kind, {_ID: "TEXT PRIMARY KEY", "ocel_type": "TEXT"})
    for name, suffix in suffixes.items():
        columns = {one: _SQL.get(told, "TEXT") for one, told in types[name].items()}
        tables.table(f"{kind}_{suffix}", {_ID: "TEXT"} | dict(own) | columns)


def _event(tables: TablesFile, event: Event, suffix: str, types: Mapping[str, str]) -> None:
    tables.insert("event", (_ID, "ocel_type"), [(event.id, event.type)])
    told = {name: _value(value, types[name]) for name, value in event.attributes.items()}
    row = {_ID: event.id, _TIME: event.time} | told
    tables.insert(f"event_{suffix}", [*row], [[*row.values()]])
    _relate(tables, "event_object", event.id, event.objects)


def _object(tables: TablesFile, thing: Thing, suffix: str, types: Mapping[str, str]) -> None:
    """The first values are one row, each later one is a row that names what has changed."""
    tables.insert("object", (_ID, "ocel_type"), [(thing.id, thing.type)])
    first = min((time for _, time, _ in thing.attributes), default="1970-01-01T00:00:00Z")
    row: dict[str, Any] = {_ID: thing.id, _TIME: first}
    later = []
    for name, time, value in thing.attributes:
        told = _value(value, types[name])
        if time == first and name not in row:
            row[name] = told
        else:
            later.append({_ID: thing.id, _TIME: time, _CHANGED: name, name: told})
    for one in (row, *later):
        tables.insert(f"object_{suffix}", [*one], [[*one.values()]])
    _relate(tables, "object_object", thing.id, thing.objects)


def _relate(tables: TablesFile, table: str, name: str, objects: Iterable[Any]) -> None:
    tables.insert(table, _RELATIONS[table], ((name, one.id, one.qualifier) for one in objects))


def _value(value: Any, kind: str) -> Any:
    return value if kind in _SQL and isinstance(value, int | float) else written(value)
