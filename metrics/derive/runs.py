"""Where the run of each case starts, and where it is cut off."""

from __future__ import annotations

import polars as pl

from metrics.derive.evidence import Evidence


def earliest(links: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """The first row of each key by `at`; of equal instants, that of the smallest fact."""
    first = links.filter(pl.col("at") == pl.col("at").min().over(keys))
    return first.sort("fact").unique(list(keys), keep="first", maintain_order=True)


def runs(cases: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """The cases that have started: + started_at, start (its fact), known_at and cancelled_at.

    Cancelling before the start concerns an earlier run.
    """
    starts = earliest(evidence.of("start"), "case").select("case", started_at="at", start="fact")
    known = evidence.facts.select(start="fact", known_at="received_at")
    started = cases.join(starts, on="case").join(known, on="start")
    cancelled = (
        evidence.of("cancel")
        .join(starts, on="case")
        .filter(pl.col("at") >= pl.col("started_at"))
        .group_by("case")
        .agg(cancelled_at=pl.col("at").min())
    )
    return started.join(cancelled, on="case", how="left")


def until(links: pl.DataFrame, runs: pl.DataFrame, end: str) -> pl.DataFrame:
    """The links of these runs not after the instant in their column `end` (null: no end)."""
    bounds = runs.select("case", bound=end)
    kept = pl.col("bound").is_null() | (pl.col("at") <= pl.col("bound"))
    return links.join(bounds, on="case").filter(kept).drop("bound")
