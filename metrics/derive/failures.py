"""What went wrong inside cases, and at which step."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from metrics.derive.evidence import Evidence
from metrics.derive.payloads import carries
from metrics.derive.runs import until
from threadline.model.journeys import Journey

STEP_FAILED = "step-failed"
FIELD_MISSING = "required-field-missing"
MAPPING_FAILED = "mapping-failed"
REJECTED = "rejected"


def step_failures(
    journey: Journey, evidence: Evidence, runs: pl.DataFrame, closed: pl.DataFrame
) -> pl.DataFrame:
    """Facts that failed a step while it was open: case, index, fact, at, kind, reason.

    A failure at the very instant of the success counts: coarse clocks make them meet. `reason` is
    `mapping-failed` where an exception rule of that kind named the fact, else `rejected`.
    """
    rules = pl.DataFrame(
        [
            (place, journey.positions[rule.step], rule.kind == MAPPING_FAILED)
            for place, rule in enumerate(journey.exceptions)
            if rule.step
        ],
        schema={"index": pl.UInt16, "step": pl.UInt16, "mapping": pl.Boolean},
        orient="row",
    )
    named = evidence.of("exception").join(rules, on="index").drop("index").rename({"step": "index"})
    own = evidence.of("failed").with_columns(mapping=pl.lit(False))
    columns = ["case", "index", "fact", "at", "kind", "mapping"]
    failures = until(pl.concat([own.select(columns), named.select(columns)]), runs, "ended_at")
    while_open = pl.col("closed_at").is_null() | (pl.col("at") <= pl.col("closed_at"))
    return (
        failures.join(closed.select("case", "index", "closed_at"), on=["case", "index"], how="left")
        .filter(while_open)
        .group_by("case", "index", "fact")
        .agg(pl.col("at", "kind").first(), mapping=pl.col("mapping").any())
        .with_columns(
            reason=pl.when("mapping").then(pl.lit(MAPPING_FAILED)).otherwise(pl.lit(REJECTED))
        )
    )


def exceptions(
    journey: Journey, evidence: Evidence, runs: pl.DataFrame, failures: pl.DataFrame
) -> pl.DataFrame:
    """One row per case, kind and fact: case, kind, fact_id, step, system, at, message.

    What an exception rule names has the rule's kind; other failures of steps are `step-failed`.
    """
    rules = pl.DataFrame(
        [(place, rule.kind, rule.step) for place, rule in enumerate(journey.exceptions)],
        schema={"index": pl.UInt16, "exception": pl.String, "step": pl.String},
        orient="row",
    )
    named = until(evidence.of("exception"), runs, "ended_at").join(rules, on="index")
    names = [step.name for step in journey.steps]
    failed = failures.join(named, on=["case", "fact"], how="anti").select(
        "case",
        "fact",
        "at",
        exception=pl.lit(STEP_FAILED),
        step=pl.col("index").replace_strict(dict(enumerate(names)), return_dtype=pl.String),
    )
    told = pl.concat([named.select(failed.columns), failed]).sort("step")
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
