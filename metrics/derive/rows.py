"""The columns of what is derived, as the telemetry store keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

INSTANT = pl.Datetime("ns", "UTC")
MONEY = pl.Decimal(18, 2)

CASES: Mapping[str, pl.DataType] = {
    "journey": pl.String(),
    "case_id": pl.String(),
    "root_id": pl.String(),
    "version": pl.String(),
    "started_at": INSTANT,
    "completed_at": INSTANT,
    "cancelled_at": INSTANT,
    "reopened_at": INSTANT,
    "reopenings": pl.UInt32(),
    "ended_before_at": INSTANT,
    "ended_before_as": pl.String(),
    "paused_from": INSTANT,
    "paused_until": INSTANT,
    "warn_at": INSTANT,
    "due_at": INSTANT,
    "known_at": INSTANT,
    "business_seconds": pl.Float64(),
    "current_step": pl.String(),
    "current_since": INSTANT,
    "current_due_at": INSTANT,
    "waiting_systems": pl.List(pl.String()),
    "stuck_reason": pl.String(),
    "stuck_message": pl.String(),
    "value": MONEY,
    "currency": pl.String(),
    "root_value": MONEY,
    "root_currency": pl.String(),
    "criticality": pl.String(),
    "dimensions": pl.String(),
    "annotations": pl.List(pl.String()),
    "exceptions": pl.UInt32(),
    "rework": pl.UInt32(),
    "facts": pl.UInt32(),
}

STEPS: Mapping[str, pl.DataType] = {
    "journey": pl.String(),
    "case_id": pl.String(),
    "step": pl.String(),
    "system": pl.String(),
    "required": pl.Boolean(),
    "ready_at": INSTANT,
    "reopened_at": INSTANT,
    "due_at": INSTANT,
    "closed_at": INSTANT,
    "closed_by": pl.String(),
    "object_id": pl.String(),
    "first_failed_at": INSTANT,
    "times": pl.UInt32(),
    "done": pl.UInt32(),
    "failures": pl.UInt32(),
    "rework": pl.UInt32(),
    "actor_type": pl.String(),
    "message": pl.String(),
    "sampled": pl.Boolean(),
    "alternative": pl.String(),
}

EXCEPTIONS: Mapping[str, pl.DataType] = {
    "journey": pl.String(),
    "case_id": pl.String(),
    "kind": pl.String(),
    "fact_id": pl.String(),
    "step": pl.String(),
    "system": pl.String(),
    "at": INSTANT,
    "message": pl.String(),
}

REMEDIES: Mapping[str, pl.DataType] = {
    "journey": pl.String(),
    "case_id": pl.String(),
    "step": pl.String(),
    "kind": pl.String(),
    "fact_id": pl.String(),
    "system": pl.String(),
    "at": INSTANT,
    "succeeded": pl.Boolean(),
    "message": pl.String(),
}

VALUES: Mapping[str, pl.DataType] = {
    "root_id": pl.String(),
    "object_id": pl.String(),
    "attribute": pl.String(),
    "system": pl.String(),
    "at": INSTANT,
    "mastered": pl.Boolean(),
    "value": pl.String(),
    "currency": pl.String(),
    "fact_id": pl.String(),
}

MISMATCHES: Mapping[str, pl.DataType] = {
    "root_id": pl.String(),
    "object_id": pl.String(),
    "attribute": pl.String(),
    "system": pl.String(),
    "starts_at": INSTANT,
    "ends_at": INSTANT,
    "since": INSTANT,
    "due_at": INSTANT,
    "until": INSTANT,
    "master": pl.String(),
    "master_value": pl.String(),
    "master_currency": pl.String(),
    "master_at": INSTANT,
    "master_fact": pl.String(),
    "copy_value": pl.String(),
    "copy_currency": pl.String(),
    "copy_at": INSTANT,
    "copy_fact": pl.String(),
    "amount": pl.Boolean(),
    "difference": MONEY,
    "currency": pl.String(),
}


@dataclass(frozen=True, kw_only=True)
class Derived:
    """Cases, steps and exceptions, in no particular order, with the columns of the tables so named.

    `cases`: `paused_from` to `paused_until` is the last pause, also when it is over; `due_at` and
    `warn_at` suppose that a pause lasts until then. `business_seconds` is what the business clock
    had run when it last stopped: at completion, else at the start of the last pause or the end
    before the last re-opening, else null. `reopened_at` is the last of so many `reopenings`;
    before it the case had ended at `ended_before_at`, `completed` or `cancelled`.
    `due_at` is the last good instant. `value` is what the case is worth, `root_value` what its root
    is, which several cases share.

    `reopened_at` of a step: since when it has to be done again. It needs `times` successes (null:
    nobody says how many), of which there are `done`.

    `steps`: the required ones and those that anything was seen of. `remedies`: attempts to put
    steps right. `mismatches` come from `mastery` and stand beside the cases where both are asked
    about.
    """

    cases: pl.DataFrame
    steps: pl.DataFrame
    exceptions: pl.DataFrame
    remedies: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REMEDIES))
    mismatches: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MISMATCHES))


def conform(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Exactly the columns of `schema`, in its order and types."""
    return frame.select(pl.col(name).cast(kind) for name, kind in schema.items())
