"""Which cases a KPI looks at, and how each of them stands.

A population has one row per case (per step of a case where steps are counted; per contract for
value at risk; for revenue leakage copies of mastered amounts, too): the columns of `cases` with
their states, and `standing`, a word; `behind`, whether the value was computed from the row; `hit`,
whether it is in the numerator; `measure`, a number of seconds; `amount`, money, in the currency
`counted_in` where it was `stated` in another; `weight`, 1. A
population of facts has one row per source and standing, and `weight` says how many facts.
Values are computed from populations and from nothing else, so a number opens to exactly its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from metrics.calendars import as_seconds
from metrics.derive.rows import MONEY
from metrics.kpis.ages import worked_by, working_time
from metrics.kpis.leakage import leakage
from metrics.kpis.money import reported
from metrics.kpis.passages import (
    audited,
    backlog,
    hop_time,
    manual_touch,
    recovery_time,
    started_to_step,
)
from metrics.kpis.receipts import intake_population
from metrics.kpis.scene import UNKNOWN, Question
from metrics.states import INSTANT, over
from threadline.model.kpis import Measure


def population(ask: Question) -> pl.DataFrame:
    """The population of the KPI in the window, by the KPI's anchor."""
    if ask.kpi.asks_intake:
        return intake_population(ask.kpi, ask.scene.received[ask.window, ask.kpi.name])
    rows = MEASURES[ask.kpi.measure](ask, ask.scene.cases(ask.kpi, ask.journey))
    empty = {"measure": pl.Float64(), "amount": MONEY}
    absent = {name: kind for name, kind in empty.items() if name not in rows.columns}
    rows = rows.with_columns(pl.lit(None, kind).alias(name) for name, kind in absent.items())
    if ask.kpi.unit == "currency":
        rows = reported(rows, ask.scene.definitions.rates, ask.scene.now)
    return rows.with_columns(weight=pl.lit(1, pl.Int64))


