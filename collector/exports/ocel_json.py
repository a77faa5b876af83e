"""Writing OCEL 2.0 as JSON, valid by the standard's schema, which wants every value as text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO

from collector.exports.logs import Event, Log, Related, Thing, Types, written


def write(log: Log, file: Path) -> None:
    """The whole of `log` into `file`, one event or object at a time."""
    with file.open("w", encoding="utf-8", errors="replace") as out:
        out.write("{")
        _list(out, "objectTypes", _types(log.object_types))
        out.write(",\n")
        _list(out, "eventTypes", _types(log.event_types))
        out.write(",\n")
        _list(out, "objects", map(_object, log.all_objects()))
        out.write(",\n")
        _list(out, "events", map(_event, log.all_events()))
        out.write("}\n")


def _list(out: TextIO, name: str, items: Iterable[Any]) -> None:
    out.write(f'"{name}": [')
    comma = "\n"
    for item in items:
        out.write(comma + json.dumps(item, ensure_ascii=False))
        comma = ",\n"
    out.write("]")


def _types(types: Types) -> Iterable[Any]:
    for name, attributes in types.items():
        told = [{"name": attribute, "type": kind} for attribute, kind in attributes.items()]
        yield {"name": name, "attributes": told}


def _object(thing: Thing) -> Any:
    attributes = [
        {"name": name, "time": time, "value": written(value)}
        for name, time, value in thing.attributes
    ]
    return {
        "id": thing.id,
        "type": thing.type,
        "attributes": attributes,
        "relationships": _related(thing.objects),
    }


def _event(event: Event) -> Any:
    attributes = [{"name": name, "value": written(v)} for name, v in event.attributes.items()]
    return {
        "id": event.id,
        "type": event.type,
        "time": event.time,
        "attributes": attributes,
        "relationships": _related(event.objects),
    }


def _related(objects: Sequence[Related]) -> list[dict[str, str]]:
    return [{"objectId": one.id, "qualifier": one.qualifier} for one in objects]
