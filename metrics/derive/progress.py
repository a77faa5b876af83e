"""How far each case has come: which steps it requires, when each was ready and closed, the finish.

Steps are few and cases many, so each step becomes a pair of columns beside the cases, and the order
of the steps becomes expressions over them.
"""

from __future__ import annotations

from graphlib import TopologicalSorter

import polars as pl

from metrics.derive.attributes import known_since
from metrics.derive.evidence import Evidence, holds
from metrics.derive.repeats import last_of_many
from metrics.derive.rows import INSTANT
from metrics.derive.runs import earliest, until
from threadline.model.journeys import Journey

NEVER = pl.lit(2**62).cast(INSTANT)  # past every plausible instant: an open step, an open case


def closings(journey: Journey, evidence: Evidence, runs: pl.DataFrame) -> pl.DataFrame:
    """The success that closes each step, before a cancellation: case, index, at, fact.

    It is the first one, or the last of those that a step needs which repeats.

    Of steps that were re-opened, the first one after that (`opened<i>`, where `runs` have it).
    """
    successes = until(evidence.of("step"), runs, "cancelled_at")
    if "opened0" in runs.columns:
        since = pl.col("opened").is_null() | (pl.col("at") > pl.col("opened"))
        successes = successes.join(_opened(runs), on=["case", "index"]).filter(since)
    successes = last_of_many(journey, evidence, runs, successes)
    return earliest(successes, "case", "index").select("case", "index", "at", "fact")


def finished(journey: Journey, runs: pl.DataFrame, closings: pl.DataFrame) -> pl.DataFrame:
    """`runs` with `closed<i>` and `required<i>` for every step, and `completed_at`.

    A conditional step counts from when its condition became known: one that became known after the
    finish comes too late to be required.
    """
    for index in range(len(journey.steps)):
        closed = closings.filter(pl.col("index") == index)
        columns = closed.select("case", pl.col("at").alias(f"closed{index}"))
        runs = runs.join(columns, on="case", how="left")
    always = [i for i, step in enumerate(journey.steps) if not (step.when or step.optional)]
    finish = pl.max_horizontal("since", *(_end(index) for index in always))
    runs = runs.with_columns(finish=finish)
    sometimes = [i for i, step in enumerate(journey.steps) if step.when and not step.optional]
    for _ in sometimes:
        asked = [pl.when(_asked(journey, i)).then(_end(i)) for i in sometimes]
        runs = runs.with_columns(finish=pl.max_horizontal("finish", *asked))
    required = {f"required{i}": pl.lit(i in always) for i in range(len(journey.steps))}
    required |= {f"required{i}": _asked(journey, i) for i in sometimes}
    open_still = pl.col("finish") == NEVER
    completed = pl.when(open_still).then(None).otherwise(pl.col("finish"))
    return runs.with_columns(**required).with_columns(
        completed_at=completed,
        cancelled_at=pl.when(open_still).then(pl.col("cancelled_at")),
        ended_at=pl.coalesce(completed, "cancelled_at"),
    )


def readied(journey: Journey, runs: pl.DataFrame) -> pl.DataFrame:
    """`runs` with `ready<i>`: when the last step before was closed; null while one is open.

    A step that a case does not require holds nobody up: what follows it waits for those before it.
    """
    for name in TopologicalSorter({step.name: step.after for step in journey.steps}).static_order():
        index = journey.positions[name]
        before = [journey.positions[each] for each in journey.step(name).after]
        passed = [
            pl.when(f"required{i}").then(pl.col(f"closed{i}")).otherwise(pl.col(f"ready{i}"))
            for i in before
        ]
        ready = pl.max_horizontal(*passed) if passed else pl.col("started_at")
        if journey.reopen:
            ready = pl.max_horizontal(ready, f"opened{index}")
        waits = pl.any_horizontal(*(each.is_null() for each in passed)) if passed else pl.lit(False)
        runs = runs.with_columns(pl.when(~waits).then(ready).alias(f"ready{index}"))
    return runs


def steps(journey: Journey, runs: pl.DataFrame) -> pl.DataFrame:
    """One row per case and step, required or not: case, index, required, ready_at, reopened_at,
    ended_at."""
    parts = [
        runs.select(
            "case",
            "ended_at",
            index=pl.lit(index, pl.UInt16),
            required=pl.col(f"required{index}"),
            ready_at=pl.col(f"ready{index}"),
            reopened_at=pl.col(f"opened{index}") if journey.reopen else pl.lit(None, INSTANT),
        )
        for index in range(len(journey.steps))
    ]
    return pl.concat(parts)


def _opened(runs: pl.DataFrame) -> pl.DataFrame:
    """Since when each step has to be done again: case, index, opened."""
    places = [i for i in range(runs.width) if f"opened{i}" in runs.columns]
    parts = [
        runs.select("case", index=pl.lit(i, pl.UInt16), opened=pl.col(f"opened{i}")) for i in places
    ]
    return pl.concat(parts)


def _end(index: int) -> pl.Expr:
    return pl.col(f"closed{index}").fill_null(NEVER)


def _asked(journey: Journey, index: int) -> pl.Expr:
    when = journey.steps[index].when
    return holds(when) & (known_since(when) <= pl.col("finish")).fill_null(False)
