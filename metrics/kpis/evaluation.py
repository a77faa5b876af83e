"""Values of KPIs, over time, and the cases behind them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

import polars as pl

from metrics.definitions import Definitions
from metrics.derive import Derived
from metrics.kpis.figures import coverage, figure, note, state
from metrics.kpis.money import COUNTED_IN, HIDDEN, parts, unrated, without_unit
from metrics.kpis.populations import population
from metrics.kpis.receipts import Received, nothing_received
from metrics.kpis.scene import UNKNOWN, Question, Scene
from threadline.errors import NotFound
from threadline.model.kpis import Kpi, KpiValue, Previous, Seen, Window

CURRENCY, STEP = "currency", "step"
Key: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...]]
COLUMNS = (
    "journey",
    "criticality",
    "system",
    STEP,
    "hop",
    "alternative",
    "version",
    CURRENCY,
    "source",
)  # known without any journey


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
    received: Received = nothing_received,
    previous: Seen | None = None,
    year_ago: Seen | None = None,
    long_ago: Derived | None = None,
) -> list[KpiValue]:
    """The values of `kpis` (all by default) that concern `journey` (all by default).

    One value each, or one per combination of the dimensions in `by` that has cases; money one in
    the reporting currency and one in each that has no rate into it, or one per currency. `now` is
    the present or the earlier instant asked about; nothing after it counts. `silent` names the
    systems that have been silent beyond their cadence; `received` counts facts. Each value carries
    the window before at equal maturity: `previous`, by default the window as long before it, as of
    `now` less that length; and the one of a year ago where one is given, over what was derived of
    `long_ago`. Raises `NotFound` for names nobody has defined.
    """
    scene = Scene(derived=derived, definitions=definitions, now=now, silent=silent)
    previous = previous or Seen(window=window.before(), now=now - window.length)
    past = replace(scene, now=previous.now, silent=())
    earlier = [(past, previous)]
    if year_ago:
        earlier.append((replace(past, now=year_ago.now, derived=long_ago or derived), year_ago))
    check(definitions, by)
    chosen = _chosen(definitions, journey, kpis)
    asked = {window: now} | {seen.window: seen.now for _, seen in earlier}
    counts = counted(received, chosen, asked)
    scene = replace(scene, received=counts)
    earlier = [(replace(one, received=counts), seen) for one, seen in earlier]
    values: list[KpiValue] = []
    for kpi in chosen:
        ask = Question(kpi=kpi, scene=scene, window=window, journey=journey)
        before, ago = [
            *(_before(replace(ask, scene=one, window=seen.window), by) for one, seen in earlier),
            {},
        ][:2]
        values += [
            replace(value, previous=before.get(_key(value)), year_ago=ago.get(_key(value)))
            for value in _values(ask, by)
        ]
    return values


def series(
    definitions: Definitions,
    derived: Derived,
    *,
    kpi: str,
    parts: Sequence[Window],
    now: datetime,
    by: Sequence[str] = (),
    journey: str | None = None,
    silent: Collection[str] = (),
    received: Received = nothing_received,
) -> list[KpiValue]:
    """The values of one KPI in each of `parts`, in order.

    What is anchored in a window is judged by all that is known now; what is anchored at `now` is
    reckoned as of the end of each part. A part has to have begun by `now`.
    """
    chosen = find(definitions, kpi)
    check(definitions, by)
    present = Scene(derived=derived, definitions=definitions, now=now, silent=silent)
    asked = {part: min(part.end, now) for part in parts}
    present = replace(present, received=counted(received, [chosen], asked))
    values: list[KpiValue] = []
    for part in parts:
        ended = chosen.anchor == "now" and part.end < now
        scene = replace(present, now=part.end, silent=()) if ended else present
        values += _values(Question(kpi=chosen, scene=scene, window=part, journey=journey), by)
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
    """The cases, or steps of cases, that a value was computed from, one row each: `n` of them.

    `where` repeats the value's dimensions, and for money, as `counted_in`, its unit. Columns: those
    of `cases` with states, `standing` (met, missed, failed, stuck…), `measure` (seconds, where the
    KPI has to do with time) and `contributes`: seconds, 1 or 0 of a ratio or a count, an amount.
    Ordered by journey and case.
    """
    scene = Scene(derived=derived, definitions=definitions, now=now, silent=silent)
    ask = Question(kpi=find(definitions, kpi), scene=scene, window=window, journey=journey)
    rows = population(ask).filter("behind")
    for name, value in (where or {}).items():
        rows = rows.filter(_dimension(name, rows) == value)
    shares = {"seconds": "measure", CURRENCY: "amount"}
    contributes = pl.col(shares.get(ask.kpi.unit, "hit")).cast(pl.Float64)
    order = [name for name in ("journey", "case_id", "step") if name in rows.columns]
    rows = rows.with_columns(contributes=contributes).sort(order)
    hidden = [*HIDDEN, "behind", "hit", "amount", "weight", "raw_due_at"]
    return rows.drop(hidden, strict=False)


def _values(ask: Question, by: Sequence[str]) -> Iterator[KpiValue]:
    return values_of(ask, population(ask), by)


def values_of(ask: Question, rows: pl.DataFrame, by: Sequence[str]) -> Iterator[KpiValue]:
    """The values of what is asked, from its population `rows`."""
    kpi, rates = ask.kpi, ask.scene.definitions.rates
    cut = list(groups(kpi, rows, by))
    for dimensions, group in cut:
        currency, whole = dimensions.get(COUNTED_IN, ""), without_unit(dimensions)
        result = figure(kpi, group)
        lacking = group["behind"] | (group["standing"] == UNKNOWN)
        if kpi.unit == CURRENCY and not currency and not group.is_empty() and not lacking.any():
            continue  # what states no value and is on track lacks nothing
        low, high = result.interval
        yield KpiValue(
            kpi=kpi.name,
            title=kpi.title,
            dimensions=whole,
            window=ask.window,
            now=ask.scene.now,
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
            percentiles=result.percentiles,
            counts=_counts(group),
            money=parts(group.filter("hit"), rates) if kpi.unit == CURRENCY else (),
            note="; ".join(
                filter(None, (note(kpi, result, group), unrated(rates, currency, whole, cut)))
            ),
        )


def groups(
    kpi: Kpi, rows: pl.DataFrame, by: Sequence[str]
) -> Iterator[tuple[dict[str, str], pl.DataFrame]]:
    """The population cut by the dimensions, and money by what it is counted in (`counted_in`);
    whole, if nothing cuts it."""
    names = [*by, COUNTED_IN] if kpi.unit == CURRENCY else list(by)
    if not names or (rows.is_empty() and not by):
        yield {}, rows
        return
    rows = rows.with_columns(_dimension(name, rows).alias(f"by {name}") for name in names)
    keys = [f"by {name}" for name in names]
    for values, group in sorted(rows.partition_by(keys, as_dict=True).items(), key=lambda g: g[0]):
        yield dict(zip(names, (str(value) for value in values), strict=True)), group


def counted(
    received: Received, kpis: Sequence[Kpi], asked: Mapping[Window, datetime]
) -> dict[tuple[Window, str], pl.DataFrame]:
    """What was received in each window by the instant it is seen from, for the KPIs that ask."""
    found: dict[tuple[Window, str], pl.DataFrame] = {}
    for kpi in (kpi for kpi in kpis if kpi.asks_intake):
        begun = {
            window: Window(start=window.start, end=_seen_until(kpi, window, now))
            for window, now in asked.items()
            if window.start < now
        }
        counts = received(kpi, list(begun.values()))
        found |= {(window, kpi.name): counts.clear() for window in asked}
        for place, window in enumerate(begun):
            found[window, kpi.name] = counts.filter(window=place)
    return found


def _seen_until(kpi: Kpi, window: Window, now: datetime) -> datetime:
    return now if kpi.anchor == "now" else min(window.end, now)


def _dimension(name: str, rows: pl.DataFrame) -> pl.Expr:
    if name in rows.columns:
        return pl.col(name).fill_null("")
    if name == STEP and "current_step" in rows.columns:
        return pl.col("current_step").fill_null("")  # '' of what waits for none
    if "dimensions" not in rows.columns:
        return pl.lit("")
    return pl.col("dimensions").str.json_path_match(f'$["{name}"]').fill_null("")


def _counts(group: pl.DataFrame) -> dict[str, int]:
    counted = group.group_by("standing").agg(n=pl.col("weight").sum()).sort("standing")
    return dict(counted.iter_rows())


def _before(ask: Question, by: Sequence[str]) -> dict[Key, Previous]:
    return {
        _key(one): Previous(value=one.value, n=one.n, window=one.window, now=one.now)
        for one in _values(ask, by)
    }


def _key(value: KpiValue) -> Key:
    return value.kpi, value.unit, tuple(sorted(value.dimensions.items()))


def _chosen(
    definitions: Definitions, journey: str | None, names: Sequence[str] | None
) -> list[Kpi]:
    if journey is not None and journey not in definitions.journeys:
        raise NotFound("journey", journey)
    kpis = definitions.kpis.values() if names is None else [find(definitions, n) for n in names]
    return [kpi for kpi in kpis if not journey or _concerns(kpi, journey)]


def _concerns(kpi: Kpi, journey: str) -> bool:
    """Facts that belong to nothing are of no journey."""
    return not kpi.asks_intake and (not kpi.journeys or journey in kpi.journeys)


def known_dimensions(definitions: Definitions) -> frozenset[str]:
    """What values may be told apart by."""
    each = definitions.journeys.values()
    return frozenset({name for journey in each for name, _ in journey.dimensions}.union(COLUMNS))


def check(definitions: Definitions, by: Sequence[str]) -> None:
    """Raises `NotFound` for a dimension that nobody has defined."""
    known = known_dimensions(definitions)
    for name in by:
        if name not in known:
            raise NotFound("dimension", name)


def find(definitions: Definitions, name: str) -> Kpi:
    """Raises `NotFound` for a KPI that nobody has defined."""
    if name not in definitions.kpis:
        raise NotFound("KPI", name)
    return definitions.kpis[name]
