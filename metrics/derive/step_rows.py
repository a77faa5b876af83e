"""What is known about each step of each case."""

from __future__ import annotations

import polars as pl

from metrics.derive.evidence import Evidence
from metrics.derive.failures import with_words, worded
from metrics.derive.payloads import text_of
from metrics.derive.runs import until
from threadline.model.journeys import ACTOR_TYPE, Journey

KEY = ["case", "index"]


def closed_steps(evidence: Evidence, runs: pl.DataFrame, closings: pl.DataFrame) -> pl.DataFrame:
    """The closings that count, with details: case, index, closed_at, closed_by, object_id,
    actor_type and sampled.

    Of the objects that the closing fact spoke of, one beside the case's own comes first.
    """
    closings = until(closings, runs, "ended_at")
    spoken = evidence.objects.join(closings.select("case", "fact").unique(), on=["case", "fact"])
    beside, own = (pl.col("object_id").filter(which).min() for which in (~pl.col("own"), "own"))
    spoken = spoken.group_by("case", "fact").agg(object_id=pl.coalesce(beside, own))
    facts = evidence.facts.join(closings.select("fact").unique(), on="fact", how="semi")
    actors = text_of(facts["payload"], ACTOR_TYPE).fill_null("")
    facts = facts.select("fact", "sampled", closed_by="fact_id", actor_type=actors)
    return (
        closings.rename({"at": "closed_at"})
        .join(spoken.select("case", "fact", "object_id"), on=["case", "fact"])
        .join(facts, on="fact")
    )


def with_failures(steps: pl.DataFrame, evidence: Evidence, failures: pl.DataFrame) -> pl.DataFrame:
    """`steps` with failures, first_failed_at, and the last failure's message and reason."""
    failures = failures.filter("current")
    first = failures.group_by(KEY).agg(first_failed_at=pl.col("at").min())
    last = (
        failures.sort("at", "fact")
        .unique(KEY, keep="last", maintain_order=True)
        .join(evidence.facts.select("fact", "message"), on="fact")
        .pipe(with_words, evidence, ["case", "fact"])
        .select(*KEY, "reason", message=worded(), failed_at="at")
    )
    return (
        steps.join(first, on=KEY, how="left")
        .join(_acts(failures, "failures"), on=KEY, how="left")
        .join(last, on=KEY, how="left")
        .with_columns(pl.col("failures").fill_null(0), pl.col("message", "reason").fill_null(""))
    )


def with_alternatives(
    journey: Journey, steps: pl.DataFrame, evidence: Evidence, failures: pl.DataFrame
) -> pl.DataFrame:
    """`steps` with `alternative`: the implementation that closed them, else that failed last.

    Its system is theirs then. '' where a step has no alternatives, or none has been seen.
    """
    known = pl.DataFrame(
        [
            (index, number, each.name, each.system)
            for index, step in enumerate(journey.steps)
            for number, each in enumerate(step.alternatives, start=1)
        ],
        schema={"index": pl.UInt16, "number": pl.UInt8, "alternative": pl.String, "of": pl.String},
        orient="row",
    )
    if known.is_empty():
        return steps.with_columns(alternative=pl.lit(""))
    failures = failures.filter("current")
    tried = evidence.alternatives.rename({"alternative": "number"}).join(
        known, on=["index", "number"]
    )
    failed = failures.join(tried, on=[*KEY, "fact"]).sort("at", "fact")
    failed = failed.unique(KEY, keep="last", maintain_order=True)
    closed = tried.select(*KEY, "fact", "alternative", "of")
    failed = failed.select(*KEY, failed="alternative", failed_of="of")
    done = pl.col("closed_at").is_not_null()
    return (
        steps.join(closed, on=[*KEY, "fact"], how="left")
        .join(failed, on=KEY, how="left")
        .with_columns(
            alternative=pl.when(done).then("alternative").otherwise("failed").fill_null(""),
            system=pl.coalesce(pl.when(done).then("of").otherwise("failed_of"), "system"),
        )
    )


def named(journey: Journey, steps: pl.DataFrame) -> pl.DataFrame:
    """`steps` that are required or were seen, with their names and systems."""
    seen = pl.col("closed_at").is_not_null() | (pl.col("failures") > 0)
    names = pl.DataFrame(
        [
            (index, step.name, step.system, step.performer == "person")
            for index, step in enumerate(journey.steps)
        ],
        schema={
            "index": pl.UInt16,
            "step": pl.String,
            "system": pl.String,
            "by_person": pl.Boolean,
        },
        orient="row",
    )
    return steps.filter(pl.col("required") | seen).join(names, on="index")


def _acts(links: pl.DataFrame, name: str) -> pl.DataFrame:
    by_kind = links.group_by(*KEY, "kind").agg(pl.len().alias(name))
    return by_kind.group_by(KEY).agg(pl.col(name).max())
