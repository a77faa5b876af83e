"""What an exported log consists of, and where it lies until its types are known."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

# What XML cannot say at all.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAKS = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}

Shown = Callable[[Mapping[str, Any]], Mapping[str, Any]]  # what of attributes may be seen
Types = Mapping[str, Mapping[str, str]]  # by type, the type of each of its attributes


class Related(NamedTuple):
    """An object by its id and type, and in which way."""

    id: str
    qualifier: str
    type: str


class Event(NamedTuple):
    """What happened at `time`, RFC 3339; `case` is the trace it lies in, where there are traces."""

    id: str
    type: str
    time: str
    attributes: Mapping[str, Any]
    objects: Sequence[Related]
    case: str = ""


class Thing(NamedTuple):
    """An object: (attribute, time, value), and those it relates to."""

    id: str
    type: str
    attributes: Sequence[Sequence[Any]]
    objects: Sequence[Related]


@dataclass(kw_only=True)
class Log:
    """A log on disk, in `directory`: written once, then read as often as a format needs.

    Formats name all types and their attributes first, and these are known last. Memory holds the
    types only.
    """

    directory: Path
    event_types: dict[str, dict[str, str]] = field(default_factory=dict)
    object_types: dict[str, dict[str, str]] = field(default_factory=dict)
    events: int = 0
    objects: int = 0
    untimed: int = 0

    def __post_init__(self) -> None:
        self._events = (self.directory / "events").open("w+", encoding="utf-8")
        self._objects = (self.directory / "objects").open("w+", encoding="utf-8")

    def add_event(self, event: Event, types: Mapping[str, str] = MappingProxyType({})) -> None:
        """Write an event down; attributes that are not in `types` have those of their values."""
        declared = self.event_types.setdefault(event.type, {})
        _declare(declared, event.attributes.items(), types)
        self._events.write(json.dumps(event) + "\n")
        self.events += 1

    def add_object(self, thing: Thing, types: Mapping[str, str] = MappingProxyType({})) -> None:
        """Write an object down; `types` as above."""
        declared = self.object_types.setdefault(thing.type, {})
        _declare(declared, ((name, value) for name, _, value in thing.attributes), types)
        self._objects.write(json.dumps(thing) + "\n")
        self.objects += 1

    def all_events(self) -> Iterator[Event]:
        """Every event, in the order written."""
        self._events.seek(0)
        return (
            event._replace(objects=_related(event.objects))
            for event in (Event(*json.loads(line)) for line in self._events)
        )

    def all_objects(self) -> Iterator[Thing]:
        """Every object, in the order written."""
        self._objects.seek(0)
        return (
            thing._replace(objects=_related(thing.objects))
            for thing in (Thing(*json.loads(line)) for line in self._objects)
        )

    def close(self) -> None:
        """Let go of the files; `directory` is the caller's."""
        self._events.close()
        self._objects.close()


def _related(read: Iterable[Sequence[str]]) -> list[Related]:
    return [Related(*one) for one in read]


def _declare(
    declared: dict[str, str], values: Iterable[tuple[str, Any]], types: Mapping[str, str]
) -> None:
    for name, value in values:
        kind = types.get(name) or _kind(value)
        known = declared.setdefault(name, kind)
        if known != kind:
            declared[name] = "float" if {known, kind} == {"float", "integer"} else "string"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "float" if isinstance(value, float) else "string"


def written(value: Any) -> str:
    """A value as text: what is no scalar as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def instant(at: datetime) -> str:
    """RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def attribute(text: str) -> str:
    """Text as the quoted value of an XML attribute; line breaks and tabs stay what they are."""
    return quoteattr(_NO_XML.sub("\ufffd", text), _BREAKS)


def content(text: str) -> str:
    """Text between the tags of XML."""
    return escape(_NO_XML.sub("\ufffd", text), {"\r": "&#13;"})
