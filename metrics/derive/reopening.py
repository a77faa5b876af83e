"""Cases that go on after they had ended, or whose steps were undone: derived in rounds.

Each round takes the cases in which something re-opens what the round before found, and finds out
how far they have come since. Cases of journeys that declare no re-opening take one round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from metrics.calendars import Calendar, Clocks
from metrics.derive.attributes import case_attributes, forget_later
from metrics.derive.clocks import with_calendars, with_deadlines
from metrics.derive.comparisons import compared
from metrics.derive.evidence import Evidence
from metrics.derive.pauses import pauses
from metrics.derive.progress import closings, finished, readied
from metrics.derive.repeats import with_times
from metrics.derive.rows import INSTANT
from metrics.derive.runs import GAPS, alive
from metrics.derive.told import Told
from threadline.model.journeys import Journey

EARLIER: dict[str, pl.DataType] = {
    "case": pl.UInt32(),
    "index": pl.UInt16(),
    "opened": INSTANT,
    "ready": INSTANT,
    "closed": INSTANT,
    "until": INSTANT,
}
_STARTED = ("case", "case_id", "root_id", "started_at", "start", "known_at", "cancelled_at")
_REOPENED: dict[str, pl.DataType] = {
    "reopened_at": INSTANT,
    "reopenings": pl.UInt32(),
    "ended_before_at": INSTANT,
    "ended_before_as": pl.String(),
    "promised_at": INSTANT,
    "promise": pl.UInt8(),
}

_ENDING = (
    pl.when(pl.col("completed_at").is_null())
    .then(pl.lit("cancelled"))
    .otherwise(pl.lit("completed"))
)


@dataclass(frozen=True, kw_only=True)
class Course:
    """How far cases have come.

    `runs`: one row per case, with `closed<i>`, `required<i>`, `ready<i>` of every step, the
    attributes, the instants of its end, and of its last re-opening; `promised_at` and `promise`
    tell since when which rule of `reopen` gives the budget, and `opened<i>` since when a step has
    to be done (again), where that is not from the start. `evidence`: the facts that count.
    `closings`: of the last round. `earlier`: what was undone: case, index, and since when the step
    had to be done, was ready, was closed, and until when that stood. `gaps`: from an end to the
    re-opening: case, paused_from, paused_until.
    """

    runs: pl.DataFrame
    evidence: Evidence
    closings: pl.DataFrame
    earlier: pl.DataFrame
    gaps: pl.DataFrame


def course(
    journey: Journey,
    known: Told,
    told_of: Evidence,
    runs: pl.DataFrame,
    calendars: Mapping[str, Calendar],
) -> Course:
    """How far the cases of `runs` have come, the last of their re-openings minded."""
    runs = runs.with_columns(pl.lit(None, kind).alias(name) for name, kind in _REOPENED.items())
    runs = runs.with_columns(
        pl.col("reopenings").fill_null(0),
        pl.col("ended_before_as").fill_null(""),
        since="started_at",
    )
    if journey.reopen:
        never = pl.lit(None, INSTANT)
        runs = runs.with_columns(never.alias(f"opened{i}") for i in range(len(journey.steps)))
    now = _round(journey, known, told_of, runs)
    parts = []
    while not (turns := _turns(journey, told_of, now.runs)).is_empty():
        settled = now.runs.join(turns, on="case", how="anti")
        parts.append((settled, now.closings.join(settled, on="case", how="semi")))
        now = _after(journey, known, told_of, now, turns, calendars)
    if not parts:
        return now
    parts.append((now.runs, now.closings))
    whole = pl.concat([part for part, _ in parts])
    held = compared(journey, told_of, whole)
    return replace(
        now,
        runs=whole,
        evidence=replace(held, links=alive(held.links, now.gaps)),
        closings=pl.concat([part for _, part in parts]),
    )


def _round(journey: Journey, known: Told, told_of: Evidence, runs: pl.DataFrame) -> Course:
    runs = with_times(journey, case_attributes(journey, known, runs))
    found = compared(journey, told_of, runs)
    closed = closings(journey, found, runs)
    runs = readied(journey, forget_later(journey, finished(journey, runs, closed)))
    return Course(
        runs=runs,
        evidence=found,
        closings=closed,
        earlier=pl.DataFrame(schema=EARLIER),
        gaps=pl.DataFrame(schema=GAPS),
    )


def _turns(journey: Journey, told_of: Evidence, runs: pl.DataFrame) -> pl.DataFrame:
    """What re-opens next: case, at, ended (whether the case was then), rules (of `reopen`).

    A case that has not ended has steps undone if one that a rule names is closed.
    """
    if not journey.reopen:
        return pl.DataFrame(schema={"case": pl.UInt32})
    told = told_of.of("reopen").select("case", "index", "at").join(runs, on="case")
    ended = (pl.col("at") >= pl.col("ended_at")).fill_null(False)
    fits: pl.Expr = pl.lit(False)
    for place, rule in enumerate(journey.reopen):
        closed = [pl.col(f"closed{journey.positions[name]}") <= pl.col("at") for name in rule.redo]
        undone = pl.any_horizontal(pl.lit(False), *closed).fill_null(False)
        here = pl.when(ended).then(_ENDING.is_in(rule.after))
        fits |= (pl.col("index") == place) & here.otherwise(undone & ("completed" in rule.after))
    told = told.filter(pl.col("at") > pl.col("since"), fits)
    told = told.filter(pl.col("at") == pl.col("at").min().over("case"))
    return told.group_by("case").agg(
        pl.col("at").first(), ended.first().alias("ended"), rules=pl.col("index").unique().sort()
    )


def _after(
    journey: Journey,
    known: Told,
    told_of: Evidence,
    before: Course,
    turns: pl.DataFrame,
    calendars: Mapping[str, Calendar],
) -> Course:
    """The next round, of the cases in which something re-opens."""
    old = before.runs.join(turns, on="case")
    gaps = old.filter("ended").select("case", paused_from="ended_at", paused_until="at")
    gaps = pl.concat([before.gaps, gaps])
    opened = [_opened(journey, index) for index in range(len(journey.steps))]
    undone = [_undone(old, index, new) for index, new in enumerate(opened)]
    renewed = _promises(journey, told_of, old, before, calendars)
    ended = pl.col("ended")
    fresh = renewed.with_columns(
        *(new.alias(f"opened{index}") for index, new in enumerate(opened)),
        since="at",
        reopened_at=pl.when(ended).then("at").otherwise("reopened_at"),
        reopenings=pl.col("reopenings") + ended.cast(pl.UInt32),
        ended_before_at=pl.when(ended).then("ended_at").otherwise("ended_before_at"),
        ended_before_as=pl.when(ended).then(_ENDING).otherwise("ended_before_as"),
    )
    names = [f"opened{index}" for index in range(len(opened))]
    runs = _cancelled(told_of, fresh).select(*_STARTED, *_REOPENED, "since", *names)
    after = _round(journey, known, told_of, runs)
    return replace(after, gaps=gaps, earlier=pl.concat([before.earlier, *undone]))


def _opened(journey: Journey, index: int) -> pl.Expr:
    """Since when a step has to be done from now on: what was not done by the end starts anew."""
    name = journey.steps[index].name
    redone = [place for place, r in enumerate(journey.reopen) if name in journey.following(r.redo)]
    again = pl.any_horizontal(
        pl.lit(False), *(pl.col("rules").list.contains(place) for place in redone)
    )
    left = pl.col("ended") & ~_done(index)
    return pl.when(again | left).then("at").otherwise(f"opened{index}")


def _done(index: int) -> pl.Expr:
    end = pl.min_horizontal("at", "ended_at")
    return (pl.col(f"closed{index}") <= end).fill_null(False)


def _undone(old: pl.DataFrame, index: int, opened: pl.Expr) -> pl.DataFrame:
    before = pl.col(f"opened{index}")
    changed = old.filter((opened == pl.col("at")).fill_null(False))
    return changed.select(
        "case",
        pl.lit(index, pl.UInt16).alias("index"),
        before.alias("opened"),
        pl.col(f"ready{index}").alias("ready"),
        pl.when(_done(index)).then(f"closed{index}").alias("closed"),
        pl.col("at").alias("until"),
    )


def _cancelled(told_of: Evidence, runs: pl.DataFrame) -> pl.DataFrame:
    """`runs` with the first cancellation since they were last re-opened, else since the start."""
    bounds = runs.select("case", "started_at", again="reopened_at")
    told = told_of.of("cancel").select("case", cancelled_at="at").join(bounds, on="case")
    later = pl.col("cancelled_at") > pl.col("again")
    told = told.filter(later.fill_null(pl.col("cancelled_at") >= pl.col("started_at")))
    first = told.group_by("case").agg(pl.col("cancelled_at").min())
    return runs.drop("cancelled_at").join(first, on="case", how="left")


def _promises(
    journey: Journey,
    told_of: Evidence,
    runs: pl.DataFrame,
    before: Course,
    calendars: Mapping[str, Calendar],
) -> pl.DataFrame:
    """`runs` with the new budget of those rules that give one; a promise missed stays missed."""
    renewing = [place for place, rule in enumerate(journey.reopen) if rule.within]
    if not renewing:
        return runs
    clocks = Clocks(calendars)
    runs = with_calendars(journey, runs, calendars)
    counted = replace(told_of, links=alive(told_of.links, before.gaps))
    stops = pauses(journey, counted, runs, before.gaps, clocks)
    runs = with_deadlines(journey, runs, pl.concat([stops, before.gaps]), clocks)
    first = pl.element().filter(pl.element().is_in(renewing))
    rule = pl.col("rules").list.eval(first).list.first()
    kept = pl.col("ended_at") <= pl.col("due_at")
    new = pl.col("ended") & rule.is_not_null() & kept.fill_null(True)
    return runs.with_columns(
        promised_at=pl.when(new).then("at").otherwise("promised_at"),
        promise=pl.when(new).then(rule).otherwise("promise").cast(pl.UInt8),
    )
