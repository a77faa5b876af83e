"""When the clocks of a case stood still."""

from __future__ import annotations

import polars as pl

from metrics.calendars import Clocks
from metrics.derive.evidence import Evidence, Part
from metrics.derive.runs import GAPS, until
from threadline.model.journeys import Duration, Journey


def pauses(
    journey: Journey,
    evidence: Evidence,
    runs: pl.DataFrame,
    gaps: pl.DataFrame,
    clocks: Clocks,
) -> pl.DataFrame:
    """Every pause of every run: case, paused_from, paused_until; they do not overlap.

    A pause ends when somebody resumes, with the case that goes on later (`gaps`), at the latest
    after the maximum; pausing within a pause changes nothing. Each round finds the next pause of
    all cases at once.
    """
    if journey.pause is None:
        return pl.DataFrame(schema=GAPS)
    stops = _at(evidence, runs, "pause", "paused_from")
    resumes = _at(evidence, runs, "resume", "resumed_at")
    resumes = pl.concat([resumes, gaps.select("case", resumed_at="paused_from")])
    cursor = runs.select("case", "calendar", "day_seconds", paused_until="started_at")
    found = [pl.DataFrame(schema=GAPS)]
    while not cursor.is_empty():
        cursor = _next(journey.pause.maximum, cursor, stops, resumes, clocks)
        found.append(cursor.select(list(GAPS)))
    return pl.concat(found)


def _next(
    maximum: Duration,
    cursor: pl.DataFrame,
    stops: pl.DataFrame,
    resumes: pl.DataFrame,
    clocks: Clocks,
) -> pl.DataFrame:
    begun = (
        cursor.select("case", "calendar", "day_seconds", "paused_until")
        .join(stops, on="case")
        .filter(pl.col("paused_from") >= pl.col("paused_until"))
        .group_by("case")
        .agg(pl.col("paused_from").min(), pl.col("calendar", "day_seconds").first())
    )
    answered = (
        begun.join(resumes, on="case")
        .filter(pl.col("resumed_at") > pl.col("paused_from"))
        .group_by("case")
        .agg(pl.col("resumed_at").min())
    )
    budget = pl.col("day_seconds") * maximum.days + maximum.seconds
    limits = begun.select(
        since="paused_from",
        clock=pl.col("calendar") if maximum.business else pl.lit(""),
        budget=budget,
    )
    latest = clocks.after(limits["clock"], limits["since"], limits["budget"])
    return (
        begun.with_columns(latest=latest)
        .join(answered, on="case", how="left")
        .with_columns(paused_until=pl.min_horizontal("resumed_at", "latest"))
    )


def _at(evidence: Evidence, runs: pl.DataFrame, part: Part, name: str) -> pl.DataFrame:
    links = until(evidence.of(part), runs, "ended_at")
    return links.select("case", pl.col("at").alias(name)).unique()
