"""Files in, frozen definitions out; every fault of all files is said at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from metrics.calendars import Calendar
from metrics.definitions.calendars import calendar
from metrics.definitions.faults import Faults
from metrics.definitions.journeys import journey
from metrics.definitions.kpis import kpi
from threadline import definitions
from threadline.definitions import Document
from threadline.model.journeys import Journey
from threadline.model.kpis import Kpi

SHIPPED = Path(__file__).parents[1]
T = TypeVar("T")
KINDS = {"calendars": "calendar", "journeys": "journey", "kpis": "kpi"}  # folder: key of its name


@dataclass(frozen=True, kw_only=True)
class Definitions:
    """Everything the metrics room goes by. `content` is JSON-able and enough to `restore` it."""

    journeys: Mapping[str, Journey]
    kpis: Mapping[str, Kpi]
    calendars: Mapping[str, Calendar]
    content: Mapping[str, Any]

    @cached_property
    def digest(self) -> str:
        """The same for the same meaning; public holidays are pinned by their library's version."""
        return _digest(self.content)

    @cached_property
    def wanted(self) -> frozenset[str]:
        """The attributes of facts that any journey reads."""
        empty: frozenset[str] = frozenset()
        return empty.union(*(journey.wanted for journey in self.journeys.values()))

    @cached_property
    def event_names(self) -> frozenset[str]:
        """The event and span names any journey looks for; they may hold `*`."""
        journeys = self.journeys.values()
        matchers = [matcher for journey in journeys for matcher in journey.matchers()]
        return frozenset(name for matcher in matchers for name in matcher.names)


def load(*directories: Path, shipped: bool = True) -> Definitions:
    """The definitions in `journeys/`, `kpis/` and `calendars/` of each directory, ours first.

    A later directory adds files, or replaces one by its name. Raises `DefinitionErrors` with file,
    line, key and rule of every fault.
    """
    places = [SHIPPED, *directories] if shipped else list(directories)
    documents: dict[str, list[Document]] = {}
    faults = Faults()
    for kind in KINDS:
        schema = definitions.schema(SHIPPED / f"{kind}.schema.json")
        documents[kind] = []
        for file in definitions.files(*(place / kind for place in places)):
            with faults.collected():
                documents[kind].append(definitions.read(file, schema))
    faults.raise_any()
    return _build(documents, version("holidays"))


def restore(content: Mapping[str, Any]) -> Definitions:
    """The definitions of this `content`; raises `DefinitionErrors` if it is no longer valid."""
    documents = {
        kind: [
            Document(file=Path(kind) / f"{name}.yaml", content=raw, lines={})
            for name, raw in content[kind].items()
        ]
        for kind in KINDS
    }
    return _build(documents, content["holidays"])


def _build(documents: Mapping[str, list[Document]], holidays: str) -> Definitions:
    faults = Faults()
    content: dict[str, Any] = {"holidays": holidays}
    for kind, key in KINDS.items():
        content[kind] = {document.file.stem: document.content for document in documents[kind]}
        for document in documents[kind]:
            if document.content[key] != document.file.stem:
                faults.add(document, (key,), "must be the file's name without .yaml")
    calendars = _each(documents["calendars"], calendar, faults)
    rules = _digest({key: content[key] for key in ("calendars", "holidays")})
    journeys = _each(
        documents["journeys"],
        lambda d: journey(d, calendars, _digest([rules, d.content])[:12]),
        faults,
    )
    kpis = _each(documents["kpis"], lambda d: kpi(d, journeys), faults)
    faults.raise_any()
    return Definitions(journeys=journeys, kpis=kpis, calendars=calendars, content=content)


def _each(
    documents: list[Document], build: Callable[[Document], T], faults: Faults
) -> dict[str, T]:
    built: dict[str, T] = {}
    for document in documents:
        with faults.collected():
            built[document.file.stem] = build(document)
    return built


def _digest(content: Any) -> str:
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
