"""From a population to its figure: the value, how sure it is, and what it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import polars as pl

from metrics.kpis.scene import UNKNOWN
from metrics.kpis.statistics import (
    Interval,
    censored_interval,
    censored_quantile,
    quantile,
    quantile_interval,
    wilson,
)
from threadline.model.kpis import Kpi, KpiState, Measure, Percentile, Statistic

SHARES: Mapping[Statistic, float] = {
    "median": 0.5,
    "p90": 0.9,
    "p95": 0.95,
    "p99": 0.99,
    "censored_median": 0.5,
    "censored_p90": 0.9,
}
PERCENTILES = (0.5, 0.9, 0.95, 0.99)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A value with its interval, what stands beside it, and the target it is held against."""

    value: float | Decimal | None
    n: int
    target: float | Decimal | None
    interval: Interval | tuple[Decimal, Decimal] = (None, None)
    beside: Mapping[str, float | None] = field(default_factory=dict)
    percentiles: tuple[Percentile, ...] = ()


def figure(kpi: Kpi, rows: pl.DataFrame) -> Figure:
    """The figure of one group of a population."""
    if kpi.measure == "value-at-risk":
        return _money(kpi, rows)
    if kpi.measure == "revenue-leakage":
        return _leaking(kpi, rows)
    if kpi.unit == "cases":
        return _count(kpi, rows)
    if kpi.measure == "sla-burn":
        return _burnt(kpi, rows)
    if kpi.measure == "source-freshness":
        return _stalest(rows)
    if kpi.unit == "ratio":
        return _ratio(kpi, rows)
    return _time(kpi, rows)


def coverage(rows: pl.DataFrame) -> float | None:
    """The share of the population that could be judged; None where there is nobody."""
    if rows.is_empty():
        return None
    return 1 - weight(rows.filter(standing=UNKNOWN)) / weight(rows)


def state(kpi: Kpi, figure: Figure) -> KpiState:
    """How the value stands to its target."""
    if figure.value is None or figure.target is None:
        return "unknown"
    if kpi.unit in ("seconds", "ratio") and figure.n < kpi.minimum_sample:
        return "too_few"
    sign = 1 if kpi.direction == "lower" else -1
    value, target = sign * float(figure.value), sign * float(figure.target)
    if value > target:
        return "breached"
    warning = kpi.target.warning if kpi.target else None
    return "warning" if warning is not None and value > sign * warning else "ok"


def note(kpi: Kpi, figure: Figure, rows: pl.DataFrame) -> str:
    """Why there is no value, or why it says little; empty where it speaks for itself."""
    unknown = int((rows["standing"] == UNKNOWN).sum())
    if figure.n == 0 and unknown:
        return f"none of {unknown} {kpi.counts} can be judged: {UNJUDGED.get(kpi.measure, UNTOLD)}"
    if figure.n == 0:
        return NOBODY[kpi.anchor] if rows["standing"].is_empty() else NONE_HIT[kpi.anchor]
    if state(kpi, figure) == "too_few":
        return f"too few to say: {figure.n}, at least {kpi.minimum_sample} are needed"
    if figure.value is None:
        longest = rows.filter("behind")["measure"].max()
        return f"fewer than half have got there; the longest has taken {_days(longest)} so far"
    if kpi.measure == "source-freshness":
        return f"the one furthest beyond its cadence, or nearest to it: {_furthest(rows)['system']}"
    return "" if figure.target is not None else "no target is set"


UNTOLD = "a source is silent, or they state no value"
UNJUDGED: Mapping[Measure, str] = {
    "manual-touch": "nobody says who did it",
    "hop-time": "the step before is not closed, or was closed later",
    "audit-completeness": "they rest on sampled spans",
    "source-freshness": "never heard of",
    "backlog": "a source is silent",
}

NOBODY = {
    "started": "no case started in the window",
    "ended": "no case ended in the window",
    "step ended": "no case passed this step in the window",
    "due": "no case was due in the window by now",
    "received": "no fact was received in the window",
    "now": "no case is open",
}
NONE_HIT = NOBODY | {"now": "none of the open cases is affected"}


