"""Whether what alert rules name is there: KPIs, dimensions, journeys, systems, currencies.

The rooms know nothing of each other, so that only here it can be said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from alerts.policy import Policies, Written
from collector.mapping import Mapping as SourceMapping
from metrics.definitions import Definitions
from metrics.kpis import known_dimensions
from threadline.errors import DefinitionError
from threadline.model.kpis import Kpi


def faults(
    policies: Policies, definitions: Definitions, mapping: SourceMapping
) -> Iterator[DefinitionError]:
    """Every name in a rule that nobody has defined, with file, line and key."""
    systems = {source.system for source in mapping.sources}
    for written in policies.written:
        rule = written.rule
        yield from _unknown(written, "journeys", rule.journeys, definitions.journeys)
        yield from _unknown(written, "steps", rule.steps, _steps(definitions, rule.journeys))
        if rule.on == "silent-source":
            rightly = mapping.cadences
            yield from _unknown(written, "systems", rule.systems, rightly, "that has a cadence")
        elif rule.on != "growth":
            yield from _unknown(written, "systems", rule.systems, systems | _doers(definitions))
        if rule.on == "kpi":
            yield from _of_kpi(written, definitions)
        if rule.on == "growth" and rule.figure and rule.figure.by not in ("", "system"):
            yield written.error("by", "growth is told apart by system, and by nothing else")
        if rule.on == "value-at-risk" and definitions.rates:
            yield from _of_value(written, definitions.rates.into)


def _of_kpi(written: Written, definitions: Definitions) -> Iterator[DefinitionError]:
    figure = written.rule.figure
    if figure is None:
        return
    kpi = definitions.kpis.get(figure.kpi)
    if kpi is None:
        yield written.error("kpi", f"there is no KPI {figure.kpi!r}")
        return
    known = known_dimensions(definitions)
    for key, names in (("by", [figure.by] if figure.by else []), ("where", figure.where)):
        for name in names:
            if name not in known:
                yield written.error(key, f"there is no dimension {name!r}")
    yield from _of_unit(written, kpi)


def _of_unit(written: Written, kpi: Kpi) -> Iterator[DefinitionError]:
    """A percentage bounds a share, a duration a time."""
    for key in ("above", "below", "clear"):
        given = written.raw.get(key)
        if not isinstance(given, str):
            continue
        share = given.endswith("%")
        if share != (kpi.unit == "ratio") or (not share and kpi.unit != "seconds"):
            yield written.error(key, f"{given} does not fit {kpi.name}, which is in {kpi.unit}")


def _of_value(written: Written, into: str) -> Iterator[DefinitionError]:
    limit = written.rule.figure.limit if written.rule.figure else None
    for currency in limit.bound if limit else ():
        if currency != into:
            meant = f"values are told in {into}, because there is a rate table: not in {currency}"
            yield written.error("above", meant)


def _unknown(
    written: Written, key: str, named: Iterable[str], known: Iterable[str], which: str = ""
) -> Iterator[DefinitionError]:
    for name in sorted(set(named) - set(known)):
        thing = f"{key.removesuffix('s')} {name!r} {which}".strip()
        yield written.error(key, f"there is no {thing}")


def _steps(definitions: Definitions, journeys: Collection[str]) -> set[str]:
    """The steps of these journeys; of none: of all."""
    return {
        step.name
        for name, each in definitions.journeys.items()
        for step in each.steps
        if name in journeys or not journeys
    }


def _doers(definitions: Definitions) -> set[str]:
    """The systems that steps are done by."""
    return {step.system for each in definitions.journeys.values() for step in each.steps}