def _cycle_time(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """Ended in the window, and beside them those still open at its end with their age so far."""
    ended = cases.filter(ask.anchored("completed_at")).with_columns(
        standing=pl.lit("ended"), behind=pl.lit(True), hit=pl.lit(True)
    )
    end = min(ask.scene.now, ask.window.end)
    at = pl.lit(end).cast(INSTANT)
    going = cases.filter(pl.col("started_at") < at, ~over(at)).with_columns(
        standing=pl.lit("open"), behind=pl.lit(False), hit=pl.lit(False)
    )
    if not ask.kpi.business:
        lasted = _seconds(pl.col("completed_at") - pl.col("started_at"))
        age = _seconds(at - pl.col("started_at"))
        return pl.concat([ended.with_columns(measure=lasted), going.with_columns(measure=age)])
    going = going.with_columns(measure=worked_by(going, end, ask.scene.definitions))
    return pl.concat([ended.with_columns(measure="business_seconds"), going])


def _step_time(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """The step was closed in the window: the time from the start of the case."""
    closed = ask.scene.derived.steps.filter(
        pl.col("step") == ask.kpi.step, ask.anchored("closed_at")
    ).select("journey", "case_id", "closed_at", "system")
    rows = _by_step(ask, cases.drop("system")).join(closed, on=["journey", "case_id"])
    lasted = rows.select(_seconds(pl.col("closed_at") - pl.col("started_at"))).to_series()
    if ask.kpi.business:
        lasted = working_time(rows, "started_at", "closed_at", ask.scene.definitions)
    return rows.with_columns(
        standing=pl.lit("closed"), behind=pl.lit(True), hit=pl.lit(True), measure=lasted
    )


def _failed_steps(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """Started in the window; a hit if the step had failed by now."""
    failed = ask.scene.derived.steps.filter(
        pl.col("step") == ask.kpi.step, pl.col("first_failed_at") <= ask.scene.instant
    ).select("journey", "case_id", hit=pl.lit(True))
    started = _by_step(ask, cases.filter(ask.anchored("started_at"))).drop("system")
    started = started.join(
        ask.scene.places.filter(pl.col("step") == ask.kpi.step).select("journey", "system"),
        on="journey",
    )
    rows = started.join(failed, on=["journey", "case_id"], how="left")
    rows = rows.with_columns(pl.col("hit").fill_null(False), behind=pl.lit(True))
    return rows.with_columns(standing=_word("hit", "failed", "not failed"))


def _by_step(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """`cases` with the `alternative` of the KPI's own step."""
    mine = ask.scene.tried.filter(pl.col("step") == ask.kpi.step).drop("step")
    return cases.drop("alternative").join(mine, on=["journey", "case_id"], how="left")


def _exception_share(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """Started in the window; a hit if there has been an exception of the kinds asked for by now."""
    told = _by_now(ask)
    if ask.kpi.kinds:
        told = told.filter(pl.col("kind").is_in(ask.kpi.kinds))
    rows = _marked(cases.filter(ask.anchored("started_at")), told)
    return rows.with_columns(
        behind=pl.lit(True), hit="marked", standing=_word("marked", "exception", "no exception")
    ).drop("marked")


def _first_time_right(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """Completed in the window; a hit if by now without exception, and no step was done again."""
    rows = _marked(cases.filter(ask.anchored("completed_at")), _by_now(ask))
    again = pl.col("rework") > 0
    standing = (
        pl.when("marked").then(pl.lit("exception")).otherwise(_word(again, "rework", "right"))
    )
    return rows.with_columns(
        behind=pl.lit(True), hit=~pl.col("marked") & ~again, standing=standing
    ).drop("marked")


def _by_now(ask: Question) -> pl.DataFrame:
    return ask.scene.derived.exceptions.filter(pl.col("at") <= ask.scene.instant)


def _marked(cases: pl.DataFrame, exceptions: pl.DataFrame) -> pl.DataFrame:
    """`cases` with `marked`: whether one of the exceptions is theirs."""
    keys = ["journey", "case_id"]
    theirs = exceptions.select(keys).unique().with_columns(marked=pl.lit(True))
    rows = cases.join(theirs, on=keys, how="left", maintain_order="left")
    return rows.with_columns(pl.col("marked").fill_null(False))


def _attainment(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """The promise ended in the window, and before now: met or missed; open and late is a miss.

    A paused case is not due until it goes on: the deadline that its pause put off has not passed.
    """
    passed = (pl.col("raw_due_at") < ask.scene.instant) & (pl.col("state") != "cancelled")
    due = cases.filter(ask.anchored("raw_due_at"), passed)
    standing = pl.col("sla").replace({"breached": "missed"})
    return due.with_columns(standing=standing, behind=standing != UNKNOWN, hit=standing == "met")


def _burn(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """The promise ends in the window: missed, or met, or still to come; all may use up misses."""
    judged = _attainment(ask, cases)
    coming = cases.filter(
        ask.within("due_at"),
        pl.col("raw_due_at") >= ask.scene.instant,
        pl.col("state") != "cancelled",
    )
    coming = coming.with_columns(standing=pl.lit("to come"), behind=pl.lit(True), hit=pl.lit(False))
    missed = pl.col("standing") == "missed"
    return pl.concat([judged.with_columns(hit=missed), coming])


def _stuck(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """Open now; a hit if the current step is past its own deadline and its source is not silent."""
    keys = ["journey", "case_id"]
    now, is_open = ask.scene.instant, cases.filter(pl.col("state") == "open")
    unclosed = pl.col("closed_at").is_null() | (pl.col("closed_at") > now)
    current = (
        ask.scene.derived.steps.filter("required", unclosed, pl.col("ready_at") <= now)
        .join(ask.scene.places.drop("system"), on=["journey", "step"])
        .sort("ready_at", "place")
        .unique(keys, keep="first", maintain_order=True)
        .select(*keys, "system", "ready_at", step_due_at="due_at")
    )
    late = (pl.col("step_due_at") < now).fill_null(False)
    silent = pl.col("system").is_in(list(ask.scene.silent))
    rows = (
        is_open.drop("system")
        .join(current, on=keys, how="left")
        .with_columns(hit=late & ~silent, measure=_seconds(now - pl.col("ready_at")))
    )
    standing = pl.when(late & silent).then(pl.lit(UNKNOWN)).otherwise(_word("hit", "stuck", "open"))
    return rows.with_columns(standing=standing, behind="hit")


def _value_at_risk(_: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """Contracts with an open case; a hit if one is breached or at risk. Each contract once.

    The contract is shown by its most urgent case, and worth what the open case that started first
    says of its root.
    """
    is_open = cases.filter(pl.col("state") == "open")
    unpromised = pl.col("raw_due_at").is_null()
    urgency = pl.col("sla").replace_strict({"breached": 0, "at_risk": 1, UNKNOWN: 2}, default=3)
    urgency = pl.when(unpromised).then(3).otherwise(urgency)
    urgent = (
        is_open.with_columns(urgency=urgency)
        .sort("urgency", "due_at", "journey", "case_id", nulls_last=True)
        .unique("root_id", keep="first", maintain_order=True)
    )
    stated = pl.col("root_value").is_not_null() & (pl.col("root_currency") != "")
    valued = (
        is_open.filter(stated)
        .sort("started_at", "journey", "case_id")
        .unique("root_id", keep="first", maintain_order=True)
        .select("root_id", value="root_value", currency="root_currency")
    )
    rows = urgent.drop("value", "currency").join(valued, on="root_id", how="left")
    risk = pl.col("urgency") <= 1
    unjudged = (pl.col("urgency") == 2) | (risk & pl.col("value").is_null())
    rows = rows.with_columns(amount="value", hit=risk & ~unjudged)
    standing = pl.when(unjudged).then(pl.lit(UNKNOWN)).otherwise(_word("hit", "at risk", "open"))
    return rows.with_columns(standing=standing, behind="hit")


def _seconds(length: pl.Expr) -> pl.Expr:
    return as_seconds(length.dt.total_nanoseconds())


def _word(flag: str | pl.Expr, yes: str, no: str) -> pl.Expr:
    return pl.when(flag).then(pl.lit(yes)).otherwise(pl.lit(no))


MEASURES: Mapping[Measure, Callable[[Question, pl.DataFrame], pl.DataFrame]] = {
    "cycle-time": _cycle_time,
    "step-time": _step_time,
    "failed-steps": _failed_steps,
    "exception-share": _exception_share,
    "first-time-right": _first_time_right,
    "sla-attainment": _attainment,
    "stuck-cases": _stuck,
    "value-at-risk": _value_at_risk,
    "revenue-leakage": leakage,
    "hop-time": hop_time,
    "recovery-time": recovery_time,
    "start-to-step": started_to_step,
    "manual-touch": manual_touch,
    "sla-burn": _burn,
    "audit-completeness": audited,
    "backlog": backlog,
}
