"""The mapping file of an import: what an object-centric log's types are called here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from threadline import definitions
from threadline.definitions import Document
from threadline.errors import DefinitionErrors

SCHEMA = Path(__file__).parent / "import.schema.json"

Fault = tuple[tuple[str, ...], str]


@dataclass(frozen=True, kw_only=True)
class ImportedType:
    """One object type of the log.

    `name` is its name in `objects.yaml`. `owner`, if it has one, is the owner's type in the log and
    the qualifier of the relation that says so. `relations` leads from a qualifier to the type at
    its other end; events carry over along those in `carriers`. A type that never links asserts no
    ties.
    """

    name: str
    owner: tuple[str, str] | None
    relations: Mapping[str, str]
    carriers: frozenset[str]
    links: bool
    attributes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ImportMapping:
    """A checked mapping file; `document` is None where there is none.

    `zone` is that of bare times; `events` renames attributes by type.
    """

    source: str
    zone: ZoneInfo
    root: str
    journey: str
    objects: Mapping[str, ImportedType]
    events: Mapping[str, Mapping[str, str]]
    document: Document | None

    def require(self, types: Collection[str]) -> None:
        """Raise `DefinitionErrors` unless exactly these object types of the log are mapped."""
        if self.document is None:
            return
        missing = [
            self.document.error(("objects",), f"must name the log's object type {name!r}")
            for name in sorted(set(types) - set(self.objects))
        ]
        unknown = [
            self.document.error(("objects", name), "the log has no such object type")
            for name in self.objects
            if name not in types
        ]
        if missing or unknown:
            raise DefinitionErrors(missing + unknown)

    def asserts(self, source: str, qualifier: str, target: str) -> bool:
        """Whether a relation of the log is one that may tie its two ends together."""
        starts, ends = self.objects[source], self.objects[target]
        return (
            starts.relations.get(qualifier) == target
            or starts.owner == (target, qualifier)
            or ends.owner == (source, qualifier)
            or not (starts.links and ends.links)
        )


def plain(file: Path, types: Collection[str]) -> ImportMapping:
    """For a log that comes without a mapping: every type by its own name, in small letters.

    The source is `/import/<the file's name up to its first dot>`, so that one log in several
    formats is the same facts. Nothing is owned or tied, and bare times are UTC.
    """
    stem = file.name.partition(".")[0]
    names: dict[str, str] = {}
    for kind in types:
        name = re.sub("[^a-z0-9]+", "_", kind.lower()).strip("_") or "object"
        name = name if name[0].isalpha() else f"object_{name}"
        taken = set(names.values())
        names[kind] = next(
            n for n in chain([name], map(f"{name}_{{}}".format, count(2))) if n not in taken
        )
    return ImportMapping(
        source=f"/import/{quote(stem)}",
        zone=ZoneInfo("UTC"),
        root=next(iter(names), ""),
        journey="",
        objects={
            kind: ImportedType(
                name=name, owner=None, relations={}, carriers=frozenset(), links=True, attributes={}
            )
            for kind, name in names.items()
        },
        events={},
        document=None,
    )


def read(file: Path) -> ImportMapping:
    """The mapping in `file`; raises `DefinitionErrors` naming file, line, key and rule."""
    document = definitions.read(file, definitions.schema(SCHEMA))
    found = [document.error(path, rule) for path, rule in _faults(document.content)]
    if found:
        raise DefinitionErrors(found)
    given = document.content
    return ImportMapping(
        source=given["source"],
        zone=ZoneInfo(given["zone"]),
        root=given["root"],
        journey=given.get("journey", ""),
        objects={name: _type(entry) for name, entry in given["objects"].items()},
        events={name: entry["attributes"] for name, entry in given.get("events", {}).items()},
        document=document,
    )


def _type(entry: Mapping[str, Any]) -> ImportedType:
    relations = entry.get("relations", {})
    owner = entry.get("owner")
    return ImportedType(
        name=entry["as"],
        owner=(owner["type"], owner["qualifier"]) if owner else None,
        relations={qualifier: given["to"] for qualifier, given in relations.items()},
        carriers=frozenset(q for q, given in relations.items() if given.get("carries_events")),
        links=entry.get("links") != "never",
        attributes=entry.get("attributes", {}),
    )


def _faults(given: Mapping[str, Any]) -> Iterator[Fault]:
    objects = given["objects"]
    try:
        ZoneInfo(given["zone"])
    except (LookupError, OSError, ValueError):
        yield ("zone",), f"{given['zone']!r} is no IANA time zone"
    if given["root"] not in objects:
        yield ("root",), "must be one of objects"
    yield from _shared_names(objects)
    for name, entry in objects.items():
        yield from _type_faults(name, entry, given)


def _shared_names(objects: Mapping[str, Any]) -> Iterator[Fault]:
    taken: dict[str, str] = {}
    for name, entry in objects.items():
        other = taken.setdefault(entry["as"], name)
        if other != name:
            yield ("objects", name, "as"), f"{other!r} is already called {entry['as']!r}"


def _type_faults(name: str, entry: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Fault]:
    here, objects = ("objects", name), given["objects"]
    if entry.get("links") == "never" and (entry.keys() & {"owner", "relations"}):
        yield here, "links: never excludes owner and relations"
    if "owner" in entry and given["root"] not in _owners(name, objects):
        yield (*here, "owner", "type"), f"does not lead to the root {given['root']!r}"
    for qualifier, relation in entry.get("relations", {}).items():
        path = (*here, "relations", qualifier, "to")
        if relation["to"] not in objects:
            yield path, f"unknown object type {relation['to']!r}"
        elif objects[relation["to"]].get("links") == "never":
            yield path, f"{relation['to']!r} never links"


def _owners(name: str, objects: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    owner = objects[name].get("owner")
    while owner and owner["type"] not in found:
        found.add(owner["type"])
        owner = objects.get(owner["type"], {}).get("owner")
    return found
