"""Reading OCEL logs in their JSON forms, versions 2.0 and 1.0."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collector.imports.building import Building
from collector.imports.ocel import Ocel
from threadline.store.foreign import UnreadableFile

_WORDS: Mapping[type, str] = {str: "text", list: "a list", dict: "an object"}
_REQUIRED = ("eventTypes", "objectTypes", "events", "objects")


def read(file: Path, content: bytes) -> Ocel:
    """The log; raises `UnreadableFile` naming the place in the file."""
    try:
        told = json.loads(content)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UnreadableFile(file, f"{place}: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(file, "it is no UTF-8 text: save it as UTF-8") from error
    at = _At(file, "")
    if isinstance(told, dict) and "ocel:events" in told:
        return _version_1(at, told)
    for key in _REQUIRED:
        at.get(told, key, list)
    return _version_2(at, told)


class _At:
    """A place in the file, from which what has to be there is taken."""

    def __init__(self, file: Path, place: str) -> None:
        self.file, self.place = file, place

    def inside(self, step: str) -> _At:
        return _At(self.file, f"{self.place}{step}")

    def get(self, told: Any, key: str, kind: type) -> Any:
        value = told.get(key) if isinstance(told, dict) else None
        if not isinstance(value, kind):
            wanted = f"needs {key!r}, {_WORDS[kind]}"
            raise UnreadableFile(self.file, f"{self.place or 'the log'}: {wanted}")
        return value


def _version_2(at: _At, told: Mapping[str, Any]) -> Ocel:
    log = Building(
        file=at.file,
        event_types=_types(at.inside("eventTypes"), told["eventTypes"]),
        object_types=_types(at.inside("objectTypes"), told["objectTypes"]),
    )
    for number, one in enumerate(told["objects"]):
        here = at.inside(f"objects[{number}]")
        name, kind = here.get(one, "id", str), here.get(one, "type", str)
        attributes = [
            (here.get(given, "name", str), here.get(given, "time", str), given.get("value"))
            for given in one.get("attributes") or ()
        ]
        log.thing(name, kind, attributes, _related(here, one), here.place)
    for number, one in enumerate(told["events"]):
        here = at.inside(f"events[{number}]")
        name, kind = here.get(one, "id", str), here.get(one, "type", str)
        attributes_of = {
            here.get(given, "name", str): given.get("value")
            for given in one.get("attributes") or ()
        }
        time = here.get(one, "time", str)
        log.event(name, kind, time, attributes_of, _related(here, one), here.place)
    return log.built()


def _types(at: _At, told: list[Any]) -> dict[str, dict[str, str]]:
    found = {}
    for number, one in enumerate(told):
        here = at.inside(f"[{number}]")
        found[here.get(one, "name", str)] = {
            here.get(given, "name", str): str(given.get("type", "string"))
            for given in one.get("attributes") or ()
        }
    return found


def _related(at: _At, one: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (at.get(given, "objectId", str), at.get(given, "qualifier", str))
        for given in one.get("relationships") or ()
    ]


def _version_1(at: _At, told: Mapping[str, Any]) -> Ocel:
    """Version 1.0 knows no qualifiers, no relations of objects, and no times of attributes."""
    log = Building(file=at.file, event_types={}, object_types={})
    for name, one in at.get(told, "ocel:objects", dict).items():
        here = at.inside(f"ocel:objects[{name!r}]")
        values = one.get("ocel:ovmap") or {} if isinstance(one, dict) else {}
        attributes = [(key, None, value) for key, value in values.items()]
        log.thing(name, here.get(one, "ocel:type", str), attributes, (), here.place)
    for name, one in at.get(told, "ocel:events", dict).items():
        here = at.inside(f"ocel:events[{name!r}]")
        kind, time = here.get(one, "ocel:activity", str), here.get(one, "ocel:timestamp", str)
        objects = [(str(thing), "") for thing in here.get(one, "ocel:omap", list)]
        log.event(name, kind, time, one.get("ocel:vmap") or {}, objects, here.place)
    return log.built()
