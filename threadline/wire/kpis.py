"""KPIs and how they went."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import Field

from threadline.wire.values import Instant, Page, Shape

KpiState = Literal["ok", "warning", "breached", "unknown", "too_few"]


class KpiPart(Shape):
    """A KPI's value for one value of one dimension; `title` says it, where the label does not."""

    dimension: str
    label: str
    title: str = ""
    value: float | None
    unit: str
    n: int
    state: KpiState
    coverage: float | None


class KpiPercentile(Shape):
    """A percentile of a time, in seconds, with its 95 % interval.

    `low` or `high` is None where the sample is too small to bound it.
    """

    share: float
    value: float
    low: float | None
    high: float | None


class KpiRate(Shape):
    """From `since` on, one unit of `one` was `rate` units of `other`."""

    since: date
    one: str
    other: str
    rate: Decimal


class KpiMoney(Shape):
    """What a sum of money holds of one currency: `amount` of it, worth `value`, of `n` cases.

    `rates` converted it, the earliest first; none where it is the currency of the sum.
    """

    currency: str
    amount: Decimal
    value: Decimal
    n: int
    rates: list[KpiRate]


class KpiSpan(Shape):
    """An earlier window, `[start, end)`, as it stood at `as_of`: at equal maturity."""

    start: Instant
    end: Instant
    as_of: Instant


class Kpi(Shape):
    """A measure over cases, steps of cases, facts or systems (`of`), in a window.

    `group` says what it is about.

    `unit` is seconds (working seconds when `business`), ratio (0 to 1), cases, or the currency of
    money. Money is one item in the reporting currency, and one in each that no rate converts into
    it; without a rate table one for each currency. `money` says what it was stated in. `n` is what
    it was computed from. `value` is None when nothing was measured: `why` says so, or why it should
    not be read. `coverage` is the share of the cases that could be judged. `interval` holds the
    value with 95 % confidence, `percentiles` are those of times. `previous` is the window before
    and `year_ago` the one of a year ago, None where history does not go back so far. `counts` says
    how many cases stood how.
    """

    kpi: str
    title: str
    description: str
    value: float | None
    unit: str
    business: bool = False
    of: Literal["cases", "steps", "facts", "systems"] = "cases"
    group: Literal["money", "time", "quality", "integration"] = "time"
    n: int
    target: float | None
    direction: Literal["lower", "higher"]
    state: KpiState
    coverage: float | None
    previous: float | None
    previous_n: int | None
    year_ago: float | None = None
    year_ago_n: int | None = None
    interval: tuple[float, float] | None
    percentiles: list[KpiPercentile] = Field(default_factory=list)
    beside: dict[str, float | None] = Field(default_factory=dict)
    counts: dict[str, int] = Field(default_factory=dict)
    money: list[KpiMoney] = Field(default_factory=list)
    why: str = ""
    by: list[KpiPart] = Field(default_factory=list)

    @property
    def currency(self) -> str:
        """Of a KPI of money, else ''."""
        return "" if self.unit in ("seconds", "ratio", "cases", "currency") else self.unit


class KpiContributionPart(Shape):
    """What one value of the dimension did to the KPI; of a share, `effect` is `rate` plus `mix`.

    `rate`: its own share changed; `mix`: it weighs more or less than before.
    """

    label: str
    title: str = ""
    value: float | None
    previous: float | None
    n: int
    previous_n: int
    effect: float
    rate: float | None
    mix: float | None


class KpiContribution(Shape):
    """The change of a KPI since an earlier window, divided; the largest effects come first.

    The effects and the `residual` add up to `change`. Shares, sums and counts leave no residual; a
    percentile does, because it is not the sum of anything. `change` is None where one of the
    windows has no value.
    """

    kpi: str
    by: str
    unit: str
    business: bool
    direction: Literal["lower", "higher"]
    value: float | None
    previous: float | None
    change: float | None
    residual: float | None
    parts: list[KpiContributionPart]


class KpiFact(Shape):
    """What counts against a KPI of facts: a fact, or input that became none.

    `reason`: names-nobody or not-tied for orphans; told-again, with the fact it repeats in
    `repeats`; not-understood, with its place in the log as `position`; else the kind of exception.
    """

    source: str
    system: str = ""
    name: str = ""
    fact_id: str = ""
    trace_id: str = ""
    position: str = ""
    repeats: str = ""
    reason: str
    identifiers: list[str] = Field(default_factory=list)
    received_at: Instant


class SystemHeard(Shape):
    """When a system was last heard of, against its cadence.

    `standing`: heard of, silent or unknown.
    """

    system: str
    cadence: str
    last_received_at: Instant | None
    silent_seconds: float | None
    allowed_seconds: float
    standing: str


class KpiSeriesPoint(Shape):
    """A KPI over one part of a window, `[start, end)`."""

    start: Instant
    end: Instant
    value: float | None
    unit: str
    n: int
    target: float | None
    state: KpiState
    coverage: float | None


class KpiPage(Page[Kpi]):
    """KPIs and the window they were computed over, `[start, end)`, as of `as_of`.

    `previous` and `year_ago` are what they are compared with; `fiscal` says whether the fiscal year
    is another than the calendar's. `reporting_currency` is that of the rate table, '' where there
    is none, and `rates_from` says where its rates come from.
    """

    start: Instant
    end: Instant
    as_of: Instant
    previous: KpiSpan | None = None
    year_ago: KpiSpan | None = None
    fiscal: bool = False
    reporting_currency: str = ""
    rates_from: str = ""
