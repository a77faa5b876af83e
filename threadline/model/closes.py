"""A monthly close: the figures that were published of a period, and what they rested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from threadline.model.kpis import Counted, Direction, KpiState, Window


@dataclass(frozen=True, kw_only=True)
class ClosedFigure:
    """A figure of a KPI: the whole (no `dimension`), or one label of one; money one per currency.

    Values are exact: money as it was stated, other numbers as the shortest text that gives them
    back.
    """

    dimension: str = ""
    label: str = ""
    value: Decimal | None
    unit: str
    n: int
    target: Decimal | None
    state: KpiState
    coverage: float | None
    low: Decimal | None = None
    high: Decimal | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    note: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells the figures of one KPI apart."""
        return self.dimension, self.label, self.unit


@dataclass(frozen=True, kw_only=True)
class ClosedKpi:
    """A KPI as it was published: reckoned as of `now`, under the definition of that `digest`.

    `population` holds what it was computed from, packed: `rows` rows; None where they were too many
    to keep (not `kept`), or were not asked for.
    """

    kpi: str
    title: str
    business: bool
    direction: Direction
    counts: Counted
    digest: str
    now: datetime
    figures: tuple[ClosedFigure, ...]
    rows: int
    population: bytes | None = field(repr=False)
    kept: bool = True


@dataclass(frozen=True, kw_only=True)
class Close:
    """A period as it was closed: from what was known at `at`, by `who`, at `taken_at`.

    A period that is closed again gets another `revision`; the former stand. `silent` are the
    systems not heard of within their cadence at `at`, `silent_before` those at the end of the
    period. `digest` is SHA-256 over all that is frozen; the audit has it, too.
    """

    period: str
    window: Window
    zone: str
    at: datetime
    who: str
    note: str
    silent: tuple[str, ...]
    silent_before: tuple[str, ...]
    taken_at: datetime
    number: int = 0  # these three are given by the store
    revision: int = 0
    digest: str = ""
