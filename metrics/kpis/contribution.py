"""What moved a KPI: its change from one window to another, divided among the values of a dimension.

Shares divide exactly into what groups did (rate) and how much weight they had (mix); sums and
counts into the groups' own changes. A quantile is no sum, so it is divided by exchange: half of
what happens when a group's cases of the first window are replaced by its cases of the second, all
others as they were; half of what happens when it is the last to be replaced. Two groups add up to
the change; with more of them a residual is left, which is stated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from itertools import chain
from typing import TypeAlias

import polars as pl

from metrics.definitions import Definitions
from metrics.derive import Derived
from metrics.kpis.evaluation import CURRENCY, check, counted, find, groups
from metrics.kpis.figures import SHARES, figure, weight
from metrics.kpis.money import COUNTED_IN
from metrics.kpis.populations import population
from metrics.kpis.receipts import Received, nothing_received
from metrics.kpis.scene import Question, Scene
from metrics.kpis.statistics import quantile
from threadline.model.kpis import Contribution, ContributionPart, Kpi, Seen, Window

Rows: TypeAlias = Mapping[str, pl.DataFrame]  # of each value of the dimension
NOTHING = Fraction(0)


@dataclass(frozen=True, kw_only=True)
class _Effect:
    """How much of the change is a group's, and of a share by what."""

    whole: Fraction
    rate: Fraction | None = None
    mix: Fraction | None = None


def moved(
    definitions: Definitions,
    derived: Derived,
    *,
    kpi: str,
    by: str,
    window: Window,
    now: datetime,
    earlier: Seen,
    long_ago: Derived | None = None,
    journey: str | None = None,
    silent: Collection[str] = (),
    received: Received = nothing_received,
) -> list[Contribution]:
    """What moved the KPI since the `earlier` window, which is seen over `long_ago` if given.

    The other arguments are those of `evaluate`. Raises `NotFound` for names nobody has defined.
    """
    chosen = find(definitions, kpi)
    check(definitions, [by])
    scene = Scene(derived=derived, definitions=definitions, now=now, silent=silent)
    past = replace(scene, derived=long_ago or derived, now=earlier.now, silent=())
    counts = counted(received, [chosen], {window: now, earlier.window: earlier.now})
    scene, past = (replace(one, received=counts) for one in (scene, past))
    ask = Question(kpi=chosen, scene=scene, window=window, journey=journey)
    return contributions(ask, replace(ask, scene=past, window=earlier.window), by)


def contributions(after: Question, before: Question, by: str) -> list[Contribution]:
    """The change from `before` to `after` by a dimension; of money one per currency it is
    counted in.

    Where one of the windows has no value there is no change to divide, and so there are no parts.
    """
    now, then = (_by_unit(ask, by) for ask in (after, before))
    units = sorted({*now, *then})
    return [_divided(after.kpi, by, unit, then.get(unit, {}), now.get(unit, {})) for unit in units]


def _by_unit(ask: Question, by: str) -> dict[str, dict[str, pl.DataFrame]]:
    """Groups by unit; what states no currency states no money either."""
    money = ask.kpi.unit == CURRENCY
    found: dict[str, dict[str, pl.DataFrame]] = {} if money else {ask.kpi.unit: {}}
    for dimensions, rows in groups(ask.kpi, population(ask), [by]):
        unit = dimensions[COUNTED_IN] if money else ask.kpi.unit
        if unit:
            found.setdefault(unit, {})[dimensions[by]] = rows
    return found


def _divided(kpi: Kpi, by: str, unit: str, then: Rows, now: Rows) -> Contribution:
    value, previous = _exact(kpi, now), _exact(kpi, then)
    effects: dict[str, _Effect] = {}
    if value is not None and previous is not None:
        effects = _effects(kpi, then, now)
    change = None if value is None or previous is None else value - previous
    residual = (
        None if change is None else change - sum((e.whole for e in effects.values()), NOTHING)
    )
    parts = [_part(kpi, label, effect, then, now) for label, effect in effects.items()]
    return Contribution(
        kpi=kpi.name,
        by=by,
        unit=unit,
        business=kpi.business,
        direction=kpi.direction,
        value=_float(value),
        previous=_float(previous),
        change=_float(change),
        residual=_float(residual),
        parts=tuple(sorted(parts, key=lambda part: (-abs(part.effect), part.label))),
    )


