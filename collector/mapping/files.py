"""Loading mappings from files: ours, extended or replaced by name from a user's directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from collector.mapping.references import faults
from collector.mapping.types import Mapping, parse
from threadline import definitions
from threadline.definitions import Document
from threadline.errors import DefinitionErrors

SHIPPED = Path(__file__).parent.parent

OBJECTS_SCHEMA = SHIPPED / "objects.schema.json"
SOURCES_SCHEMA = SHIPPED / "sources.schema.json"

# What makes two items of a list the same item, so that a later file replaces an earlier one's.
_SAME_ITEM: dict[str, Callable[[Any], Any]] = {
    "same_as": lambda item: (item["object"], tuple(sorted(item["namespaces"]))),
    "relations": lambda item: (item["name"], item["from"], item["to"]),
    "retractions": lambda item: item,
}


def load(user: Path | None = None, shipped: Path = SHIPPED) -> Mapping:
    """The mapping of `objects.yaml` and `sources/*.yaml` in `shipped` and then in `user`.

    An object, namespace, attribute, tie, mastered attribute or source file in `user` adds to the
    shipped ones or replaces the one of its name. Raises `DefinitionErrors` naming file, line, key
    and rule of every fault, of single files and of references between them.
    """
    directories = [shipped] if user is None else [shipped, user]
    documents = list(_documents(directories))
    content = {"objects": merged([d.content for d in documents]), "sources": _sources(directories)}
    # Shipped entries may speak of a shipped source that the user has replaced.
    sources = (*_sources([shipped]).values(), *content["sources"].values())
    systems = {source["system"] for source in sources}
    found = [e for each in documents for e in faults(each, content["objects"], systems)]
    if found:
        raise DefinitionErrors(found)
    return parse(content)


def merged(contents: list[dict[str, Any]]) -> dict[str, Any]:
    """Contents of several objects files as one; a later entry replaces an earlier of its name."""
    whole: dict[str, Any] = {}
    for content in contents:
        for section, entries in content.items():
            if section in _SAME_ITEM:
                name = _SAME_ITEM[section]
                known = {name(item): item for item in whole.get(section, [])}
                whole[section] = list((known | {name(item): item for item in entries}).values())
            else:
                whole[section] = whole.get(section, {}) | entries
    return whole


def _documents(directories: list[Path]) -> Iterator[Document]:
    schema = definitions.schema(OBJECTS_SCHEMA)
    for file in (directory / "objects.yaml" for directory in directories):
        if file.exists():
            yield definitions.read(file, schema)


def _sources(directories: list[Path]) -> dict[str, Any]:
    schema = definitions.schema(SOURCES_SCHEMA)
    read: dict[str, Any] = {}
    errors = []
    for file in definitions.files(*(directory / "sources" for directory in directories)):
        try:
            read[file.stem] = definitions.read(file, schema).content
        except DefinitionErrors as broken:
            errors += broken.errors
    if errors:
        raise DefinitionErrors(errors)
    return read
