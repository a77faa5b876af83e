"""What a KPI measures, and what a value of it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from threadline.model.rates import Rate

Measure = Literal[
    "cycle-time",
    "step-time",
    "failed-steps",
    "exception-share",
    "first-time-right",
    "sla-attainment",
    "stuck-cases",
    "value-at-risk",
    "revenue-leakage",
    "orphan-share",
    "hop-time",
    "recovery-time",
    "start-to-step",
    "manual-touch",
    "sla-burn",
    "audit-completeness",
    "backlog",
    "failed-mapping",
    "duplicate-events",
    "source-freshness",
]
Statistic = Literal["median", "p90", "p95", "p99", "censored_median", "censored_p90"]
Direction = Literal["lower", "higher"]
Counted = Literal["cases", "steps", "facts", "systems"]
Group = Literal["money", "time", "quality", "integration"]
KpiState = Literal["ok", "warning", "breached", "unknown", "too_few"]
Anchor = Literal["started", "ended", "step ended", "due", "received", "now"]

ANCHORS: Mapping[Measure, Anchor] = {
    "cycle-time": "ended",
    "step-time": "step ended",
    "failed-steps": "started",
    "exception-share": "started",
    "first-time-right": "ended",
    "sla-attainment": "due",
    "stuck-cases": "now",
    "value-at-risk": "now",
    "revenue-leakage": "now",
    "orphan-share": "received",
    "hop-time": "step ended",
    "recovery-time": "step ended",
    "start-to-step": "started",
    "manual-touch": "step ended",
    "sla-burn": "due",
    "audit-completeness": "ended",
    "backlog": "now",
    "failed-mapping": "received",
    "duplicate-events": "received",
    "source-freshness": "now",
}

STEPS: tuple[Measure, ...] = ("hop-time", "recovery-time", "manual-touch", "backlog")

GROUPS: Mapping[Measure, Group] = {
    "value-at-risk": "money",
    "revenue-leakage": "money",
    "start-to-step": "money",
    "cycle-time": "time",
    "step-time": "time",
    "sla-attainment": "time",
    "sla-burn": "time",
    "stuck-cases": "time",
    "failed-steps": "quality",
    "exception-share": "quality",
    "first-time-right": "quality",
    "manual-touch": "quality",
    "audit-completeness": "quality",
    "hop-time": "integration",
    "recovery-time": "integration",
    "backlog": "integration",
    "failed-mapping": "integration",
    "duplicate-events": "integration",
    "orphan-share": "integration",
    "source-freshness": "integration",
}


@dataclass(frozen=True, kw_only=True)
class Target:
    """The worst value that is still good, and from where on it is a warning; in the KPI's unit.

    `share_of_open` is for value at risk: the target is that share of the value of all open cases.
    """

    value: float | None = None
    warning: float | None = None
    share_of_open: float | None = None


@dataclass(frozen=True, kw_only=True)
class Kpi:
    """The definition of a KPI. No `journeys` means all of them, no `kinds` any exception."""

    name: str
    title: str
    description: str
    journeys: tuple[str, ...]
    measure: Measure
    direction: Direction
    unit: str
    step: str = ""
    kinds: tuple[str, ...] = ()
    business: bool = False
    statistic: Statistic = "median"
    beside: tuple[Statistic, ...] = ()
    target: Target | None = None
    minimum_sample: int = 1
    maturity: timedelta = timedelta()
    objective: float = 1.0  # sla-burn: the share of cases that has to keep its promise
    within: timedelta = timedelta()  # duplicate-events: what is told again later is a new act

    @property
    def group(self) -> Group:
        """What it is about."""
        return GROUPS[self.measure]

    @property
    def anchor(self) -> Anchor:
        """Which instant of a case, or of a fact, must lie in the window."""
        return ANCHORS[self.measure]

    @property
    def counts(self) -> Counted:
        """What it is computed from."""
        if self.measure == "source-freshness":
            return "systems"
        if self.measure in STEPS:
            return "steps"
        return "facts" if self.anchor == "received" else "cases"

    @property
    def asks_intake(self) -> bool:
        """Whether it is computed from what was received, and not from cases."""
        return self.counts in ("facts", "systems")


@dataclass(frozen=True, kw_only=True)
class Window:
    """`[start, end)`, both timezone-aware."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs timezone-aware instants")
        if self.start >= self.end:
            raise ValueError(f"the window ends ({self.end}) before it starts ({self.start})")

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def before(self) -> Window:
        """The window of the same length that ends where this one starts."""
        return Window(start=self.start - self.length, end=self.start)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A window as it stood at `now`."""

    window: Window
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Previous:
    """The same KPI in an earlier window, as of `now`: at equal maturity."""

    value: float | Decimal | None
    n: int
    window: Window
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Percentile:
    """A quantile and its 95 % interval; an end is None where the sample is too small to bound it.

    In seconds; `share` is 0.5 for the median.
    """

    share: float
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class MoneyPart:
    """What a sum holds of one `currency`: so much of it, worth `value`, of `n` cases.

    `rates` converted it, those of the earliest day first; none where it is the sum's own currency.
    """

    currency: str
    amount: Decimal
    value: Decimal
    n: int
    rates: tuple[Rate, ...]


@dataclass(frozen=True, kw_only=True)
class KpiValue:
    """One value of a KPI for one group of cases (`dimensions`, empty for all).

    `unit`: `seconds` (of business time when `business`), `ratio`, `cases`, or a currency. `n` is
    how many cases (or steps of cases, or systems) the value was computed from, the very ones it
    opens to; facts for a KPI of facts, which opens to those that it counts against its target.
    `low` and `high` bound the value with 95 % confidence; `percentiles` are those of times.
    `coverage` is the share of cases that could be judged at all, None where there were none;
    `counts` says how many stood how; `money` what currencies a sum was made of. `note` says why
    there is no value, or why it says little.
    """

    kpi: str
    title: str
    dimensions: Mapping[str, str]
    window: Window
    now: datetime
    value: float | Decimal | None
    unit: str
    business: bool
    n: int
    target: float | Decimal | None
    state: KpiState
    direction: Direction
    coverage: float | None
    low: float | Decimal | None = None
    high: float | Decimal | None = None
    beside: Mapping[str, float | None] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    percentiles: tuple[Percentile, ...] = ()
    money: tuple[MoneyPart, ...] = ()
    previous: Previous | None = None
    year_ago: Previous | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ContributionPart:
    """A group's part in the change of a KPI; of a share, `effect` is `rate` plus `mix`."""

    label: str
    value: float | None
    previous: float | None
    n: int
    previous_n: int
    effect: float
    rate: float | None
    mix: float | None


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """The change of a KPI from one window to another by the values of a dimension.

    The effects of the parts and the `residual` add up to `change`, in the KPI's unit. `change` is
    None, and there are no parts, where one of the windows has no value.
    """

    kpi: str
    by: str
    unit: str
    business: bool
    direction: Direction
    value: float | None
    previous: float | None
    change: float | None
    residual: float | None
    parts: tuple[ContributionPart, ...]