def _effects(kpi: Kpi, then: Rows, now: Rows) -> dict[str, _Effect]:
    labels = sorted({*then, *now})
    if kpi.unit == "ratio":
        tallies = ({label: _tally(rows) for label, rows in of.items()} for of in (then, now))
        one, other = tallies
        return _rate_and_mix(labels, one, other)
    if kpi.unit == "seconds":
        times = ({label: _times(rows) for label, rows in of.items()} for of in (then, now))
        first, second = times
        return _exchanged(labels, first, second, SHARES[kpi.statistic])
    sums = ({label: _of_group(kpi, rows) for label, rows in of.items()} for of in (then, now))
    before, after = sums
    return {
        label: _Effect(whole=after.get(label, NOTHING) - before.get(label, NOTHING))
        for label in labels
    }


def _rate_and_mix(
    labels: list[str], then: Mapping[str, tuple[int, int]], now: Mapping[str, tuple[int, int]]
) -> dict[str, _Effect]:
    """With w a group's weight, r its rate, R the whole's and bars for means of the two windows: the
    change of R is the sum of w̄ Δr + (r̄ − R̄) Δw. A group that is in one window only had the same
    rate in the other: its coming or going is all mix.
    """
    n0, n1 = (sum(n for _, n in of.values()) for of in (then, now))
    whole0, whole1 = (Fraction(sum(hits for hits, _ in of.values()), n)
                      for of, n in ((then, n0), (now, n1)))  # fmt: skip
    found = {}
    for label in labels:
        (hits0, m0), (hits1, m1) = then.get(label, (0, 0)), now.get(label, (0, 0))
        if not m0 and not m1:
            continue
        rate0 = Fraction(hits0, m0) if m0 else Fraction(hits1, m1)
        rate1 = Fraction(hits1, m1) if m1 else rate0
        weight0, weight1 = Fraction(m0, n0), Fraction(m1, n1)
        rate = (rate1 - rate0) * (weight0 + weight1) / 2
        mix = ((rate0 + rate1) - (whole0 + whole1)) / 2 * (weight1 - weight0)
        found[label] = _Effect(whole=rate + mix, rate=rate, mix=mix)
    return found


def _exchanged(
    labels: list[str],
    then: Mapping[str, list[float]],
    now: Mapping[str, list[float]],
    share: float,
) -> dict[str, _Effect]:
    first, last = _quantile(then, share), _quantile(now, share)
    found = {}
    for label in labels:
        entered = _quantile({**then, label: now.get(label, [])}, share)
        missing = _quantile({**now, label: then.get(label, [])}, share)
        steps = ((entered, first), (last, missing))
        told = [b - a for b, a in steps if b is not None and a is not None]
        found[label] = _Effect(whole=sum(told, NOTHING) / len(told))
    return found


def _part(kpi: Kpi, label: str, effect: _Effect, then: Rows, now: Rows) -> ContributionPart:
    value, previous = (_exact(kpi, _only(of, label)) for of in (now, then))
    n, previous_n = (figure(kpi, of[label]).n if label in of else 0 for of in (now, then))
    return ContributionPart(
        label=label,
        value=_float(value),
        previous=_float(previous),
        n=n,
        previous_n=previous_n,
        effect=float(effect.whole),
        rate=_float(effect.rate),
        mix=_float(effect.mix),
    )


def _only(rows: Rows, label: str) -> Rows:
    return {label: rows[label]} if label in rows else {}


def _exact(kpi: Kpi, rows: Rows) -> Fraction | None:
    """The value of all groups together, unrounded; None where nothing was measured."""
    if kpi.unit == "ratio":
        tallies = [_tally(group) for group in rows.values()]
        hits, n = (sum(one[place] for one in tallies) for place in (0, 1))
        return Fraction(hits, n) if n else None
    if kpi.unit == "seconds":
        times = {label: _times(group) for label, group in rows.items()}
        return _quantile(times, SHARES[kpi.statistic])
    if kpi.unit == "cases":
        return sum((_of_group(kpi, group) for group in rows.values()), NOTHING)
    stated = [figure(kpi, group).value for group in rows.values()]
    known = [Fraction(amount) for amount in stated if amount is not None]
    return sum(known, NOTHING) if known else None


def _of_group(kpi: Kpi, rows: pl.DataFrame) -> Fraction:
    return Fraction(figure(kpi, rows).value or 0)


def _tally(rows: pl.DataFrame) -> tuple[int, int]:
    known = rows.filter("behind")
    return weight(known.filter("hit")), weight(known)


def _times(rows: pl.DataFrame) -> list[float]:
    return [float(time) for time in rows.filter("behind")["measure"]]


def _quantile(times: Mapping[str, list[float]], share: float) -> Fraction | None:
    found = quantile(pl.Series(chain.from_iterable(times.values()), dtype=pl.Float64), share)
    return None if found is None else Fraction(found)


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
