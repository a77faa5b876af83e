"""Files in, frozen definitions out; every fault of all files is said at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
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
from metrics.definitions.rates import rate_table
from metrics.definitions.versions import Activation, JourneyVersion, versions
from threadline import definitions
from threadline.definitions import Document
from threadline.model.journeys import Journey, Step
from threadline.model.kpis import Kpi
from threadline.model.rates import RateTable

SHIPPED = Path(__file__).parents[1]
T = TypeVar("T")
KINDS = {"calendars": "calendar", "journeys": "journey", "kpis": "kpi"}  # folder: key of its name
RATES = "rates.yaml"


@dataclass(frozen=True, kw_only=True)
class Definitions:
    """Everything the metrics room goes by. `content` is JSON-able and enough to `restore` it.

    `journeys` are those in force now; `history` has what was in force before, in the order of time.
    Without `rates` sums of money stand by currency.
    """

    journeys: Mapping[str, Journey]
    kpis: Mapping[str, Kpi]
    calendars: Mapping[str, Calendar]
    content: Mapping[str, Any]
    rates: RateTable | None = None
    history: tuple[Activation, ...] = field(default=(), repr=False)

    @cached_property
    def versions(self) -> Mapping[str, tuple[JourneyVersion, ...]]:
        """Every journey there ever was, by name: its versions in the order of time."""
        if self.history:
            return versions(self.history)
        each = self.journeys.items()
        return {
            name: (JourneyVersion(journey=journey, calendars=self.calendars),)
            for name, journey in each
        }

    @cached_property
    def digest(self) -> str:
        """Changes with whatever makes a case another one; holidays are pinned by their library."""
        told = {
            name: [
                (version.journey.version, str(version.since), str(version.until))
                for version in each
            ]
            for name, each in self.versions.items()
        }
        return _digest(told)

    def known_journey(self, name: str) -> Journey | None:
        """The journey as it is now, or as it last was; None where there never was one."""
        last = self.versions.get(name, ())[-1:]
        return self.journeys.get(name) or next((version.journey for version in last), None)

    def known_step(self, journey: str, step: str) -> Step | None:
        """The step as it is now, or as it last was: cases of older versions still have it."""
        known = self.known_journey(journey)
        ever = [known] if known else []
        ever += [version.journey for version in reversed(self.versions.get(journey, ()))]
        return next((each.step(step) for each in ever if step in each.positions), None)

    def after(self, present: Definitions, at: datetime) -> Definitions:
        """These definitions as if they were activated at `at`, after `present`."""
        before = present.history or (_as_activation(present, datetime.fromtimestamp(0, UTC)),)
        return replace(self, history=(*before, _as_activation(self, at)))

    def since(self, activations: Iterable[tuple[datetime, Mapping[str, Any]]]) -> Definitions:
        """These definitions with all that was ever activated: since when, and its content."""
        return replace(self, history=tuple(_activation(*each) for each in activations))

    @cached_property
    def wanted(self) -> frozenset[str]:
        """The attributes of facts that any journey reads."""
        empty: frozenset[str] = frozenset()
        return empty.union(*(journey.wanted for journey in self._ever))

    @cached_property
    def event_names(self) -> frozenset[str]:
        """The event and span names any journey looks for; they may hold `*`."""
        matchers = [matcher for journey in self._ever for matcher in journey.matchers()]
        return frozenset(name for matcher in matchers for name in matcher.names)

    @cached_property
    def _ever(self) -> tuple[Journey, ...]:
        return tuple(version.journey for each in self.versions.values() for version in each)


def load(*directories: Path, shipped: bool = True) -> Definitions:
    """The definitions in `journeys/`, `kpis/` and `calendars/` of each directory, ours first.

    A later directory adds files, or replaces one by its name; its `rates.yaml` is the rate table,
    and there is none without. Raises `DefinitionErrors` with file,
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
    tables = [place / RATES for place in places if (place / RATES).exists()]
    documents["rates"] = []
    for file in tables[-1:]:
        with faults.collected():
            schema = definitions.schema(SHIPPED / "rates.schema.json")
            documents["rates"].append(definitions.read(file, schema))
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
    told = content.get("rates")  # none where a version without them activated it
    documents["rates"] = [Document(file=Path(RATES), content=told, lines={})] if told else []
    return _build(documents, content["holidays"])


def _activation(at: datetime, content: Mapping[str, Any]) -> Activation:
    return _as_activation(restore({**content, "kpis": {}, "rates": {}}), at)


def _as_activation(then: Definitions, at: datetime) -> Activation:
    return Activation(at=at, journeys=then.journeys, calendars=then.calendars)


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
    tables = []
    for document in documents["rates"]:
        with faults.collected():
            tables.append(rate_table(document))
    content["rates"] = documents["rates"][0].content if documents["rates"] else {}
    faults.raise_any()
    return Definitions(
        journeys=journeys,
        kpis=kpis,
        calendars=calendars,
        rates=tables[0] if tables else None,
        content=content,
    )


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
