"""Which calendar, which promise and so which deadline each case has."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from metrics.calendars import ELAPSED, Calendar, Clocks, as_seconds
from metrics.derive.deadlines import deadlines
from metrics.derive.evidence import holds
from threadline.model.journeys import WARN, CalendarChoice, Duration, Journey


def case_calendar(
    choice: CalendarChoice, value: pl.Expr, calendars: Mapping[str, Calendar]
) -> pl.Expr:
    """The name of the calendar of each case, given the expression of the chooser's text."""
    named = value.str.to_lowercase()
    return pl.when(named.is_in(list(calendars))).then(named).otherwise(pl.lit(choice.otherwise))


def with_calendars(
    journey: Journey, runs: pl.DataFrame, calendars: Mapping[str, Calendar]
) -> pl.DataFrame:
    """`runs` with the name of their calendar and its `day_seconds`."""
    chooser = journey.calendar.attribute
    value = pl.col(chooser) if chooser else pl.lit(None, pl.String)
    days = {name: calendar.day_seconds for name, calendar in calendars.items()}
    name = pl.col("calendar")
    return runs.with_columns(
        calendar=case_calendar(journey.calendar, value, calendars)
    ).with_columns(day_seconds=name.replace_strict(days, return_dtype=pl.Float64))


def with_deadlines(
    journey: Journey, runs: pl.DataFrame, pauses: pl.DataFrame, clocks: Clocks
) -> pl.DataFrame:
    """`runs` with `warn_at` and `due_at` of the first promise that holds; null without any.

    What a re-opening promised counts instead, from then on.
    """
    budget, clock, warn = (pl.lit(None, kind) for kind in (pl.Float64, pl.String, pl.Float64))
    for promise in reversed(journey.promises):
        chosen = pl.when(holds(promise.when))
        budget = chosen.then(_budget(promise.within)).otherwise(budget)
        clock = chosen.then(_clock(promise.within)).otherwise(clock)
        warn = chosen.then(pl.lit(promise.warn)).otherwise(warn)
    for place, rule in enumerate(journey.reopen):
        if rule.within:
            chosen = pl.when(pl.col("promise") == place)
            budget = chosen.then(_budget(rule.within)).otherwise(budget)
            clock = chosen.then(_clock(rule.within)).otherwise(clock)
            warn = chosen.then(pl.lit(WARN)).otherwise(warn)
    columns = {"budget": budget, "clock": clock.fill_null(ELAPSED), "warning": budget * warn}
    rows = runs.select("case", since=pl.coalesce("promised_at", "started_at"), **columns)
    return runs.with_columns(
        due_at=deadlines(rows, pauses, clocks),
        warn_at=deadlines(rows.with_columns(budget="warning"), pauses, clocks),
    )


def with_step_deadlines(
    journey: Journey, steps: pl.DataFrame, runs: pl.DataFrame, pauses: pl.DataFrame, clocks: Clocks
) -> pl.DataFrame:
    """`steps` (case, index, ready_at) with `due_at`; null for those not ready or without one."""
    budget, clock = pl.lit(None, pl.Float64), pl.lit(ELAPSED)
    for index, step in enumerate(journey.steps):
        if step.within:
            chosen = pl.when(pl.col("index") == index)
            budget = chosen.then(_budget(step.within)).otherwise(budget)
            clock = chosen.then(_clock(step.within)).otherwise(clock)
    calendars = runs.select("case", "calendar", "day_seconds")
    rows = steps.join(calendars, on="case", maintain_order="left")
    rows = rows.select("case", since="ready_at", budget=budget, clock=clock)
    return steps.with_columns(due_at=deadlines(rows, pauses, clocks))


def worked(
    runs: pl.DataFrame, pauses: pl.DataFrame, gaps: pl.DataFrame, clocks: Clocks
) -> pl.DataFrame:
    """`runs` with the last pause, and `business_seconds` run when the clock last stopped.

    That is at completion, else at the start of the last pause or of the last time between an end
    and the re-opening (`gaps`); null where it never stopped.
    """
    last = pauses.sort("paused_from").unique("case", keep="last", maintain_order=True)
    runs = runs.join(last, on="case", how="left", maintain_order="left")
    stopped = pl.coalesce("completed_at", pl.max_horizontal("paused_from", "ended_before_at"))
    pauses = pl.concat([pauses, gaps])
    rows = runs.select("case", "calendar", "started_at", stopped=stopped)
    stops = pauses.join(rows, on="case").filter(pl.col("paused_from") < pl.col("stopped"))
    ends = pl.select(pl.min_horizontal(stops["paused_until"], stops["stopped"])).to_series()
    lost = clocks.position(stops["calendar"], ends)
    lost -= clocks.position(stops["calendar"], stops["paused_from"])
    lost_by_case = stops.select("case", lost=lost).group_by("case").agg(pl.col("lost").sum())
    ran = clocks.position(rows["calendar"], rows["stopped"])
    ran -= clocks.position(rows["calendar"], rows["started_at"])
    lost_each = runs.join(lost_by_case, on="case", how="left", maintain_order="left")["lost"]
    return runs.with_columns(business_seconds=as_seconds(ran - lost_each.fill_null(0)))


def _budget(within: Duration) -> pl.Expr:
    return pl.col("day_seconds") * within.days + within.seconds


def _clock(within: Duration) -> pl.Expr:
    return pl.col("calendar") if within.business else pl.lit(ELAPSED)