def _time(kpi: Kpi, rows: pl.DataFrame) -> Figure:
    done = rows.filter("hit")["measure"]
    censored = kpi.statistic.startswith("censored")
    lives = rows.filter("behind") if censored else rows
    times = lives["measure"], lives["hit"]
    beside: dict[str, float | None] = {}
    for statistic in kpi.beside:
        share, plain = SHARES[statistic], not statistic.startswith("censored")
        beside[statistic] = quantile(done, share) if plain else censored_quantile(*times, share)
    share = SHARES[kpi.statistic]
    return Figure(
        value=censored_quantile(*times, share) if censored else quantile(done, share),
        n=len(rows.filter("behind")),
        target=kpi.target.value if kpi.target else None,
        interval=censored_interval(*times, share) if censored else quantile_interval(done, share),
        beside=beside,
        percentiles=tuple(_percentiles(done)),
    )


def _percentiles(times: pl.Series) -> Iterator[Percentile]:
    for share in PERCENTILES:
        value, (low, high) = quantile(times, share), quantile_interval(times, share)
        if value is not None:
            yield Percentile(share=share, value=value, low=low, high=high)


def _ratio(kpi: Kpi, rows: pl.DataFrame) -> Figure:
    known = rows.filter("behind")
    n, hits = weight(known), weight(known.filter("hit"))
    return Figure(
        value=hits / n if n else None,
        n=n,
        target=kpi.target.value if kpi.target else None,
        interval=wilson(hits, n),
    )


def _burnt(kpi: Kpi, rows: pl.DataFrame) -> Figure:
    """Misses over those allowed: the share that misses, in units of the share that may."""
    share, may = _ratio(kpi, rows), 1 - kpi.objective
    low, high = (None if end is None else float(end) / may for end in share.interval)
    value = None if share.value is None else float(share.value) / may
    beside = {"misses_allowed": round(may * share.n, 1)}
    return replace(share, value=value, interval=(low, high), beside=beside)


def _stalest(rows: pl.DataFrame) -> Figure:
    """How long the system is silent that is furthest beyond its cadence, against that cadence."""
    heard = rows.filter("behind")
    if heard.is_empty():
        return Figure(value=None, n=0, target=None)
    worst = _furthest(rows)
    return Figure(value=worst["measure"], n=len(heard), target=worst["allowed"])


def _furthest(rows: pl.DataFrame) -> dict[str, Any]:
    share = pl.col("measure") / pl.col("allowed")
    return rows.filter("behind").sort(share, "system", descending=[True, False]).row(0, named=True)


def _days(seconds: object) -> str:
    return f"{float(str(seconds)) / 86_400:.1f} days"


def _count(kpi: Kpi, rows: pl.DataFrame) -> Figure:
    ages = rows.filter("hit")["measure"]
    oldest = None if ages.is_empty() else float(ages.max())  # type: ignore[arg-type]
    return Figure(
        value=float(len(ages)),
        n=len(ages),
        target=kpi.target.value if kpi.target else None,
        beside={"oldest_seconds": oldest, "median_seconds": quantile(ages, 0.5)},
    )


def _money(kpi: Kpi, rows: pl.DataFrame) -> Figure:
    stated = rows.filter(pl.col("amount").is_not_null())
    if stated.is_empty():
        return Figure(value=None, n=0, target=None)
    total, risk = _sum(stated), _sum(stated.filter("hit"))
    share = kpi.target.share_of_open if kpi.target else None
    return Figure(
        value=risk,
        n=len(stated.filter("hit")),
        target=None if share is None else (total * Decimal(str(share))).quantize(Decimal("0.01")),
        beside={
            "open_value": float(total),
            "share_of_open": float(risk / total) if total else None,
        },
    )


def _leaking(kpi: Kpi, rows: pl.DataFrame) -> Figure:
    """The sum, and its parts beside it; no value where no amount could be judged."""
    judged = rows.filter(pl.col("amount").is_not_null(), pl.col("standing") != UNKNOWN)
    if judged.filter(pl.col("currency") != "").is_empty():
        return Figure(value=None, n=0, target=None)
    hits = rows.filter("hit")
    parts = {
        name.replace(" ", "_"): float(_sum(hits.filter(pl.col("standing") == name)))
        for name in hits["standing"].unique().sort()
    }
    target = kpi.target.value if kpi.target else None
    return Figure(value=_sum(hits), n=len(hits), target=target, beside=parts)


def weight(rows: pl.DataFrame) -> int:
    """How many cases or facts the rows stand for."""
    return int(rows["weight"].sum())


def _sum(rows: pl.DataFrame) -> Decimal:
    return sum(rows["amount"].to_list(), Decimal("0.00"))
