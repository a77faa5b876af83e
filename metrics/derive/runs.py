"""Where the run of each case starts, and where it is cut off."""

from __future__ import annotations

import polars as pl

from metrics.derive.evidence import Evidence
from metrics.derive.rows import INSTANT


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


GAPS: dict[str, pl.DataType] = {
    "case": pl.UInt32(),
    "paused_from": INSTANT,
    "paused_until": INSTANT,
}


def alive(links: pl.DataFrame, gaps: pl.DataFrame) -> pl.DataFrame:
    """`links` without what was between an end and the re-opening, exceptions apart.

    A pause that begins with the end stops nothing.
    """
    if gaps.is_empty():
        return links
    at = pl.col("at")
    dead = (at > pl.col("paused_from")) & (at <= pl.col("paused_until"))
    pausing = (pl.col("part") == "pause") & (at == pl.col("paused_from"))
    gone = links.join(gaps, on="case").filter(dead | pausing, pl.col("part") != "exception")
    return links.join(gone, on=["case", "part", "index", "fact"], how="anti")


def meanwhile(links: pl.DataFrame, gaps: pl.DataFrame) -> pl.DataFrame:
    """The `links` that were between an end and the re-opening: case, fact."""
    dead = (pl.col("at") > pl.col("paused_from")) & (pl.col("at") <= pl.col("paused_until"))
    return links.join(gaps, on="case").filter(dead).select("case", "fact").unique()


def until(links: pl.DataFrame, runs: pl.DataFrame, end: str) -> pl.DataFrame:
    """The links of these runs not after the instant in their column `end` (null: no end)."""
    bounds = runs.select("case", bound=end)
    kept = pl.col("bound").is_null() | (pl.col("at") <= pl.col("bound"))
    return links.join(bounds, on="case").filter(kept).drop("bound")
