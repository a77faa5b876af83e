"""What is known of cases, told again instant by instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from alerts.case import MARK, STEP_MARK
from threadline.marks import Marking
from threadline.open_cases import is_late
from threadline.store.telemetry.alive import Figures

KEY = ["journey", "case_id"]
INSTANT = pl.Datetime("ns", "UTC")
_JUST = timedelta(microseconds=1)  # a deadline is the last good instant
_SYSTEMS = pl.List(pl.String)
_CURRENT = {
    "current_step": "step",
    "current_since": "ready_at",
    "current_due_at": "step_due_at",
}


@dataclass(frozen=True, kw_only=True)
class Story:
    """`rows` are the cases as they were, one row for each step that one waited for (columns of
    table `cases`, and marks), from `begins` until `ends`. `events` are the instants at which one
    may have something to tell or stops telling it: journey, case_id, at. `failing` are the steps
    that failed (columns as `store.telemetry.failing.steps`), until `ends`.
    """

    rows: pl.DataFrame
    events: pl.DataFrame
    failing: pl.DataFrame

    def at(self, now: datetime) -> pl.DataFrame:
        """Every case as it was at `now`."""
        began, over = pl.col("begins") <= now, (pl.col("ends") <= now).fill_null(False)
        here = self.rows.filter(began & ~over).sort("waits", "begins", "current_step")
        first = here.unique(KEY, keep="last", maintain_order=True)
        return first.with_columns(
            pl.when(pl.col(name) <= now).then(pl.col(name)).alias(name)
            for name in ("completed_at", "cancelled_at")
        ).drop("begins", "ends", "waits")

    def late(self, cases: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """Those of `cases` that were running past a deadline."""
        return cases.filter(is_late(now))

    def failing_at(self, now: datetime) -> pl.DataFrame:
        """The steps that had failed by `now` and were waited for."""
        over = (pl.col("ends") <= now).fill_null(False)
        return self.failing.filter((pl.col("failed_at") <= now) & ~over).drop("ends")


def story(figures: Figures, marking: Marking | None, since: datetime, now: datetime) -> Story:
    """What `figures` tell of the time from `since` to `now`.

    Everything is taken as received when it happened. Cases that had nothing to tell are left out.
    """
    cases = figures.cases.with_columns(known_at=pl.col("started_at"), over=_over())
    steps = figures.steps.filter("required").rename({"due_at": "step_due_at"})
    rows = _rows(cases, steps)
    if marking is not None:
        marks = marking(rows).cast(INSTANT)
        rows = pl.concat([rows, marks], how="horizontal")
    failing = _failing(cases, steps)
    tells = _told(rows, since, now)
    telling = pl.concat([tells.select(KEY), failing.select(KEY)]).unique()
    rows = rows.join(telling, on=KEY, how="semi")
    moments = [tells, *(_at(rows, name) for name in ("over", "ends", "begins", "paused_from"))]
    ends = [_at(failing, name) for name in ("failed_at", "ends")]
    events = pl.concat([*moments, *ends, _at(rows, "paused_until")]).unique()
    within = pl.col("at").is_between(since, now, closed="right")
    return Story(rows=rows.drop("over"), events=events.filter(within), failing=failing)


def _over() -> pl.Expr:
    return pl.min_horizontal("completed_at", "cancelled_at")


def _rows(cases: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """A case waits for the step that was ready first, and for none before and after all."""
    none = cases.with_columns(
        begins=pl.col("started_at"),
        ends=pl.lit(None, INSTANT),
        waits=pl.lit(False),
        current_step=pl.lit(""),
        current_since=pl.lit(None, INSTANT),
        current_due_at=pl.lit(None, INSTANT),
        waiting_systems=pl.lit([], _SYSTEMS),
    )
    waited = steps.filter(pl.col("ready_at").is_not_null()).select(
        *KEY, "step", "system", "ready_at", "step_due_at", "closed_at"
    )
    each = cases.drop(*_CURRENT, "waiting_systems").join(waited, on=KEY)
    each = each.with_columns(
        begins=pl.col("ready_at"),
        ends=pl.col("closed_at"),
        waits=pl.lit(True),
        waiting_systems=pl.concat_list("system"),
        **{name: pl.col(of) for name, of in _CURRENT.items()},
    )
    plain = (pl.col("current_step").cast(pl.String), pl.col("waiting_systems").cast(_SYSTEMS))
    parts = [part.select(none.columns).with_columns(plain) for part in (none, each)]
    return pl.concat(parts, how="vertical_relaxed")


def _failing(cases: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    failed = steps.filter((pl.col("failures") > 0) & pl.col("first_failed_at").is_not_null())
    of = cases.select(
        *KEY,
        "root_id",
        "criticality",
        "known_at",
        "over",
        value="root_value",
        currency="root_currency",
    )
    return failed.join(of, on=KEY).select(
        *(*KEY, "root_id", "criticality", "step", "system"),
        pl.col("message").alias("error"),
        pl.col("first_failed_at").alias("failed_at"),
        *("known_at", "value", "currency"),
        pl.min_horizontal("closed_at", "over").alias("ends"),
    )


def _told(rows: pl.DataFrame, since: datetime, now: datetime) -> pl.DataFrame:
    """When promises and marks passed that were still to be kept then."""
    marks = [name for name in rows.columns if name.startswith((MARK, STEP_MARK))]
    passing = [
        *(_passing(rows, pl.col(name)) for name in ("warn_at", *marks)),
        *(_passing(rows, pl.col(name) + _JUST) for name in ("due_at", "current_due_at")),
    ]
    return pl.concat(passing).filter(pl.col("at").is_between(since, now, closed="right")).unique()


def _passing(rows: pl.DataFrame, at: pl.Expr) -> pl.DataFrame:
    found = rows.select(*KEY, at.cast(INSTANT).alias("at"), "over", "begins", "ends")
    running = (pl.col("at") < pl.min_horizontal("over", "ends")).fill_null(True)
    return found.filter(running & (pl.col("at") >= pl.col("begins"))).select(*KEY, "at")


def _at(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.select(*KEY, pl.col(name).cast(INSTANT).alias("at")).filter(
        pl.col("at").is_not_null()
    )
