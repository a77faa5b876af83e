"""What is known about each case as a whole."""

from __future__ import annotations

import polars as pl

from metrics.derive.evidence import Evidence
from metrics.derive.failures import FIELD_MISSING, listed
from metrics.derive.rows import MONEY
from metrics.derive.scopes import in_scope, scopes
from metrics.derive.told import Told
from threadline.model.journeys import Journey
from threadline.model.matching import SELF_AND_DESCENDANTS

CLOCK_AHEAD = "clock-ahead"
IMPLAUSIBLE = "implausible-time"
OUT_OF_ORDER = "out-of-order"
SAMPLED = "sampled"
SKIPPED = "step-skipped"
UNREADABLE = "value-unreadable"
TOLERANCE = pl.duration(minutes=1)  # clocks that differ by less tell the same time


def with_standing(journey: Journey, runs: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """`runs` with the step they wait for and why: current_*, waiting_systems, stuck_*, rework.

    The current step is the required open one that has been ready longest; of equals, the first of
    the definition. A case that has ended waits for nothing.
    """
    unclosed, ready = pl.col("closed_at").is_null(), pl.col("ready_at").is_not_null()
    waiting = steps.filter("required", unclosed, ready, pl.col("ended_at").is_null())
    current = (
        waiting.sort("ready_at", "index")
        .unique("case", keep="first", maintain_order=True)
        .select(
            "case",
            "reason",
            "by_person",
            current_step="step",
            current_since="ready_at",
            current_due_at="due_at",
            stuck_message="message",
        )
    )
    systems = waiting.group_by("case").agg(waiting_systems=pl.col("system").unique().sort())
    rework = steps.group_by("case").agg(pl.col("rework").sum())
    return _with_reason(
        journey,
        runs.join(current, on="case", how="left")
        .join(systems, on="case", how="left")
        .join(rework, on="case", how="left"),
    ).with_columns(
        pl.col("current_step", "stuck_message").fill_null(""),
        pl.col("waiting_systems").fill_null([]),
        pl.col("rework").fill_null(0),
    )


def with_annotations(runs: pl.DataFrame, evidence: Evidence, steps: pl.DataFrame) -> pl.DataFrame:
    """`runs` with what makes their instants doubtful, in alphabetical order."""
    early = pl.col("closed_at") < pl.col("ready_at")
    skipped = pl.col("closed_at").is_not_null() & pl.col("ready_at").is_null()
    received = evidence.facts.select("fact", "received_at")
    known = evidence.links.filter("plausible").join(received, on="fact")
    ahead = pl.col("at") > pl.col("received_at") + TOLERANCE
    marks = [
        _mark(known.filter(ahead), CLOCK_AHEAD),
        _mark(evidence.links.filter(~pl.col("plausible")), IMPLAUSIBLE),
        _mark(steps.filter(early), OUT_OF_ORDER),
        _mark(steps.filter(pl.col("sampled").fill_null(False)), SAMPLED),
        _mark(steps.filter(skipped), SKIPPED),
        _mark(runs.filter("unreadable"), UNREADABLE),
    ]
    marked = pl.concat(marks).group_by("case").agg(annotations=pl.col("mark").sort())
    runs = runs.join(marked, on="case", how="left")
    return runs.with_columns(pl.col("annotations").fill_null([]))


def with_value(journey: Journey, runs: pl.DataFrame) -> pl.DataFrame:
    """`runs` with value, currency, the same of their roots, and dimensions.

    `unreadable`: the value is no number.
    """
    text, value = _text(journey.value), _money(journey.value)
    dimensions = [pl.col(attribute).alias(name) for name, attribute in sorted(journey.dimensions)]
    encoded = pl.struct(dimensions).struct.json_encode() if dimensions else pl.lit("{}")
    return runs.with_columns(
        value=value,
        unreadable=value.is_null() & text.is_not_null(),
        currency=_text(journey.currency).fill_null(""),
        root_value=_money(journey.root_value),
        root_currency=_text(journey.root_currency).fill_null(""),
        dimensions=encoded,
    )


def _text(attribute: str) -> pl.Expr:
    return pl.col(attribute) if attribute else pl.lit(None, pl.String)


def _money(attribute: str) -> pl.Expr:
    # Rounded once, half to even; a cast alone would cut the digits off.
    exact = _text(attribute).cast(pl.Decimal(38, 6), strict=False)
    return exact.round(2).cast(MONEY, strict=False)


def with_counts(runs: pl.DataFrame, known: Told, exceptions: pl.DataFrame) -> pl.DataFrame:
    """`runs` with how many exceptions they had, and facts, on themselves and what they own."""
    around = scopes(SELF_AND_DESCENDANTS, runs, known)
    spoken = known.mentions.join(around, on="object_id").filter(in_scope())
    facts = spoken.select("case", "fact").unique().group_by("case").agg(facts=pl.len())
    failed = exceptions.group_by("case").agg(exceptions=pl.len())
    return (
        runs.join(facts, on="case", how="left")
        .join(failed, on="case", how="left")
        .with_columns(pl.col("facts", "exceptions").fill_null(0))
    )


def _with_reason(journey: Journey, runs: pl.DataFrame) -> pl.DataFrame:
    lacking = listed({field: pl.col(field).is_null() for field in journey.required_fields})
    waits, unexplained = pl.col("current_step").is_not_null(), pl.col("reason") == ""
    missing = waits & unexplained & (lacking != "")
    person = waits & unexplained & pl.col("by_person")
    return runs.with_columns(
        stuck_reason=pl.when(missing)
        .then(pl.lit(FIELD_MISSING))
        .when(person)
        .then(pl.lit("waiting-for-person"))
        .otherwise(pl.col("reason").fill_null("")),
        stuck_message=pl.when(missing).then(lacking).otherwise(pl.col("stuck_message")),
    )


def _mark(rows: pl.DataFrame, mark: str) -> pl.DataFrame:
    return rows.select("case").unique().with_columns(mark=pl.lit(mark))
