"""Steps that have to succeed several times: which success closes them, and how far they are."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from metrics.derive.evidence import Evidence
from metrics.derive.payloads import text_of
from metrics.derive.runs import until
from threadline.model.journeys import Journey, Repeat

KEY = ["case", "index"]


def countable(journey: Journey, evidence: Evidence) -> Evidence:
    """`evidence` without successes that do not say what they are one of (`per`)."""
    links = evidence.links
    for index, repeat in _repeating(journey):
        if repeat.per:
            here = (pl.col("part") == "step") & (pl.col("index") == index)
            part = _valued(links.filter(here), evidence, repeat)
            links = pl.concat([links.filter(~here), part.drop("value")])
    return replace(evidence, links=links)


def with_times(journey: Journey, runs: pl.DataFrame) -> pl.DataFrame:
    """`runs` with `times<i>` of every step that repeats: null where that is no number above 0."""
    return runs.with_columns(
        _times(repeat).alias(f"times{index}") for index, repeat in _repeating(journey)
    )


def last_of_many(
    journey: Journey, evidence: Evidence, runs: pl.DataFrame, successes: pl.DataFrame
) -> pl.DataFrame:
    """`successes` (case, index, fact, at, kind), of steps that repeat only those that may be the
    last one needed.

    An act may be told by a span and by an event, so they are counted within their kind, unless
    each says what it is one of.
    """
    parts = [successes]
    for index, repeat in _repeating(journey):
        here = pl.col("index") == index
        acts = _acts(successes.filter(here), evidence, repeat)
        needed = acts.join(runs.select("case", times=f"times{index}"), on="case")
        last = needed.filter(pl.col("place") == pl.col("times")).select(successes.columns)
        parts = [part.filter(~here) for part in parts] + [last]
    return pl.concat(parts)


def with_progress(
    journey: Journey, evidence: Evidence, runs: pl.DataFrame, steps: pl.DataFrame
) -> pl.DataFrame:
    """`steps` with `times` (how many successes they need; null: unknown), `done` (how many of
    these there are), `told` (all there are) and `done_at`, when the last of `done` was.

    `told` counts acts within the kind that tells most of them, of every value of `per`. A failure
    is no reason to be stuck once another success has come after it.
    """
    told = until(evidence.of("step"), runs, "ended_at")
    counts = _counted(told, *KEY)
    once = pl.lit(1, pl.UInt32)
    steps = steps.join(counts, on=KEY, how="left").with_columns(
        pl.col("told").fill_null(0),
        times=once,
        done=pl.col("closed_at").is_not_null().cast(pl.UInt32),
        done_at="closed_at",
    )
    parts = [steps]
    for index, repeat in _repeating(journey):
        here, mine = pl.col("index") == index, told.filter(pl.col("index") == index)
        part = steps.filter(here).drop("times", "done", "done_at", "told")
        since = part.select("case", "reopened_at", "closed_at")
        again = pl.col("reopened_at").is_null() | (pl.col("at") > pl.col("reopened_at"))
        acts = _acts(mine.join(since, on="case").filter(again), evidence, repeat)
        times = runs.select("case", times=f"times{index}")
        acts = acts.join(times, on="case").filter(
            pl.col("times").is_null() | (pl.col("place") <= pl.col("times"))
        )
        done = acts.group_by("case").agg(done=pl.col("place").max(), done_at=pl.col("at").max())
        valued = _counted(_valued(mine, evidence, repeat), *KEY, "value")
        part = part.join(times, on="case", how="left").join(done, on="case", how="left")
        part = part.join(valued, on=KEY, how="left")
        part = part.with_columns(pl.col("done", "told").fill_null(0).cast(pl.UInt32))
        healed = (pl.col("done_at") >= pl.col("failed_at")).fill_null(False)
        part = part.with_columns(
            pl.when(~healed).then(name).otherwise(pl.lit("")).alias(name)
            for name in ("message", "reason")
        )
        parts = [one.filter(~here) for one in parts] + [part.select(steps.columns)]
    return pl.concat(parts)


def _repeating(journey: Journey) -> list[tuple[int, Repeat]]:
    return [(place, step.repeat) for place, step in enumerate(journey.steps) if step.repeat]


def _times(repeat: Repeat) -> pl.Expr:
    if repeat.attribute:
        written = pl.col(repeat.attribute).str.strip_chars()
        whole = written.str.extract(r"^(\d{1,6})(?:\.0*)?$").cast(pl.UInt32)
        return pl.when(whole > 0).then(whole)
    return pl.lit(repeat.times, pl.UInt32)


def _valued(links: pl.DataFrame, evidence: Evidence, repeat: Repeat) -> pl.DataFrame:
    """`links` with the `value` of what they are one of; without one they are left out."""
    if not repeat.per:
        return links.with_columns(value=pl.lit(""))
    payloads = links.join(
        evidence.facts.select("fact", "payload"), on="fact", maintain_order="left"
    )
    value = text_of(payloads["payload"], repeat.per)
    return links.with_columns(value=value).filter(pl.col("value") != "")


def _acts(links: pl.DataFrame, evidence: Evidence, repeat: Repeat) -> pl.DataFrame:
    """Successes that count, with their `place`, from 1, among those of their case."""
    valued = _valued(links, evidence, repeat).sort("at", "fact")
    if repeat.per:
        acts = valued.unique(["case", "value"], keep="first", maintain_order=True)
        return acts.with_columns(place=_place().over("case"))
    return valued.with_columns(place=_place().over("case", "kind"))


def _place() -> pl.Expr:
    return pl.int_range(1, pl.len() + 1, dtype=pl.UInt32)


def _counted(told: pl.DataFrame, *each: str) -> pl.DataFrame:
    acts = told.group_by(*each, "kind").agg(told=pl.len()).group_by(each).agg(pl.col("told").max())
    return acts.group_by(KEY).agg(pl.col("told").sum().cast(pl.UInt32))
