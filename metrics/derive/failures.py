"""What went wrong inside cases, and at which step."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from metrics.derive.evidence import Evidence, holds
from metrics.derive.payloads import carries
from metrics.derive.runs import until
from threadline.model.journeys import Journey

STEP_FAILED = "step-failed"
FIELD_MISSING = "required-field-missing"
# Why a failure stops a step; a fact that several rules name has the first of these.
REASONS = ("mapping-failed", "mismatch", "duplicate", "rejected")
REJECTED = len(REASONS) - 1


def named(
    journey: Journey, evidence: Evidence, runs: pl.DataFrame, closed: pl.DataFrame
) -> pl.DataFrame:
    """The facts that an exception rule names: case, index (of the rule), fact, at, kind.

    The rules' `when`, `during`, `unless` and `afterwards` are minded. A step is open from when it
    is ready until before the instant that closes it.
    """
    told = evidence.of("exception").join(
        evidence.answered, on=["case", "index", "fact"], how="anti"
    )
    told = told.join(runs.select("case", "ended_at"), on="case")
    in_time = pl.col("ended_at").is_null() | (pl.col("at") <= pl.col("ended_at"))
    parts = []
    for index, rule in enumerate(journey.exceptions):
        part = told.filter(pl.col("index") == index)
        if not rule.afterwards:
            part = part.filter(in_time)
        if rule.when:
            part = part.join(runs.filter(holds(rule.when)), on="case", how="semi")
        if rule.during:
            part = _while_open(part, journey.positions[rule.during], runs, closed)
        parts.append(part)
    return pl.concat([told.clear(), *parts]).drop("part", "plausible", "ended_at")


def _while_open(
    told: pl.DataFrame, step: int, runs: pl.DataFrame, closed: pl.DataFrame
) -> pl.DataFrame:
    ready = runs.select("case", ready=f"ready{step}")
    closed = closed.filter(pl.col("index") == step).select("case", closed="closed_at")
    until = pl.col("closed").is_null() | (pl.col("at") < pl.col("closed"))
    open_then = told.join(ready, on="case").join(closed, on="case", how="left")
    return open_then.filter(pl.col("at") >= pl.col("ready"), until).drop("ready", "closed")


def step_failures(
    journey: Journey,
    evidence: Evidence,
    runs: pl.DataFrame,
    closed: pl.DataFrame,
    named: pl.DataFrame,
) -> pl.DataFrame:
    """Facts that failed a step while it was open: case, index, fact, at, kind, reason.

    A failure at the very instant of the success counts: coarse clocks make them meet. `reason` is
    the kind of the rule that named the fact where that is one of `REASONS`, else `rejected`.
    """
    rules = pl.DataFrame(
        [
            (place, journey.positions[rule.step], _reason(rule.kind))
            for place, rule in enumerate(journey.exceptions)
            if rule.step
        ],
        schema={"index": pl.UInt16, "step": pl.UInt16, "reason": pl.UInt8},
        orient="row",
    )
    ruled = named.join(rules, on="index").drop("index").rename({"step": "index"})
    own = evidence.of("failed").with_columns(reason=pl.lit(REJECTED, pl.UInt8))
    columns = ["case", "index", "fact", "at", "kind", "reason"]
    failures = until(pl.concat([own.select(columns), ruled.select(columns)]), runs, "ended_at")
    while_open = pl.col("closed_at").is_null() | (pl.col("at") <= pl.col("closed_at"))
    return (
        failures.join(closed.select("case", "index", "closed_at"), on=["case", "index"], how="left")
        .filter(while_open)
        .group_by("case", "index", "fact")
        .agg(pl.col("at", "kind").first(), pl.col("reason").min())
        .with_columns(pl.col("reason").replace_strict(dict(enumerate(REASONS))))
    )


def _reason(kind: str) -> int:
    return REASONS.index(kind) if kind in REASONS else REJECTED


def exceptions(
    journey: Journey,
    evidence: Evidence,
    runs: pl.DataFrame,
    failures: pl.DataFrame,
    named: pl.DataFrame,
) -> pl.DataFrame:
    """One row per case, kind and fact: case, kind, fact_id, step, system, at, message.

    What an exception rule names has the rule's kind; other failures of steps are `step-failed`.
    """
    rules = pl.DataFrame(
        [(place, rule.kind, rule.step) for place, rule in enumerate(journey.exceptions)],
        schema={"index": pl.UInt16, "exception": pl.String, "step": pl.String},
        orient="row",
    )
    ruled = named.join(rules, on="index")
    names = [step.name for step in journey.steps]
    failed = failures.join(ruled, on=["case", "fact"], how="anti").select(
        "case",
        "fact",
        "at",
        exception=pl.lit(STEP_FAILED),
        step=pl.col("index").replace_strict(dict(enumerate(names)), return_dtype=pl.String),
    )
    told = pl.concat([ruled.select(failed.columns), failed]).sort("step")
    told = told.unique(["case", "exception", "fact"], keep="first", maintain_order=True)
    told = told.join(evidence.facts.select("fact", "fact_id", "system", "message"), on="fact")
    columns = ["case", "kind", "fact_id", "step", "system", "at", "message"]
    missing = missing_fields(journey, evidence, runs)
    return pl.concat([told.rename({"exception": "kind"}).select(columns), missing.select(columns)])


def listed(conditions: Mapping[str, pl.Expr]) -> pl.Expr:
    """The names whose condition holds, in their order, as one text."""
    names = [pl.when(condition).then(pl.lit(name)) for name, condition in conditions.items()]
    if not names:
        return pl.lit("")
    return pl.concat_str(*names, separator=", ", ignore_nulls=True)


def missing_fields(journey: Journey, evidence: Evidence, runs: pl.DataFrame) -> pl.DataFrame:
    """Cases whose start lacked a required field, the missing ones as message.

    The start may be told by several facts, a span and an event say: one of them must carry it.
    """
    starts = until(evidence.of("start"), runs, "ended_at")
    starts = starts.join(evidence.facts.select("fact", "payload"), on="fact")
    carried = starts.group_by("case").agg(
        carries(field).any().alias(field) for field in journey.required_fields
    )
    lacking = carried.select(
        "case", message=listed({f: ~pl.col(f) for f in journey.required_fields})
    )
    start = evidence.facts.select("fact_id", "system", start="fact")
    return (
        lacking.filter(pl.col("message") != "")
        .join(runs.select("case", "start", at="started_at"), on="case")
        .join(start, on="start")
        .with_columns(kind=pl.lit(FIELD_MISSING), step=pl.lit(""))
    )
