"""Populations whose rows are steps of cases: how long passages took, who made them, what waits.

A row has the columns of its case and of the step (`step`, `hop`, `since`, `until`).
"""

from __future__ import annotations

import polars as pl

from metrics.calendars import as_seconds
from metrics.kpis.ages import working_time
from metrics.kpis.scene import UNKNOWN, Question
from metrics.states import INSTANT, over

KEYS = ["journey", "case_id"]


def hop_time(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """Closed in the window: the time since the last step before it was closed.

    Unknown where a step before it is not closed, or was closed later: order that cannot be.
    """
    rows = _steps(ask, cases, ask.anchored("closed_at"))
    rows = rows.with_columns(since="ready_at", until="closed_at")
    known = (pl.col("since") <= pl.col("until")).fill_null(False)
    standing = pl.when(known).then(pl.lit("passed")).otherwise(pl.lit(UNKNOWN))
    return _lasting(ask, rows.with_columns(standing=standing, behind=known, hit=known))


def recovery_time(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """Had failed, and was closed in the window: the time since it first failed.

    Beside them those that had failed and were still open at its end, with their age so far.
    """
    end = min(ask.scene.now, ask.window.end)
    at = pl.lit(end).cast(INSTANT)
    failed = _steps(ask, cases, pl.col("first_failed_at") <= at)
    failed = failed.with_columns(since="first_failed_at")
    healed = failed.filter(ask.anchored("closed_at")).with_columns(
        standing=pl.lit("recovered"), behind=pl.lit(True), hit=pl.lit(True), until="closed_at"
    )
    past = (pl.col("closed_at") <= at).fill_null(False) | over(at)
    ailing = failed.filter("required", ~past).with_columns(
        standing=pl.lit("failing"), behind=pl.lit(False), hit=pl.lit(False), until=at
    )
    return _lasting(ask, pl.concat([healed, ailing]))


def manual_touch(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """Closed in the window and an integration's task; a hit if a person did it, unknown if nobody
    says who did."""
    rows = _steps(ask, cases, ask.anchored("closed_at")).filter(~pl.col("by_person"))
    by, told = pl.col("actor_type") == "user", pl.col("actor_type") != ""
    standing = pl.when(by).then(pl.lit("by a person")).otherwise(pl.lit("by an integration"))
    return rows.with_columns(
        since="ready_at",
        until="closed_at",
        standing=pl.when(told).then(standing).otherwise(pl.lit(UNKNOWN)),
        behind=told,
        hit=by,
    )


def backlog(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """Entered by now and not left; unknown while the system that would tell is silent."""
    now = ask.scene.instant
    waits = pl.col("closed_at").is_null() | (pl.col("closed_at") > now)
    going = cases.filter(pl.col("state").is_in(["open", "paused"]))
    rows = _steps(ask, going, pl.col("required"), pl.col("ready_at") <= now, waits)
    silent = pl.col("system").is_in(list(ask.scene.silent))
    late = (pl.col("step_due_at") < now).fill_null(False)
    standing = (
        pl.when(silent)
        .then(pl.lit(UNKNOWN))
        .when(pl.col("state") == "paused")
        .then(pl.lit("paused"))
        .when(late)
        .then(pl.lit("late"))
        .otherwise(pl.lit("waiting"))
    )
    lasted = as_seconds((now - pl.col("ready_at")).dt.total_nanoseconds())
    return rows.with_columns(
        since="ready_at",
        until=pl.lit(None, INSTANT),
        standing=standing,
        behind=~silent,
        hit=~silent,
        measure=lasted,
    )


def started_to_step(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """Started in the window: the time to the step, or so far; behind the value both.

    Left out and shown: cases with an exception of the kinds named by now, and cancelled ones.
    """
    closed = ask.scene.derived.steps.filter(
        pl.col("step") == ask.kpi.step, pl.col("closed_at") <= ask.scene.instant
    ).select(*KEYS, until="closed_at")
    told = ask.scene.derived.exceptions.filter(
        pl.col("kind").is_in(ask.kpi.kinds), pl.col("at") <= ask.scene.instant
    )
    aside = told.sort("kind").unique(KEYS, keep="first").select(*KEYS, aside="kind")
    rows = cases.filter(ask.anchored("started_at"))
    rows = rows.join(closed, on=KEYS, how="left").join(aside, on=KEYS, how="left")
    reached, cancelled = pl.col("until").is_not_null(), pl.col("state") == "cancelled"
    standing = (
        pl.when(pl.col("aside").is_not_null())
        .then("aside")
        .when(reached)
        .then(pl.lit(ask.kpi.step))
        .when(cancelled)
        .then(pl.lit("cancelled"))
        .otherwise(pl.lit("waiting"))
    )
    counted = standing.is_in([ask.kpi.step, "waiting"])
    rows = rows.with_columns(
        since="started_at",
        until=pl.col("until").fill_null(ask.scene.instant),
        standing=standing,
        behind=counted,
        hit=counted & reached,
    )
    return _lasting(ask, rows.drop("aside"))


def audited(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """Completed in the window; a hit if every step that it required has the fact that closed it.

    Unknown where a step rests on sampled spans: what else was told of it nobody kept.
    """
    completed = cases.filter(ask.anchored("completed_at"))
    evidenced = pl.col("closed_at").is_not_null() & (pl.col("closed_by") != "")
    steps = ask.scene.derived.steps.filter("required").join(completed, on=KEYS, how="semi")
    known = steps.group_by(KEYS).agg(evidenced=evidenced.all(), sampled=pl.col("sampled").any())
    rows = completed.join(known, on=KEYS, how="left")
    whole, grey = pl.col("evidenced").fill_null(False), pl.col("sampled").fill_null(False)
    standing = (
        pl.when(~whole)
        .then(pl.lit("a step lacks evidence"))
        .when(grey)
        .then(pl.lit(UNKNOWN))
        .otherwise(pl.lit("evidence for every step"))
    )
    rows = rows.with_columns(standing=standing, behind=~whole | ~grey, hit=whole & ~grey)
    return rows.drop("evidenced", "sampled")


def _steps(ask: Question, cases: pl.DataFrame, *which: pl.Expr) -> pl.DataFrame:
    """The steps of `cases` of which `which` holds, each beside its case."""
    names = ["required", "ready_at", "closed_at", "first_failed_at", "actor_type"]
    steps = ask.scene.derived.steps.filter(*which)
    steps = steps.select(*KEYS, "step", "system", *names, step_due_at="due_at")
    performers = ask.scene.places.select("journey", "step", "by_person")
    steps = steps.join(performers, on=["journey", "step"])
    hop = pl.concat_str("journey", "step", separator="/")
    return cases.drop("system").join(steps, on=KEYS).with_columns(hop=hop)


def _lasting(ask: Question, rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the time between `since` and `until`; null where that cannot be."""
    if ask.kpi.business:
        lasted = working_time(rows, "since", "until", ask.scene.definitions)
    else:
        length = (pl.col("until") - pl.col("since")).dt.total_nanoseconds()
        lasted = rows.select(as_seconds(length)).to_series()
    return rows.with_columns(measure=lasted)
