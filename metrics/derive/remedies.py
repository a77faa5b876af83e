"""Attempts to put steps right, and how they went."""

from __future__ import annotations

import polars as pl

from metrics.derive.evidence import Evidence
from metrics.derive.rows import INSTANT
from threadline.model.journeys import Journey

SCHEMA: dict[str, pl.DataType] = {
    "case": pl.UInt32(),
    "fact": pl.UInt32(),
    "step": pl.String(),
    "kind": pl.String(),
    "fact_id": pl.String(),
    "system": pl.String(),
    "at": INSTANT,
    "message": pl.String(),
    "succeeded": pl.Boolean(),
}


def remedies(journey: Journey, evidence: Evidence, runs: pl.DataFrame) -> pl.DataFrame:
    """One row per case, step, kind and fact from the start of the case on, whether it has ended or
    not: case, fact, step, kind, fact_id, system, at, succeeded, message.
    """
    if not journey.remedies:
        return pl.DataFrame(schema=SCHEMA)
    known = pl.DataFrame(
        [
            (number, journey.steps[index].name, remedy.kind)
            for number, (index, remedy) in enumerate(journey.remedies)
        ],
        schema={"index": pl.UInt16, "step": pl.String, "kind": pl.String},
        orient="row",
    )
    told = evidence.of("remedy", "unremedied").drop("kind").join(known, on="index")
    told = told.join(runs.select("case", "started_at"), on="case")
    facts = evidence.facts.select("fact", "fact_id", "system", "message")
    return (
        told.filter(pl.col("at") >= pl.col("started_at"))
        .unique(["case", "step", "kind", "fact"])
        .join(facts, on="fact")
        .with_columns(succeeded=pl.col("part") == "remedy")
        .select(list(SCHEMA))
    )
