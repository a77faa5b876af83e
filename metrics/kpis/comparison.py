"""One KPI on two sides: how far apart they are, and whether that can be told from chance."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from metrics.definitions import Definitions
from metrics.derive import Derived
from metrics.kpis.evaluation import evaluate
from metrics.kpis.receipts import Received, nothing_received
from metrics.kpis.statistics import Interval, difference
from threadline.model.kpis import Kpi, KpiValue, Window

Verdict = Literal["better", "worse", "unclear", "too_few", "unknown", "not_a_sample"]


@dataclass(frozen=True, kw_only=True)
class Side:
    """The cases of a window, as they were seen at `now`; with `by`, those whose part is `label`."""

    window: Window
    now: datetime
    by: str = ""
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Both values, `after - before` with its 95 % interval, and what that says.

    `unclear`: the interval holds 0, so chance alone may have done it. `not_a_sample`: counts and
    money of what is open are all there is, and no draw that could have come out otherwise.
    """

    before: KpiValue | None
    after: KpiValue | None
    change: float | None
    interval: Interval
    verdict: Verdict


def compare(
    definitions: Definitions,
    derived: Derived,
    *,
    kpi: str,
    before: Side,
    after: Side,
    currency: str = "",
    journey: str | None = None,
    silent: Collection[str] = (),
    received: Received = nothing_received,
) -> Comparison:
    """The KPI on both sides; raises `NotFound` for names nobody has defined.

    Money is compared in `currency`, by default the reporting one, or the first that both sides
    have.

    `silent` holds for the side that is seen at the later instant; nobody knows any more what was
    silent then.
    """
    last = max(before.now, after.now)

    def values(side: Side) -> dict[str, KpiValue]:
        found = evaluate(
            definitions,
            derived,
            window=side.window,
            now=side.now,
            by=[side.by] if side.by else [],
            journey=journey,
            silent=silent if side.now == last else (),
            kpis=[kpi],
            received=received,
        )
        part: Mapping[str, str] = {side.by: side.label} if side.by else {}
        return {one.unit: one for one in found if one.dimensions == part}

    first, second = values(before), values(after)
    units = sorted(first.keys() & second.keys()) or sorted(first.keys() | second.keys())
    into = definitions.rates.into if definitions.rates else ""
    unit = currency or (into if into in units else next(iter(units), ""))
    return judged(definitions.kpis[kpi], first.get(unit), second.get(unit))


def judged(kpi: Kpi, before: KpiValue | None, after: KpiValue | None) -> Comparison:
    """What the two values say of each other."""
    sides = {"before": before, "after": after}
    if not before or not after or before.value is None or after.value is None:
        return Comparison(**sides, change=None, interval=(None, None), verdict="unknown")
    first, second = float(before.value), float(after.value)
    if kpi.unit not in ("seconds", "ratio"):
        return Comparison(
            **sides, change=second - first, interval=(None, None), verdict="not_a_sample"
        )
    interval = difference(first, _interval(before), second, _interval(after))
    few = min(before.n, after.n) < kpi.minimum_sample
    verdict: Verdict = "too_few" if few else _verdict(kpi, interval)
    return Comparison(**sides, change=second - first, interval=interval, verdict=verdict)


def _verdict(kpi: Kpi, interval: Interval) -> Verdict:
    low, high = interval
    fallen, risen = high is not None and high < 0, low is not None and low > 0
    if not (fallen or risen):
        return "unclear"
    return "better" if fallen == (kpi.direction == "lower") else "worse"


def _interval(value: KpiValue) -> Interval:
    low, high = value.low, value.high
    return None if low is None else float(low), None if high is None else float(high)
