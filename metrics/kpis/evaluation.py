"""Values of KPIs, over time, and the cases behind them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl

from metrics.definitions import Definitions
from metrics.derive import Derived
from metrics.kpis.figures import coverage, figure, note, state
from metrics.kpis.populations import Scene, population
from threadline.errors import NotFound
from threadline.model.kpis import Kpi, KpiValue, Previous, Window

COLUMNS = {"journey": "journey", "criticality": "criticality", "system": "step_system"}
CURRENCY = "currency"


def evaluate(
    definitions: Definitions,
    derived: Derived,
    *,
    window: Window,
    now: datetime,
    by: Sequence[str] = (),
    journey: str | None = None,
    silent: Collection[str] = (),
    kpis: Sequence[str] | None = None,
) -> list[KpiValue]:
    """The values of `kpis` (all by default) that concern `journey` (all by default).

    One value each, or one per combination of the dimensions in `by` that has cases; value at risk one
    per currency, too. `now` is the present or the earlier instant asked about; nothing after it
    counts. `silent` names the systems that have been silent beyond their cadence. Each value carries
    the window before at equal maturity: as of `now` less the window's length. Raises `NotFound` for
    names nobody has defined.
    """
    scene = Scene(derived=derived, definitions=definitions, now=now, silent=silent)
    before = replace(scene, now=now - window.length, silent=())
    values = []
    for kpi in _chosen(definitions, journey, kpis):
        earlier = {
            _key(value): value for value in _values(kpi, before, window.before(), by, journey)
        }
        for value in _values(kpi, scene, window, by, journey):
            values.append(replace(value, previous=_previous(earlier.get(_key(value)))))
    return values


def series(
    definitions: Definitions,
    derived: Derived,
    *,
    kpi: str,
    window: Window,
    every: timedelta,
    now: datetime,
    by: Sequence[str] = (),
    journey: str | None = None,
    silent: Collection[str] = (),
) -> list[KpiValue]:
    """The values of one KPI in every stretch of `every` from the window's start, in order.

    What is anchored in a window is judged by all that is known now; what is anchored at `now` is
    reckoned as of the end of each stretch. Stretches that have not begun by `now` are left out.
    """
    chosen = _find(definitions, kpi)
    values = []
    for part in _stretches(window, every, now):
        at = min(now, part.end) if chosen.anchor == "now" else now
        heard = silent if at == now else ()
        scene = Scene(derived=derived, definitions=definitions, now=at, silent=heard)
        values += _values(chosen, scene, part, by, journey)
    return values


def cases_behind(
    definitions: Definitions,
    derived: Derived,
    *,
    kpi: str,
    window: Window,
    now: datetime,
    where: Mapping[str, str] | None = None,
    journey: str | None = None,
    silent: Collection[str] = (),
) -> pl.DataFrame:
    """The cases that a value was computed from, one row each: `n` of them.

    `where` repeats the value's dimensions, and for money `currency`. Columns: those of `cases` with
    states, `standing` (met, missed, failed, stuck…), `hit` (in the numerator), `measure` (seconds) and
    `amount`. Ordered by journey and case.
    """
    scene = Scene(derived=derived, definitions=definitions, now=now, silent=silent)
    rows = population(_find(definitions, kpi), scene, window, journey).filter("behind")
    for name, value in (where or {}).items():
        rows = rows.filter(_dimension(name, rows) == value)
    return rows.sort("journey", "case_id").drop("behind", "raw_due_at")


def _values(
    kpi: Kpi, scene: Scene, window: Window, by: Sequence[str], journey: str | None
) -> Iterator[KpiValue]:
    rows = population(kpi, scene, window, journey)
    for dimensions, group in _groups(kpi, rows, by):
        currency = dimensions.pop(CURRENCY, "") if CURRENCY not in by else ""
        result = figure(kpi, group)
        low, high = result.interval
        yield KpiValue(
            kpi=kpi.name,
            title=kpi.title,
            dimensions=dimensions,
            window=window,
            now=scene.now,
            value=result.value,
            unit=currency or kpi.unit,
            business=kpi.business,
            n=result.n,
            target=result.target,
            state=state(kpi, result),
            direction=kpi.direction,
            coverage=coverage(group),
            low=low,
            high=high,
            beside=result.beside,
            counts=_counts(group),
            note=note(kpi, result, group),
        )


def _groups(
    kpi: Kpi, rows: pl.DataFrame, by: Sequence[str]
) -> Iterator[tuple[dict[str, str], pl.DataFrame]]:
    """The population cut by the dimensions, and money by currency: one group if nothing cuts it.

    Contracts that state no currency belong to every currency's coverage: theirs might be that one.
    """
    names = [*by, CURRENCY] if kpi.unit == "currency" else list(by)
    if not names or rows.is_empty():
        if not by or not names:
            yield {}, rows
        return
    rows = rows.with_columns(_dimension(name, rows).alias(f"by {name}") for name in names)
    keys = [f"by {name}" for name in names]
    for values, group in sorted(rows.partition_by(keys, as_dict=True).items(), key=lambda g: g[0]):
        yield dict(zip(names, (str(value) for value in values), strict=True)), group


def _dimension(name: str, rows: pl.DataFrame) -> pl.Expr:
    column = COLUMNS.get(name, name if name == CURRENCY else "")
    if column and column not in rows.columns:
        column = "current_step"
    text = pl.col(column) if column else pl.col("dimensions").str.json_path_match(f'$["{name}"]')
    return text.fill_null("")


def _counts(group: pl.DataFrame) -> dict[str, int]:
    counted = group.group_by("standing").agg(n=pl.len()).sort("standing")
    return dict(counted.iter_rows())


def _previous(value: KpiValue | None) -> Previous | None:
    return value and Previous(value=value.value, n=value.n, window=value.window)


def _key(value: KpiValue) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return value.kpi, value.unit, tuple(sorted(value.dimensions.items()))


def _stretches(window: Window, every: timedelta, now: datetime) -> Iterator[Window]:
    if every <= timedelta():
        raise ValueError("a series needs stretches longer than nothing")
    start = window.start
    while start < min(window.end, now):
        yield Window(start=start, end=min(start + every, window.end))
        start += every


def _chosen(
    definitions: Definitions, journey: str | None, names: Sequence[str] | None
) -> list[Kpi]:
    if journey is not None and journey not in definitions.journeys:
        raise NotFound("journey", journey)
    kpis = definitions.kpis.values() if names is None else [_find(definitions, n) for n in names]
    return [kpi for kpi in kpis if not (journey and kpi.journeys) or journey in kpi.journeys]


def _find(definitions: Definitions, name: str) -> Kpi:
    if name not in definitions.kpis:
        raise NotFound("KPI", name)
    return definitions.kpis[name]
