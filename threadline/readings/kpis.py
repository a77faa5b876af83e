"""KPIs and value at risk as rules watch them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import polars as pl

from alerts.figures import Figure
from alerts.hops import gravest
from alerts.rules import Rule, When
from metrics.definitions import Definitions
from metrics.derive import Derived
from metrics.kpis import FirmCalendar, Received, cases_behind, series
from metrics.kpis.scene import UNKNOWN
from threadline.model.kpis import Kpi, KpiValue, Window
from threadline.model.readings import Reading
from threadline.store.telemetry.alive import Figures

WATCHED: tuple[When, ...] = ("kpi", "value-at-risk")
VALUE: Literal["value-at-risk"] = "value-at-risk"
PRESENT = "this-day"  # value at risk is of the present, whatever the window
CRITICALITY, JOURNEY = "criticality", "journey"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What figures are computed from."""

    definitions: Definitions
    derived: Derived
    calendar: FirmCalendar
    silent: Collection[str]
    received: Received


def derived(figures: Figures) -> Derived:
    """What the store has of them."""
    return Derived(**figures._asdict())


def since(rule: Rule, calendar: FirmCalendar, now: datetime) -> datetime:
    """From when on cases count for the rule."""
    return _window(rule.figure, calendar, now).start


def read(rule: Rule, scene: Scene, now: datetime) -> Iterator[Reading]:
    """What the rule watches at `now`: of a KPI each part that has cases, of value at risk each
    currency that has a bound.
    """
    if rule.on == VALUE:
        yield from _value(rule, scene, now)
    elif rule.figure is not None and rule.figure.kpi in scene.definitions.kpis:
        yield from _kpi(rule, rule.figure, scene, now)


def _kpi(rule: Rule, figure: Figure, scene: Scene, now: datetime) -> Iterator[Reading]:
    by = list(dict.fromkeys([*figure.where, *filter(None, [figure.by])]))
    told: dict[str, Any] = {"by": by, "silent": scene.silent, "received": scene.received}
    window = _window(figure, scene.calendar, now)
    values = series(
        scene.definitions, scene.derived, kpi=figure.kpi, parts=[window], now=now, **told
    )
    for value in values:
        if all(value.dimensions[name] == wanted for name, wanted in figure.where.items()):
            yield _reading(rule, figure, scene, value, now)


def _reading(rule: Rule, figure: Figure, scene: Scene, value: KpiValue, now: datetime) -> Reading:
    unsaid = value.value is None or value.state in (UNKNOWN, "too_few")
    kpi = scene.definitions.kpis[figure.kpi]
    dimensions = {**figure.where, **value.dimensions}
    names = _journeys(scene.definitions, kpi.journeys, dimensions)
    return Reading(
        rule=rule.qualified,
        part=_part(kpi, value),
        at=now,
        title=value.title,
        value=None if unsaid else Decimal(str(value.value)),
        unit=value.unit,
        business=value.business,
        n=value.n,
        journey=names[0] if len(names) == 1 else "",
        criticality=_criticality(scene.definitions, names, dimensions),
    )


def _part(kpi: Kpi, value: KpiValue) -> str:
    apart = value.dimensions.items()
    parts = [f"{name}={label}" for name, label in sorted(apart)]
    return ",".join(parts + ([f"currency={value.unit}"] if kpi.unit == "currency" else []))


def _journeys(
    definitions: Definitions, named: Sequence[str], dimensions: dict[str, str]
) -> Sequence[str]:
    chosen = [dimensions[JOURNEY]] if JOURNEY in dimensions else list(named or definitions.journeys)
    return [name for name in chosen if name in definitions.journeys]


def _criticality(definitions: Definitions, names: Sequence[str], dimensions: dict[str, str]) -> str:
    if dimensions.get(CRITICALITY):
        return dimensions[CRITICALITY]
    return gravest(definitions.journeys[name].criticality for name in names)


def _value(rule: Rule, scene: Scene, now: datetime) -> Iterator[Reading]:
    """Each contract once, by the KPI that is called so, of the rule's journeys and criticality."""
    limit = rule.figure.limit if rule.figure else None
    kpi = Kpi(
        name=VALUE,
        title="Value at risk",
        description="",
        journeys=tuple(sorted(rule.journeys)),
        measure=VALUE,
        direction="lower",
        unit="currency",
    )
    definitions = replace(scene.definitions, kpis={VALUE: kpi})
    told: dict[str, Any] = {"kpi": VALUE, "now": now, "silent": scene.silent}
    found = _of(scene.derived, rule)
    window = _window(None, scene.calendar, now)
    values = series(definitions, found, parts=[window], **told)
    behind = cases_behind(definitions, found, window=window, **told)
    unknown = any(value.counts.get(UNKNOWN, 0) for value in values)
    names = _journeys(definitions, kpi.journeys, {})
    by_unit = {value.unit: value for value in values}
    for currency in limit.bound if limit else ():
        value = by_unit.get(currency)
        total = Decimal(str(value.value)) if value and value.value is not None else Decimal(0)
        yield Reading(
            rule=rule.qualified,
            part=currency,
            at=now,
            title=", ".join([kpi.title, *(definitions.journeys[n].title for n in rule.journeys)]),
            value=total,
            unit=currency,
            whole=not unknown,
            n=value.n if value else 0,
            journey=names[0] if len(names) == 1 else "",
            criticality=gravest(behind[CRITICALITY].unique()),
            cases=value.n if value else 0,
            breached=behind.filter(pl.col("sla") == "breached").height,
            worth={currency: str(total)},
        )


def _of(found: Derived, rule: Rule) -> Derived:
    if not rule.criticality:
        return found
    wanted = pl.col(CRITICALITY).is_in(sorted(rule.criticality))
    return replace(found, cases=found.cases.filter(wanted))


def _window(figure: Figure | None, calendar: FirmCalendar, now: datetime) -> Window:
    return calendar.named(figure.window if figure and figure.window else PRESENT, now).window
