"""Money that was agreed and is not billed as agreed.

Three kinds of rows, each with a currency: amendments that billing does not know yet, invoices that
went out on stale terms, and copies of mastered amounts that differ from their masters.
"""

from __future__ import annotations

import polars as pl

from metrics.derive.rows import CASES, MONEY
from metrics.kpis.scene import UNKNOWN, Question
from metrics.mismatches import standing

UNBILLED, STALE, APART = "not in billing", "on stale terms", "copy differs"
NOTHING, ELSEWHERE = "open", "counted elsewhere"


def leakage(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """The population: a row is `behind` the value, and a `hit`, if it leaks its `amount`.

    An invoice is worth what it was on the day it was issued (`rated_at`), all else what it is now.

    A copy that began to differ when an amendment of its contract that is counted here had been
    approved, or that differs less than another copy of the same attribute, is counted elsewhere.
    """
    amended = pl.col("journey").is_in(_amending(ask))
    amendments = _amendments(ask, cases.filter(amended))
    parts = [amendments, _invoices(ask, cases.filter(~amended))]
    if not ask.journey:  # a copy belongs to no journey
        parts.append(_copies(ask, amendments))
    rows = pl.concat(parts, how="diagonal")
    known = pl.col("amount").is_not_null() & (pl.col("currency") != "")
    leaks = pl.col("standing").is_in([UNBILLED, STALE, APART])
    unread = pl.when(leaks & ~known).then(pl.lit(UNKNOWN)).otherwise(pl.col("standing"))
    return rows.with_columns(standing=unread, hit=leaks & known, behind=leaks & known)


def _amending(ask: Question) -> list[str]:
    """The journeys that bring an amendment into billing."""
    journeys = ask.scene.definitions.journeys
    return [name for name in ask.kpi.journeys if ask.kpi.step in journeys[name].positions]


def _amendments(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """Those under way."""
    keys = ["journey", "case_id"]
    billed = ask.scene.derived.steps.filter(
        pl.col("step") == ask.kpi.step, pl.col("closed_at") <= ask.scene.instant
    ).select(*keys, billed=pl.lit(True))
    billing = ask.scene.places.filter(pl.col("step") == ask.kpi.step)
    billing = billing.select("journey", billed_in="system")
    going = cases.filter(pl.col("state").is_in(["open", "paused"]))
    going = going.join(billed, on=keys, how="left").join(billing, on="journey", how="left")
    unheard = pl.col("billed_in").is_in(list(ask.scene.silent))
    told = (
        pl.when(pl.col("billed").fill_null(False))
        .then(pl.lit(NOTHING))
        .otherwise(pl.when(unheard).then(pl.lit(UNKNOWN)).otherwise(pl.lit(UNBILLED)))
    )
    return going.with_columns(standing=told, amount="value").drop("billed", "billed_in")


def _invoices(ask: Question, cases: pl.DataFrame) -> pl.DataFrame:
    """Those issued in the window; stale if an exception of an amendment tells of that instant."""
    keys = ["journey", "case_id"]
    amendments = ask.scene.derived.cases.filter(pl.col("journey").is_in(_amending(ask)))
    told = (
        ask.scene.derived.exceptions.filter(
            pl.col("kind").is_in(ask.kpi.kinds), pl.col("at") <= ask.scene.instant
        )
        .join(amendments.select(*keys, "root_id"), on=keys)
        .select("root_id", started_at="at", stale=pl.lit(True))
        .unique()
    )
    issued = cases.filter(ask.anchored("started_at"))
    issued = issued.join(told, on=["root_id", "started_at"], how="left")
    stale = pl.when("stale").then(pl.lit(STALE)).otherwise(pl.lit(NOTHING))
    return issued.with_columns(standing=stale, amount="value", rated_at="started_at").drop("stale")


def _copies(ask: Question, amendments: pl.DataFrame) -> pl.DataFrame:
    """Copies of amounts that differ beyond their time, in the columns of cases."""
    now = standing(ask.scene.derived.mismatches, ask.scene.now, ask.scene.silent)
    apart = now.filter("amount", pl.col("state").is_in(["open", UNKNOWN]))
    counted = amendments.filter(pl.col("standing") == UNBILLED, pl.col("value").is_not_null())
    since = counted.group_by("root_id").agg(amended_at=pl.col("started_at").min())
    apart = apart.join(since, on="root_id", how="left")
    with_amendment = (pl.col("since") >= pl.col("amended_at")).fill_null(False)
    by_size = apart.sort("difference", "system", descending=[True, False], nulls_last=True)
    by_size = by_size.with_columns(
        place=pl.int_range(pl.len()).over("root_id", "object_id", "attribute", "state")
    )
    again = (pl.col("place") > 0) & pl.col("difference").is_not_null()
    told = (
        pl.when(pl.col("state") == UNKNOWN)
        .then(pl.lit(UNKNOWN))
        .when(with_amendment | again)
        .then(pl.lit(ELSEWHERE))
        .otherwise(pl.lit(APART))
    )
    return _as_cases(ask, by_size.with_columns(standing=told))


def _as_cases(ask: Question, apart: pl.DataFrame) -> pl.DataFrame:
    """What a list of cases shows of a mismatch; its contract gives region and the like."""
    first = (
        ask.scene.derived.cases.sort("started_at", "journey", "case_id")
        .unique("root_id", keep="first", maintain_order=True)
        .select("root_id", "criticality", "dimensions")
    )
    words = pl.format(
        "{} says {} {}, {} says {} {}",
        *("system", "copy_value", "copy_currency", "master", "master_value", "master_currency"),
    )
    rows = apart.join(first, on="root_id", how="left").select(
        "root_id",
        "system",
        "currency",
        "due_at",
        "standing",
        pl.col("criticality", "dimensions").fill_null(""),
        journey=pl.lit(""),
        case_id=pl.format("{}/{}/{}", "object_id", "attribute", "system"),
        version=pl.lit(""),
        state=pl.lit("open"),
        sla=pl.lit("breached"),
        overdue=pl.lit(True),
        started_at="since",
        known_at="since",
        current_step=pl.format("{} in {}", pl.col("attribute").str.replace_all("_", " "), "system"),
        current_since="since",
        current_due_at="due_at",
        raw_due_at="due_at",
        stuck_reason=pl.lit(""),
        stuck_message=words.str.replace_all("  ", " ").str.strip_chars(),
        value=pl.col("difference").cast(MONEY),
        amount=pl.col("difference").cast(MONEY),
    )
    numbers = {
        name: pl.lit(0, CASES[name]) for name in ("reopenings", "exceptions", "rework", "facts")
    }
    lists = {name: pl.lit([], CASES[name]) for name in ("annotations", "waiting_systems")}
    return rows.with_columns(**numbers, **lists)
