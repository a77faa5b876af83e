"""Maintenance windows read from YAML and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from alerts import silences
from alerts.duty import hours
from alerts.duty.loading import instant
from alerts.faults import Faults
from alerts.maintenance.windows import Maintenance, Once, Recurring, first_day
from threadline import definitions
from threadline.definitions import Document
from threadline.errors import DefinitionError, DefinitionErrors
from threadline.model.silences import Matcher
from threadline.zones import zone

SCHEMA = Path(__file__).parents[1] / "maintenance.schema.json"


@dataclass(frozen=True, kw_only=True)
class Windows:
    """All maintenance windows of a deployment; `contents` are the definitions as written."""

    all: tuple[Maintenance, ...] = ()
    contents: Mapping[str, Any] = field(default_factory=dict)


def load(directories: Sequence[Path]) -> Windows:
    """The windows in `directories`, a later one replacing files of the same name.

    Raises `DefinitionErrors` naming file, line, key and rule.
    """
    errors: list[DefinitionError] = []
    loaded: dict[str, Maintenance] = {}
    contents: dict[str, Any] = {}
    for document in definitions.documents(definitions.files(*directories), SCHEMA, errors):
        faults, name = Faults(document), document.content["maintenance"]
        if name in loaded:
            faults.add(("maintenance",), "is already the name of another window")
        for one in _read(document, faults):
            loaded[name], contents[name] = one, document.content
        errors += faults.found
    if errors:
        raise DefinitionErrors(errors)
    return Windows(all=tuple(loaded.values()), contents=contents)


def _read(document: Document, faults: Faults) -> Iterator[Maintenance]:
    raw = document.content
    matchers = list(_matchers(raw["matchers"], faults))
    with faults.at("zone"):
        zone(raw["zone"])
        yield from _window(raw, matchers, faults)


def _window(
    raw: Mapping[str, Any], matchers: Sequence[Matcher], faults: Faults
) -> Iterator[Maintenance]:
    (kind,) = {"once", "weekly", "recurring"} & raw.keys()
    with faults.at(kind):
        yield Maintenance(
            name=raw["maintenance"],
            why=raw["why"],
            matchers=tuple(matchers),
            when=_when(kind, raw[kind], raw["zone"]),
        )


def _matchers(texts: Sequence[str], faults: Faults) -> Iterator[Matcher]:
    read = []
    for index, text in enumerate(texts):
        with faults.at("matchers", index):
            read.append(silences.parse(text))
    if len(read) == len(texts):
        for rule in silences.of_matchers(read):
            faults.add(("matchers",), rule)
    yield from read


def _when(kind: str, raw: Mapping[str, Any], place: str) -> Once | Recurring:
    if kind == "once":
        once = Once(starts_at=instant(raw["from"], place), ends_at=instant(raw["to"], place))
        if not once.starts_at < once.ends_at <= once.starts_at + silences.LONGEST:
            raise ValueError(f"to: has to be after from, {silences.LONGEST.days} days at most")
        return once
    opens, closes = hours.clock(raw["from"]), hours.clock(raw["to"])
    if kind == "weekly":
        days = frozenset(hours.WEEKDAYS.index(day) for day in raw["weekdays"])
        return Recurring(zone=place, opens=opens, closes=closes, weekdays=days)
    start = date.fromisoformat(raw["start"])
    if first_day(raw["rule"], start) is None:
        raise ValueError("rule: names no day at all")
    return Recurring(zone=place, opens=opens, closes=closes, rule=raw["rule"], start=start)
