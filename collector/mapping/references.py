"""Rules between the entries of an objects file that no JSON Schema can express."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from threadline.definitions import Document
from threadline.errors import DefinitionError

Path = tuple[str | int, ...]
Fault = tuple[Path, str]


def faults(
    document: Document, whole: dict[str, Any], systems: Collection[str]
) -> Iterator[DefinitionError]:
    """Broken references of one file; `whole` is what all files together say, `systems` those that
    some source speaks for."""
    own, objects = document.content, whole.get("objects", {})
    found = [
        *_roots(objects),
        *_owners(own.get("objects", {}), objects),
        *_pairs(own.get("same_as", []), objects),
        *_relations(own.get("relations", []), objects),
        *_attributes(own.get("attributes", {}), objects),
        *_namespaces(own.get("namespaces", {}), objects),
        *_mastered(own.get("mastered", {}), objects, systems),
    ]
    yield from (document.error(path, rule) for path, rule in found)


def _roots(objects: dict[str, Any]) -> Iterator[Fault]:
    if not any(given.get("root") for given in objects.values()):
        yield ("objects",), "at least one object type must say root: true"


def _owners(own: dict[str, Any], objects: dict[str, Any]) -> Iterator[Fault]:
    for name, given in own.items():
        here = ("objects", name)
        owners = given.get("owner", [])
        for index, owner in enumerate(owners):
            if owner not in objects:
                yield (*here, "owner", index), f"unknown object type {owner!r}"
            elif objects[owner].get("links") == "never":
                yield (*here, "owner", index), f"{owner!r} never links, so it cannot own"
        if name in _above(name, objects):
            yield (*here, "owner"), f"{name!r} must not own itself through its owners"
        if given.get("links") == "never" and (owners or given.get("root")):
            yield here, "links: never excludes owner and root"
        elif not (given.get("links") or owners or given.get("root")):
            yield here, "needs an owner, root: true or links: never"
        elif not (given.get("links") or given.get("master")):
            yield here, "needs a master, the system of record"
        yield from _bounds(here, given)


def _bounds(here: Path, given: dict[str, Any]) -> Iterator[Fault]:
    for bound in ("valid_from", "valid_to", "reused"):
        if given.get(bound) and given.get("links") == "never":
            yield (*here, bound), "links: never excludes validity, for nothing is tied"
    if given.get("reused") and not given.get("valid_from"):
        yield (
            (*here, "reused"),
            "needs valid_from, which says when an identifier is given out again",
        )
    if given.get("valid_from") and given.get("valid_from") == given.get("valid_to"):
        yield (*here, "valid_to"), "must be another attribute than valid_from"


def _above(name: str, objects: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    ahead = [name]
    while ahead:
        owners = set(objects.get(ahead.pop(), {}).get("owner", [])) - found
        found |= owners
        ahead += owners
    return found


def _pairs(own: list[Any], objects: dict[str, Any]) -> Iterator[Fault]:
    for index, given in enumerate(own):
        yield from _linking(("same_as", index, "object"), given["object"], objects)
        for at, namespace in enumerate(given["namespaces"]):
            path = ("same_as", index, "namespaces", at)
            yield from _namespace(path, given["object"], namespace, objects)


def _relations(own: list[Any], objects: dict[str, Any]) -> Iterator[Fault]:
    for index, given in enumerate(own):
        for end in ("from", "to"):
            yield from _linking(("relations", index, end), given[end], objects)


def _attributes(own: dict[str, Any], objects: dict[str, Any]) -> Iterator[Fault]:
    for name, given in own.items():
        if given["object"] not in objects:
            yield ("attributes", name, "object"), f"unknown object type {given['object']!r}"
        path = ("attributes", name, "namespace")
        yield from _namespace(path, given["object"], given["namespace"], objects)


def _namespaces(own: dict[str, Any], objects: dict[str, Any]) -> Iterator[Fault]:
    known = {namespace for given in objects.values() for namespace in given["namespaces"]}
    for name in own:
        if name not in known:
            yield ("namespaces", name), f"no object type has a namespace {name!r}"


def _mastered(
    own: dict[str, Any], objects: dict[str, Any], systems: Collection[str]
) -> Iterator[Fault]:
    for name, given in own.items():
        here = ("mastered", name)
        yield from _linking((*here, "object"), given["object"], objects)
        named: list[Fault] = [((*here, "master"), given["master"])]
        named += [((*here, "copies", at), copy) for at, copy in enumerate(given["copies"])]
        for path, system in named:
            if system not in systems:
                yield path, f"no source speaks for a system {system!r}"
        if given["master"] in given["copies"]:
            yield (*here, "copies"), f"{given['master']!r} is the master, so it holds no copy"
        for system in given.get("names", {}):
            if system not in (given["master"], *given["copies"]):
                yield (*here, "names", system), f"{system!r} is neither the master nor a copy"


def _linking(path: Path, name: str, objects: dict[str, Any]) -> Iterator[Fault]:
    if name not in objects:
        yield path, f"unknown object type {name!r}"
    elif objects[name].get("links") == "never":
        yield path, f"{name!r} never links"


def _namespace(path: Path, name: str, namespace: str, objects: dict[str, Any]) -> Iterator[Fault]:
    if name in objects and namespace not in objects[name]["namespaces"]:
        yield path, f"{name!r} has no namespace {namespace!r}"
