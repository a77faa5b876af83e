"""The path that cases have really taken: which act followed directly upon which, and how soon.

An act is the closing of a step, named as the step, or a failure of it, `<step>:failed`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import polars as pl

from threadline.model.journeys import Journey

START = "start"
FAILED = ":failed"

Standing = Literal["defined", "parallel", "skips", "against", "failure"]


@dataclass(frozen=True, kw_only=True)
class Discovered:
    """What was found; each frame in a stable order, the most frequent first.

    `acts`: case_id, place (0 is the start), act, before (the act it follows) and seconds since;
    `nodes`: act, cases, count, first and last (cases it began or stands last in); `edges`: before,
    act, cases, count, median and p90 (seconds, linear between neighbours); `variants`: path (its
    acts), cases, share and example (the smallest case_id).
    """

    acts: pl.DataFrame
    nodes: pl.DataFrame
    edges: pl.DataFrame
    variants: pl.DataFrame


def discover(
    journey: Journey,
    cases: pl.DataFrame,
    steps: pl.DataFrame,
    exceptions: pl.DataFrame,
    now: datetime,
) -> Discovered:
    """The paths of `cases` (columns of the tables so named) as far as they have got by `now`.

    Acts of one instant stand in the order of the definition, a failure before the success. A pure
    function of the sets of rows: what is not of one of `cases` counts nowhere.
    """
    acts = _acts(journey, cases, steps, exceptions, now)
    ordered = acts.group_by("case_id", maintain_order=True).agg(path=pl.col("act"))
    ordered = cases.select("case_id").unique().join(ordered, on="case_id", how="left")
    ordered = ordered.with_columns(pl.col("path").fill_null([]))
    variants = (
        ordered.group_by("path")
        .agg(cases=pl.len(), example=pl.col("case_id").min())
        .with_columns(share=pl.col("cases") / max(ordered.height, 1))
    )
    return Discovered(
        acts=acts,
        nodes=_nodes(acts),
        edges=_edges(acts),
        variants=variants.sort("cases", "example", descending=[True, False]),
    )


def standing(journey: Journey, before: str, act: str) -> Standing:
    """What the definition says of `act` directly after `before`.

    `defined`: it may be the next; `parallel`: neither waits for the other; `skips`: something
    between them is left out; `against`: the order is turned round, or it comes again.
    """
    if act.endswith(FAILED) or before.endswith(FAILED):
        return "failure"
    if before == START:
        return "skips" if journey.step(act).after else "defined"
    if before in journey.step(act).after:
        return "defined"
    if before == act or act in _before(journey, before):
        return "against"
    return "skips" if before in _before(journey, act) else "parallel"


def _before(journey: Journey, step: str) -> Collection[str]:
    """All steps that a step waits for, directly or not."""
    found: set[str] = set()
    open_ = list(journey.step(step).after)
    while open_:
        one = open_.pop()
        if one not in found:
            found.add(one)
            open_ += journey.step(one).after
    return found


def _acts(
    journey: Journey,
    cases: pl.DataFrame,
    steps: pl.DataFrame,
    exceptions: pl.DataFrame,
    now: datetime,
) -> pl.DataFrame:
    known = list(journey.positions)
    closed = steps.select("case_id", "step", at="closed_at", failed=pl.lit(False))
    failed = exceptions.select("case_id", "step", "fact_id", "at").unique()
    failed = failed.select("case_id", "step", "at", failed=pl.lit(True))
    told = pl.concat([closed, failed]).filter(pl.col("step").is_in(known), pl.col("at") <= now)
    ordered = (
        told.join(cases.select("case_id", "started_at").unique(), on="case_id")
        .with_columns(
            position=pl.col("step").replace_strict(journey.positions, return_dtype=pl.UInt16),
            act=pl.col("step") + pl.when("failed").then(pl.lit(FAILED)).otherwise(pl.lit("")),
        )
        .sort("case_id", "at", "position", pl.col("failed").not_())
    )
    of_case = [pl.col("act").shift(1).over("case_id"), pl.col("at").shift(1).over("case_id")]
    return ordered.select(
        "case_id",
        "act",
        before=of_case[0].fill_null(START),
        place=pl.int_range(pl.len()).over("case_id"),
        left=pl.len().over("case_id") - 1,
        seconds=(pl.col("at") - of_case[1].fill_null(pl.col("started_at"))).dt.total_nanoseconds()
        / 1e9,
    )


def _nodes(acts: pl.DataFrame) -> pl.DataFrame:
    return (
        acts.group_by("act")
        .agg(
            cases=pl.col("case_id").n_unique(),
            count=pl.len(),
            first=(pl.col("place") == 0).sum(),
            last=(pl.col("place") == pl.col("left")).sum(),
        )
        .sort("cases", "act", descending=[True, False])
    )


def _edges(acts: pl.DataFrame) -> pl.DataFrame:
    return (
        acts.group_by("before", "act")
        .agg(
            cases=pl.col("case_id").n_unique(),
            count=pl.len(),
            median=pl.col("seconds").quantile(0.5, interpolation="linear"),
            p90=pl.col("seconds").quantile(0.9, interpolation="linear"),
        )
        .sort("count", "before", "act", descending=[True, False, False])
    )
