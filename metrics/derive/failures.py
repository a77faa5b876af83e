"""What went wrong inside cases, and at which step."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from metrics.derive.evidence import Evidence, holds
from metrics.derive.payloads import carries
from metrics.derive.progress import steps
from metrics.derive.rows import INSTANT
from metrics.derive.runs import meanwhile, until
from threadline.model.journeys import Journey

KEY = ["case", "index"]
STEP_FAILED = "step-failed"
FIELD_MISSING = "required-field-missing"
# Why a failure stops a step; a fact that several rules name has the first of these.
REASONS = ("mapping-failed", "mismatch", "duplicate", "rejected")
REJECTED = len(REASONS) - 1


def named(
    journey: Journey,
    evidence: Evidence,
    runs: pl.DataFrame,
    spells: pl.DataFrame,
    gaps: pl.DataFrame,
) -> pl.DataFrame:
    """The facts that an exception rule names: case, index (of the rule), fact, at, kind.

    The rules' `when`, `during`, `unless` and `afterwards` are minded. A step is open from when it
    is ready until before the instant that closes it.
    """
    told = evidence.of("exception").join(
        evidence.answered, on=["case", "index", "fact"], how="anti"
    )
    told = told.join(runs.select("case", "ended_at"), on="case")
    between = None if gaps.is_empty() else meanwhile(told, gaps)
    in_time = pl.col("ended_at").is_null() | (pl.col("at") <= pl.col("ended_at"))
    parts = []
    for index, rule in enumerate(journey.exceptions):
        part = told.filter(pl.col("index") == index)
        if not rule.afterwards:
            part = part.filter(in_time)
            if between is not None:
                part = part.join(between, on=["case", "fact"], how="anti")
        if rule.when:
            part = part.join(runs.filter(holds(rule.when)), on="case", how="semi")
        if rule.during:
            part = _while_open(part, journey.positions[rule.during], spells)
        parts.append(part)
    return pl.concat([told.clear(), *parts]).drop("part", "plausible", "ended_at")


def _while_open(told: pl.DataFrame, step: int, spells: pl.DataFrame) -> pl.DataFrame:
    spells = spells.filter(pl.col("index") == step).select("case", "ready", "closed", "until")
    at, closed, until = pl.col("at"), pl.col("closed"), pl.col("until")
    then = (at >= pl.col("ready")) & (closed.is_null() | (at < closed))
    open_then = told.join(spells, on="case").filter(then, until.is_null() | (at <= until))
    return open_then.select(told.columns).unique()


def spells(
    journey: Journey,
    evidence: Evidence,
    runs: pl.DataFrame,
    closed: pl.DataFrame,
    earlier: pl.DataFrame,
) -> pl.DataFrame:
    """Every time that a step had to be done: case, index, since when (`opened`; null: from the
    start), `ready`, `closed`, `until` when that stood (null: it still does), and `current`.

    Only of cases in which something failed.
    """
    failed = evidence.of("failed", "exception")
    now = steps(journey, runs.join(failed, on="case", how="semi")).select(
        "case", "index", opened="reopened_at", ready="ready_at"
    )
    now = now.join(closed.select("case", "index", closed="closed_at"), on=KEY, how="left")
    now = now.with_columns(until=pl.lit(None, INSTANT), current=pl.lit(True))
    return pl.concat([now, earlier.with_columns(current=pl.lit(False))])


def step_failures(
    journey: Journey,
    evidence: Evidence,
    runs: pl.DataFrame,
    spells: pl.DataFrame,
    named: pl.DataFrame,
) -> pl.DataFrame:
    """Facts that failed a step while it was open: case, index, fact, at, kind, reason, and whether
    that is the `current` time it is to be done.

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
    at = pl.col("at")
    then = pl.col("opened").is_null() | (at > pl.col("opened"))
    for end in ("closed", "until"):
        then &= pl.col(end).is_null() | (at <= pl.col(end))
    return (
        failures.join(spells.drop("ready"), on=KEY)
        .filter(then)
        .group_by("case", "index", "fact")
        .agg(pl.col("at", "kind").first(), pl.col("reason").min(), pl.col("current").any())
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
    remedies: pl.DataFrame,
) -> pl.DataFrame:
    """One row per case, kind and fact: case, kind, fact_id, step, system, at, message.

    What an exception rule names has the rule's kind; remedies that fail have a kind of their own;
    other failures of steps are `step-failed`.
    """
    rules = pl.DataFrame(
        [(place, rule.kind, rule.step) for place, rule in enumerate(journey.exceptions)],
        schema={"index": pl.UInt16, "exception": pl.String, "step": pl.String},
        orient="row",
    )
    ruled = with_words(named.join(rules, on="index"), evidence, ["case", "index", "fact"])
    names = [step.name for step in journey.steps]
    unhealed = remedies.filter(~pl.col("succeeded")).select(
        "case", "fact", "at", "step", exception=pl.col("kind") + "-failed", words=pl.lit("")
    )
    known = pl.concat([one.select("case", "fact") for one in (ruled, unhealed)])
    failed = failures.join(known, on=["case", "fact"], how="anti").select(
        "case",
        "fact",
        "at",
        exception=pl.lit(STEP_FAILED),
        step=pl.col("index").replace_strict(dict(enumerate(names)), return_dtype=pl.String),
        words=pl.lit(""),
    )
    parts = [part.select(failed.columns) for part in (ruled, unhealed)]
    told = pl.concat([*parts, failed]).sort("step")
    told = told.unique(["case", "exception", "fact"], keep="first", maintain_order=True)
    told = told.join(evidence.facts.select("fact", "fact_id", "system", "message"), on="fact")
    told = told.with_columns(message=worded())
    columns = ["case", "kind", "fact_id", "step", "system", "at", "message"]
    missing = missing_fields(journey, evidence, runs)
    return pl.concat([told.rename({"exception": "kind"}).select(columns), missing.select(columns)])


def with_words(facts: pl.DataFrame, evidence: Evidence, on: list[str]) -> pl.DataFrame:
    """`facts` with the `words` of the comparisons that named them; '' where there was none."""
    if evidence.words is None:
        return facts.with_columns(words=pl.lit(""))
    said = evidence.words.group_by(on).agg(pl.col("words").min())
    return facts.join(said, on=on, how="left", maintain_order="left").with_columns(
        pl.col("words").fill_null("")
    )


def worded() -> pl.Expr:
    """The fact's own `message`, or else the `words` of a comparison."""
    return pl.when(pl.col("message") == "").then("words").otherwise("message")


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
