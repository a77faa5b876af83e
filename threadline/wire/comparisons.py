"""One KPI on two sides of a change."""

from __future__ import annotations

from typing import Literal

from threadline.wire.values import Instant, Shape

Verdict = Literal["better", "worse", "unclear", "too_few", "unknown", "not_a_sample"]


class ComparedSide(Shape):
    """A KPI over `[start, end)` as it was seen at `as_of`; `label`: of that part only,
    which `title` says, where the label does not.

    `interval` holds the value with 95 % confidence; `coverage` is the share that could be judged.
    """

    start: Instant
    end: Instant
    as_of: Instant
    label: str
    title: str = ""
    value: float | None
    n: int
    interval: tuple[float | None, float | None]
    coverage: float | None
    why: str


class KpiComparison(Shape):
    """`change` is after less before, `interval` its own with 95 % confidence (None: unbounded).

    `verdict` goes by the KPI's direction. `unclear`: chance alone may have done it. `too_few`: a
    side has fewer than the KPI's minimum sample. `not_a_sample`: counts and money of what is open
    are all there is, so chance is no question. `unknown`: a side has no value.
    """

    kpi: str
    title: str
    unit: str
    business: bool
    direction: Literal["lower", "higher"]
    before: ComparedSide
    after: ComparedSide
    change: float | None
    interval: tuple[float | None, float | None]
    verdict: Verdict
    words: str
