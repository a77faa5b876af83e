"""What alerting reads of a derived case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

COLUMNS = (
    "journey",
    "case_id",
    "root_id",
    "criticality",
    "known_at",
    "completed_at",
    "cancelled_at",
    "paused_from",
    "paused_until",
    "warn_at",
    "due_at",
    "current_step",
    "current_since",
    "current_due_at",
    "waiting_systems",
    "value",
    "currency",
)
MARK = "mark:"  # columns of instants that rules name beside a promise; their names follow it
STEP_MARK = "step-mark:"  # the same beside the promise of the current step


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One case with the instants of its promises.

    `over` names why nothing is owed now: completed, cancelled or paused; empty otherwise. `due_at`
    and `step_due_at` are the last good instants, `warn_at` is the first of warning, as `marks` and
    `step_marks` are the first at which the rules that name them apply.
    """

    journey: str
    case_id: str
    root_id: str
    criticality: str
    known_at: datetime
    over: str
    warn_at: datetime | None
    due_at: datetime | None
    step: str
    since: datetime | None
    step_due_at: datetime | None
    value: Decimal | None
    currency: str
    marks: Mapping[str, datetime] = field(default_factory=dict)
    step_marks: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """Its journey and its id."""
        return self.journey, self.case_id


def late(cases: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Those of `cases` that are running and have a warning, mark or deadline behind them."""
    if cases.is_empty():
        return cases
    marks = [name for name in cases.columns if name.startswith((MARK, STEP_MARK))]
    at = pl.lit(now)
    ended = pl.any_horizontal(pl.col("completed_at", "cancelled_at").is_not_null())
    paused = (pl.col("paused_from") <= at) & (pl.col("paused_until") > at)
    begun = pl.min_horizontal("warn_at", *marks) <= at
    passed = begun.fill_null(False) | (pl.min_horizontal("due_at", "current_due_at") < at)
    return cases.filter(~ended & ~paused.fill_null(False) & passed.fill_null(False))


def read(cases: pl.DataFrame, now: datetime) -> Iterator[Case]:
    """The rows of `cases` (columns as the telemetry store's table `cases`) as they are at `now`."""
    marks = [name for name in cases.columns if name.startswith((MARK, STEP_MARK))]
    for row in cases.select(*COLUMNS, *marks).iter_rows(named=True):
        yield Case(
            journey=row["journey"],
            case_id=row["case_id"],
            root_id=row["root_id"],
            criticality=row["criticality"],
            known_at=row["known_at"],
            over=_over(row, now),
            warn_at=row["warn_at"],
            due_at=row["due_at"],
            step=row["current_step"] or "",
            since=row["current_since"],
            step_due_at=row["current_due_at"],
            value=row["value"],
            currency=row["currency"] or "",
            marks=_marks(row, marks, MARK),
            step_marks=_marks(row, marks, STEP_MARK),
        )


def _marks(row: Mapping[str, Any], names: list[str], prefix: str) -> Mapping[str, datetime]:
    mine = [name for name in names if name.startswith(prefix)]
    return {name.removeprefix(prefix): row[name] for name in mine if row[name] is not None}


def _over(row: dict[str, Any], now: datetime) -> str:
    if row["completed_at"] is not None:
        return "completed"
    if row["cancelled_at"] is not None:
        return "cancelled"
    # The last pause is kept when it is over, and one without a word ends when its maximum does.
    paused = row["paused_from"] is not None and row["paused_from"] <= now < row["paused_until"]
    return "paused" if paused else ""
