"""Intervals hold what they promise."""

from __future__ import annotations

from math import comb

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.kpis.statistics import (
    censored_interval,
    censored_quantile,
    quantile,
    quantile_interval,
    wilson,
)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [  # Newcombe 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_as_published(hits, n, low, high):
    assert wilson(hits, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_nothing_is_known_of_an_empty_sample():
    empty = pl.Series([], dtype=pl.Float64)
    assert wilson(0, 0) == (None, None)
    assert quantile(empty, 0.5) is None
    assert quantile_interval(empty, 0.5) == (None, None)
    assert censored_quantile(empty, pl.Series([], dtype=pl.Boolean), 0.5) is None


def below(rank: int, n: int, share: float) -> float:
    """P(Binomial(n, share) < rank)."""
    return sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(rank))


@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 250), share=st.sampled_from((0.5, 0.9)))
def test_order_statistics_bound_the_quantile_as_tightly_as_they_may(n, share):
    low, high = quantile_interval(pl.Series(range(1, n + 1), dtype=pl.Float64), share)
    ranks = [rank for rank in range(1, n + 1) if below(rank, n, share) <= 0.025]
    assert low == max(ranks, default=None)
    ranks = [rank for rank in range(1, n + 1) if 1 - below(rank, n, share) <= 0.025]
    assert high == min(ranks, default=None)


def test_a_large_sample_is_bounded_quickly_and_narrowly():
    low, high = quantile_interval(pl.Series(range(2_000_000), dtype=pl.Float64), 0.5)
    assert (low, high) == (pytest.approx(998_614, abs=3), pytest.approx(1_001_385, abs=3))


def test_kaplan_and_meier_as_in_their_paper():
    # The example of section 2: deaths at 0.8, 3.1, 5.4, 9.2; losses at 1.0, 2.7, 7.0, 12.1.
    time = pl.Series([0.8, 1.0, 2.7, 3.1, 5.4, 7.0, 9.2, 12.1])
    died = pl.Series([True, False, False, True, True, False, True, False])
    assert censored_quantile(time, died, 0.12) == 0.8  # 0.875
    assert censored_quantile(time, died, 0.3) == 3.1  # 0.700
    assert censored_quantile(time, died, 0.47) == 5.4  # 0.525
    assert censored_quantile(time, died, 0.5) == 9.2  # 0.263
    assert censored_quantile(time, died, 0.8) is None


def test_what_ends_when_another_is_lost_counts_as_at_risk():
    time, died = pl.Series([1.0, 1.0]), pl.Series([True, False])
    assert censored_quantile(time, died, 0.5) == 1.0


def test_bounds_of_a_censored_median_are_those_of_the_textbook():
    """Survival in AML (Miller 1997), as `survfit` of R prints it."""
    maintained = ([9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161], "11011011010")
    others = ([5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45], "111110111111")
    for (times, ended), expected in ((maintained, (31, 18, None)), (others, (23, 8, None))):
        durations = pl.Series(times, dtype=pl.Float64)
        ends = pl.Series([one == "1" for one in ended])
        low, high = censored_interval(durations, ends, 0.5)
        assert (censored_quantile(durations, ends, 0.5), low, high) == expected
