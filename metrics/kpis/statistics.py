"""Statistics with their uncertainty. Every interval holds with 95 % confidence."""

from __future__ import annotations

from math import exp, lgamma, log, sqrt
from statistics import NormalDist

import polars as pl

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
Z = NormalDist().inv_cdf(1 - TAIL)
ROUNDING = 1e-12
FAR = 12  # so many standard deviations below its mean a binomial has no weight worth adding

Interval = tuple[float | None, float | None]


def wilson(hits: int, n: int) -> Interval:
    """The score interval of a share (Wilson 1927); nothing is known of an empty sample."""
    if n == 0:
        return None, None
    share, z2 = hits / n, Z * Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def quantile(values: pl.Series, share: float) -> float | None:
    """The quantile, linear between the neighbouring values; None of an empty sample."""
    result = values.quantile(share, interpolation="linear")
    return None if result is None else float(result)


def quantile_interval(values: pl.Series, share: float) -> Interval:
    """The values between which the quantile lies, whatever the distribution.

    From order statistics (Hahn and Meeker 1991, 5.2): how many values lie below the quantile is
    binomial. An end is None where the sample is too small to bound it.
    """
    n = len(values)
    below = _largest_rank(n, share)
    above = _largest_rank(n, 1 - share)
    ordered = values.sort()
    low = float(ordered[below - 1]) if below else None
    high = float(ordered[n - above]) if above else None
    return low, high


def censored_quantile(durations: pl.Series, ended: pl.Series, share: float) -> float | None:
    """The time by which `share` have ended (Kaplan and Meier 1958), open ones counted as such.

    `ended` says of each duration whether it was an end; otherwise it had lasted so long when last
    seen. None while the curve has not come down that far.
    """
    return _reached(_curve(durations, ended), pl.col("survival"), share)


def censored_interval(durations: pl.Series, ended: pl.Series, share: float) -> Interval:
    """The times between which that quantile lies: where the bounds of the curve come down to it.

    Bounds from Greenwood's variance of the logarithm of the curve, as `survfit` of R has them; an
    end is None where a bound does not come down so far.
    """
    curve = _curve(durations, ended)
    spread = Z * pl.col("variance").sqrt()
    low, high = (pl.col("survival") * (sign * spread).exp() for sign in (-1, 1))
    return _reached(curve, low.fill_nan(0), share), _reached(curve, high.fill_nan(1), share)


def _curve(durations: pl.Series, ended: pl.Series) -> pl.DataFrame:
    """The times at which somebody ended: time, survival from then on, and its log's variance."""
    at = pl.DataFrame({"time": durations, "ended": ended}).group_by("time")
    curve = at.agg(ends=pl.col("ended").sum(), left=pl.len()).sort("time")
    curve = curve.with_columns(risk=pl.col("left").cum_sum(reverse=True))
    ends, risk = pl.col("ends").cast(pl.Float64), pl.col("risk").cast(pl.Float64)
    return curve.filter(ends > 0).select(
        "time",
        survival=(1 - ends / risk).cum_prod(),
        variance=(ends / (risk * (risk - ends))).cum_sum(),
    )


def _reached(curve: pl.DataFrame, height: pl.Expr, share: float) -> float | None:
    reached = curve.filter(height <= 1 - share + ROUNDING)
    return None if reached.is_empty() else float(reached["time"][0])


def _largest_rank(n: int, share: float) -> int:
    """The largest r with P(Binomial(n, share) < r) at most the tail; 0 if there is none."""
    spread = sqrt(n * share * (1 - share))
    first = max(0, int(n * share - FAR * spread))
    cumulated = 0.0
    for rank in range(first, n):
        cumulated += _binomial(rank, n, share)
        if cumulated > TAIL:
            return rank
    return n


def _binomial(k: int, n: int, p: float) -> float:
    ways = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return exp(ways + k * log(p) + (n - k) * log(1 - p))


def difference(
    before: float, before_interval: Interval, after: float, after_interval: Interval
) -> Interval:
    """The interval of `after - before` of two independent samples, from their own intervals.

    Of two shares with Wilson's intervals that is Newcombe's method 10 (1998); of quantiles with
    those of order statistics the same recovery of variances (Zou and Donner 2008). An end is None
    where an end that it needs is.
    """
    low = _reach(after, after_interval[0], before, before_interval[1])
    high = _reach(after, after_interval[1], before, before_interval[0])
    change = after - before
    return None if low is None else change - low, None if high is None else change + high


def _reach(
    one: float, its_end: float | None, other: float, other_end: float | None
) -> float | None:
    if its_end is None or other_end is None:
        return None
    return sqrt((one - its_end) ** 2 + (other - other_end) ** 2)
