"""What two values of a KPI say of each other; tried by drawing, and against published figures."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from math import log

import polars as pl
import pytest

from metrics.kpis.comparison import judged
from metrics.kpis.statistics import difference, quantile, quantile_interval, wilson
from threadline.model.kpis import KpiValue, Window

DRAWS = 400


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [  # Newcombe 1998, table II, method 10
        ((48, 80), (56, 70), (0.0524, 0.3339)),
        ((3, 10), (9, 10), (0.1705, 0.8090)),
        ((0, 10), (10, 10), (0.6075, 1.0)),
    ],
)
def test_shares_differ_by_newcombes_interval(before, after, expected):
    found = difference(before[0] / before[1], wilson(*before), after[0] / after[1], wilson(*after))
    assert found == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_interval_of_two_quantiles_holds_the_truth_at_least_as_often_as_it_says(share):
    chance, held = random.Random(7), 0
    truth = quantile(pl.Series([2 * _exponential(x / 10**5) for x in range(1, 10**5)]), share)
    truth -= quantile(pl.Series([_exponential(x / 10**5) for x in range(1, 10**5)]), share)
    for _ in range(DRAWS):
        one = pl.Series([_exponential(chance.random()) for _ in range(90)])
        two = pl.Series([2 * _exponential(chance.random()) for _ in range(70)])
        sides = [(quantile(side, share), quantile_interval(side, share)) for side in (one, two)]
        low, high = difference(*sides[0], *sides[1])
        held += low <= truth <= high
    assert held / DRAWS > 0.93


def test_a_verdict_goes_by_direction_sample_and_chance(shipped):
    lower, higher = shipped.kpis["project-setup-time"], shipped.kpis["sla-attainment"]
    slow, fast = _value(lower, 100.0, 90.0, 110.0), _value(lower, 50.0, 45.0, 55.0)
    assert judged(lower, slow, fast).verdict == "better"
    assert judged(lower, fast, slow).verdict == "worse"
    assert judged(
        higher, _value(higher, 0.5, 0.4, 0.6), _value(higher, 0.9, 0.8, 0.95)
    ).verdict == ("better")
    assert judged(lower, slow, replace(fast, low=None, high=120.0)).verdict == "unclear"
    assert judged(lower, slow, replace(fast, n=2)).verdict == "too_few"
    assert judged(lower, slow, None).verdict == "unknown"
    stuck = shipped.kpis["stuck-cases"]
    counted = judged(stuck, _value(stuck, 4.0, None, None), _value(stuck, 1.0, None, None))
    assert (counted.verdict, counted.change, counted.interval) == ("not_a_sample", -3, (None, None))


def _exponential(chance: float) -> float:
    return -log(1 - chance)


def _value(kpi, value, low, high) -> KpiValue:
    window = Window(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 2, 1, tzinfo=UTC))
    return KpiValue(
        kpi=kpi.name,
        title=kpi.title,
        dimensions={},
        window=window,
        now=window.end,
        value=value,
        unit=kpi.unit,
        business=False,
        n=40,
        target=None,
        state="ok",
        direction=kpi.direction,
        coverage=1.0,
        low=low,
        high=high,
    )
