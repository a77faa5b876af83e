"""What the instants of a case mean now: states are computed when read, never stored."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import polars as pl

INSTANT = pl.Datetime("ns", "UTC")
STATES = ("open", "paused", "completed", "cancelled")


def with_states(
    cases: pl.DataFrame, now: datetime, silent_systems: Collection[str] = ()
) -> pl.DataFrame:
    """`cases` with `state`, `sla` and `overdue`; what lies after `now` has not happened.

    A case that was re-opened is judged by its last end, and was over from the end before to that.

    `due_at` is the last good instant: breached or missed when it has passed, at risk from `warn_at`
    on. The clock of a paused case stands where the pause began, so a case that was late before
    stays breached; a deadline that the pause put off is null until it goes on. Where a system that
    an open step waits for is silent, at risk and breached become unknown. Cancelled cases, and
    those without a promise, are unknown too. `overdue`: an open case's current step is past its own
    deadline. `stuck_reason` is completed by what only the present can tell: waiting for the
    customer, the source silent, or dropped without a word.
    """
    at = pl.lit(now).cast(INSTANT)
    silent = (
        pl.col("waiting_systems").list.eval(pl.element().is_in(list(silent_systems))).list.any()
    )
    cases = cases.with_columns(state=_state(at), silent=silent.fill_null(False))
    paused, is_open = pl.col("state") == "paused", pl.col("state") == "open"
    put_off = paused & (pl.col("due_at") >= pl.col("paused_from"))
    overdue = is_open & (pl.col("current_due_at") < at)
    return (
        cases.with_columns(
            sla=_sla(pl.when(paused).then(pl.col("paused_from")).otherwise(at)),
            overdue=overdue.fill_null(False),
        )
        .with_columns(
            stuck_reason=_reason(),
            due_at=pl.when(~put_off.fill_null(False)).then(pl.col("due_at")),
            warn_at=pl.when(~put_off.fill_null(False)).then(pl.col("warn_at")),
        )
        .drop("silent")
    )


def over(at: pl.Expr) -> pl.Expr:
    """Whether a case had ended by `at`, and was not re-opened by then."""
    return _state(at).is_in(["completed", "cancelled"])


def _state(at: pl.Expr) -> pl.Expr:
    in_pause = (pl.col("paused_from") <= at) & (at < pl.col("paused_until"))
    dormant = (pl.col("ended_before_at") <= at) & (at < pl.col("reopened_at"))
    return (
        pl.when(dormant)
        .then(pl.col("ended_before_as"))
        .when(pl.col("completed_at") <= at)
        .then(pl.lit("completed"))
        .when(pl.col("cancelled_at") <= at)
        .then(pl.lit("cancelled"))
        .when(in_pause)
        .then(pl.lit("paused"))
        .otherwise(pl.lit("open"))
    )


def _sla(at: pl.Expr) -> pl.Expr:
    completed = pl.col("state") == "completed"
    ended = pl.when(at < pl.col("reopened_at")).then("ended_before_at").otherwise("completed_at")
    late = ended > pl.col("due_at")
    return (
        pl.when((pl.col("state") == "cancelled") | pl.col("due_at").is_null())
        .then(pl.lit("unknown"))
        .when(completed)
        .then(pl.when(late).then(pl.lit("missed")).otherwise(pl.lit("met")))
        .when(at < pl.col("warn_at"))
        .then(pl.lit("on_track"))
        .when("silent")
        .then(pl.lit("unknown"))
        .when(at > pl.col("due_at"))
        .then(pl.lit("breached"))
        .otherwise(pl.lit("at_risk"))
    )


def _reason() -> pl.Expr:
    waiting = pl.col("state") == "open"
    late = pl.col("overdue") | pl.col("sla").is_in(["at_risk", "breached", "unknown"])
    known = pl.col("stuck_reason") != ""
    return (
        pl.when(pl.col("state") == "paused")
        .then(pl.lit("waiting-for-customer"))
        .when(~waiting)
        .then(pl.lit(""))
        .when(known)
        .then(pl.col("stuck_reason"))
        .when(pl.col("silent") & late)
        .then(pl.lit("source-silent"))
        .when(pl.col("overdue"))
        .then(pl.lit("dropped-silently"))
        .otherwise(pl.lit(""))
    )
