"""Which cases a KPI looks at, and how each of them stands.

A population has one row per case (per contract for value at risk) with journey, case_id, root_id, the
dimensions, and: `standing`, a word; `behind`, whether the value was computed from it; `hit`, whether
it is in the numerator; `measure`, a number of seconds; `amount` and `currency`. Values are
computed from populations and from nothing else, so a number opens to exactly its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from metrics.calendars import NANOSECONDS
from metrics.definitions import Definitions
from metrics.derive import Derived
from metrics.kpis.ages import worked_by, working_time
from metrics.states import INSTANT, with_states
from threadline.model.kpis import Kpi, Measure, Window

UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What was derived, seen from `now`, with the systems that are silent then."""

    derived: Derived
    definitions: Definitions
    now: datetime
    silent: Collection[str] = ()

    def cases(self, kpi: Kpi, journey: str | None) -> pl.DataFrame:
        """The cases of the KPI's journeys that have started, with their states."""
        cases = self.derived.cases.filter(pl.col("started_at") <= self.instant)
        names = [journey] if journey else list(kpi.journeys)
        if names:
            cases = cases.filter(pl.col("journey").is_in(names))
        cases = cases.with_columns(raw_due_at="due_at")
        return with_states(cases, self.now, self.silent)

    @property
    def instant(self) -> pl.Expr:
        return pl.lit(self.now).cast(INSTANT)


def population(kpi: Kpi, scene: Scene, window: Window, journey: str | None) -> pl.DataFrame:
    """The population of `kpi` in `window`, by the KPI's anchor."""
    rows = MEASURES[kpi.measure](kpi, scene, window, scene.cases(kpi, journey))
    empty = {"measure": pl.lit(None, pl.Float64), "amount": pl.lit(None, pl.Decimal(18, 2))}
    absent = [value.alias(name) for name, value in empty.items() if name not in rows.columns]
    return rows.with_columns(absent)


def _anchored(name: str, kpi: Kpi, scene: Scene, window: Window) -> pl.Expr:
    """Whether the instant lies in the window, has happened, and is mature."""
    start, end = (pl.lit(at).cast(INSTANT) for at in (window.start, window.end))
    mature = pl.lit(scene.now - kpi.maturity).cast(INSTANT)
    at = pl.col(name)
    return (at >= start) & (at < end) & (at <= mature)


def _cycle_time(kpi: Kpi, scene: Scene, window: Window, cases: pl.DataFrame) -> pl.DataFrame:
    """Ended in the window, and beside them those still open at its end with their age so far."""
    ended = cases.filter(_anchored("completed_at", kpi, scene, window)).with_columns(
        standing=pl.lit("ended"), behind=pl.lit(True), hit=pl.lit(True)
    )
    end = min(scene.now, window.end)
    at = pl.lit(end).cast(INSTANT)
    past = (pl.col("completed_at") <= at) | (pl.col("cancelled_at") <= at)
    going = cases.filter(pl.col("started_at") < at, ~past.fill_null(False)).with_columns(
        standing=pl.lit("open"), behind=pl.lit(False), hit=pl.lit(False)
    )
    if not kpi.business:
        lasted = _seconds(pl.col("completed_at") - pl.col("started_at"))
        age = _seconds(at - pl.col("started_at"))
        return pl.concat([ended.with_columns(measure=lasted), going.with_columns(measure=age)])
    going = going.with_columns(measure=worked_by(going, end, scene.definitions))
    return pl.concat([ended.with_columns(measure="business_seconds"), going])


def _step_time(kpi: Kpi, scene: Scene, window: Window, cases: pl.DataFrame) -> pl.DataFrame:
    """The step was closed in the window: the time from the start of the case."""
    closed = scene.derived.steps.filter(
        pl.col("step") == kpi.step, _anchored("closed_at", kpi, scene, window)
    ).select("journey", "case_id", "closed_at", step_system="system")
    rows = cases.join(closed, on=["journey", "case_id"])
    lasted = rows.select(_seconds(pl.col("closed_at") - pl.col("started_at"))).to_series()
    if kpi.business:
        lasted = working_time(rows, "started_at", "closed_at", scene.definitions)
    return rows.with_columns(
        standing=pl.lit("closed"), behind=pl.lit(True), hit=pl.lit(True), measure=lasted
    )


def _failed_steps(kpi: Kpi, scene: Scene, window: Window, cases: pl.DataFrame) -> pl.DataFrame:
    """Started in the window; a hit if the step had failed by now."""
    failed = scene.derived.steps.filter(
        pl.col("step") == kpi.step, pl.col("first_failed_at") <= scene.instant
    ).select("journey", "case_id", hit=pl.lit(True))
    started = cases.filter(_anchored("started_at", kpi, scene, window))
    rows = started.join(failed, on=["journey", "case_id"], how="left")
    rows = rows.with_columns(pl.col("hit").fill_null(False), behind=pl.lit(True))
    return rows.with_columns(standing=_word("hit", "failed", "not failed"))


