"""Quantiles and intervals by their definitions, for the oracles."""

from __future__ import annotations

import math

Z = 1.959963984540054


def quantile(values: list[float], share: float) -> float | None:
    if not values:
        return None
    values = sorted(values)
    place = (len(values) - 1) * share
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def order_bounds(values: list[float], share: float) -> tuple[float | None, float | None]:
    """The closest order statistics that the quantile is outside of in at most 2.5 % each."""
    values, n = sorted(values), len(values)

    def fewer(rank: int) -> float:
        """How likely fewer than `rank` of n values lie below the quantile."""
        return sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(rank))

    low = [values[rank - 1] for rank in range(1, n + 1) if fewer(rank) <= 0.025]
    high = [values[rank - 1] for rank in range(1, n + 1) if 1 - fewer(rank) <= 0.025]
    return (low[-1] if low else None), (high[0] if high else None)


def kaplan_meier(ended: list[float], censored: list[float], share: float) -> float | None:
    survival = 1.0
    for at in sorted(set(ended)):
        risk = sum(each >= at for each in ended + censored)
        survival *= 1 - ended.count(at) / risk
        if survival <= 1 - share + 1e-9:
            return at
    return None


def wilson(hits: int, n: int) -> tuple[float, float]:
    p, d = hits / n, 1 + Z * Z / n
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / 4 / n / n)
    return (p + Z * Z / 2 / n - half) / d, (p + Z * Z / 2 / n + half) / d