def _attainment(kpi: Kpi, scene: Scene, window: Window, cases: pl.DataFrame) -> pl.DataFrame:
    """The promise ended in the window, and before now: met or missed; open and late is a miss.

    A paused case is not due until it goes on: the deadline that its pause put off has not passed.
    """
    passed = (pl.col("raw_due_at") < scene.instant) & (pl.col("state") != "cancelled")
    due = cases.filter(_anchored("raw_due_at", kpi, scene, window), passed)
    standing = pl.col("sla").replace({"breached": "missed"})
    return due.with_columns(
        standing=standing, behind=standing != UNKNOWN, hit=standing == "met"
    )


def _stuck(kpi: Kpi, scene: Scene, window: Window, cases: pl.DataFrame) -> pl.DataFrame:
    """Open now; a hit if the current step is past its own deadline and its source is not silent."""
    keys = ["journey", "case_id"]
    now, is_open = scene.instant, cases.filter(pl.col("state") == "open")
    places = [
        (journey.name, step.name, place)
        for journey in scene.definitions.journeys.values()
        for place, step in enumerate(journey.steps)
    ]
    order = pl.DataFrame(
        places,
        schema={"journey": pl.String, "step": pl.String, "place": pl.UInt16},
        orient="row",
    )
    unclosed = pl.col("closed_at").is_null() | (pl.col("closed_at") > now)
    current = (
        scene.derived.steps.filter("required", unclosed, pl.col("ready_at") <= now)
        .join(order, on=["journey", "step"])
        .sort("ready_at", "place")
        .unique(keys, keep="first", maintain_order=True)
        .select(*keys, "ready_at", step_system="system", step_due_at="due_at")
    )
    late = (pl.col("step_due_at") < now).fill_null(False)
    silent = pl.col("step_system").is_in(list(scene.silent))
    rows = is_open.join(current, on=keys, how="left").with_columns(
        hit=late & ~silent, measure=_seconds(now - pl.col("ready_at"))
    )
    standing = pl.when(late & silent).then(pl.lit(UNKNOWN)).otherwise(_word("hit", "stuck", "open"))
    return rows.with_columns(standing=standing, behind="hit")


def _value_at_risk(kpi: Kpi, scene: Scene, window: Window, cases: pl.DataFrame) -> pl.DataFrame:
    """Contracts with an open case; a hit if one is breached or at risk. Each contract once.

    The contract is shown by its most urgent case, and valued as by the open case that started first.
    """
    is_open = cases.filter(pl.col("state") == "open")
    urgency = pl.col("sla").replace_strict({"breached": 0, "at_risk": 1, UNKNOWN: 2}, default=3)
    urgent = (
        is_open.with_columns(urgency=urgency)
        .sort("urgency", "due_at", "journey", "case_id", nulls_last=True)
        .unique("root_id", keep="first", maintain_order=True)
    )
    stated = pl.col("value").is_not_null() & (pl.col("currency") != "")
    valued = (
        is_open.filter(stated)
        .sort("started_at", "journey", "case_id")
        .unique("root_id", keep="first", maintain_order=True)
        .select("root_id", "value", "currency")
    )
    rows = urgent.drop("value", "currency").join(valued, on="root_id", how="left")
    rows = rows.with_columns(amount="value", hit=pl.col("urgency") <= 1)
    unjudged = (pl.col("urgency") == 2) | pl.col("amount").is_null()
    standing = pl.when(unjudged).then(pl.lit(UNKNOWN)).otherwise(_word("hit", "at risk", "open"))
    return rows.with_columns(standing=standing, hit=pl.col("hit") & ~unjudged).with_columns(
        behind="hit"
    )


def _seconds(length: pl.Expr) -> pl.Expr:
    return length.dt.total_nanoseconds() / NANOSECONDS


def _word(flag: str, yes: str, no: str) -> pl.Expr:
    return pl.when(flag).then(pl.lit(yes)).otherwise(pl.lit(no))


MEASURES: Mapping[Measure, Callable[[Kpi, Scene, Window, pl.DataFrame], pl.DataFrame]] = {
    "cycle-time": _cycle_time,
    "step-time": _step_time,
    "failed-steps": _failed_steps,
    "sla-attainment": _attainment,
    "stuck-cases": _stuck,
    "value-at-risk": _value_at_risk,
}
