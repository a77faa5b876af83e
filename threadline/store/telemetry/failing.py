"""The steps that running cases wait for after they have failed."""

from __future__ import annotations

import polars as pl

from threadline.store.telemetry import Telemetry

_FAILS = "required AND failures > 0 AND closed_at IS NULL AND first_failed_at IS NOT NULL"

# All versions are looked through before the few that fail are read as they are now.
_FAILING = f"""
WITH suspects AS (SELECT journey, case_id FROM steps WHERE {_FAILS})
SELECT journey, case_id, root_id, criticality, step, system, message AS error,
    assumeNotNull(first_failed_at) AS failed_at, known_at,
    root_value AS value, root_currency AS currency
FROM (
    SELECT * FROM steps FINAL WHERE {_FAILS} AND (journey, case_id) IN suspects
) AS failed
INNER JOIN (
    SELECT journey, case_id, root_id, criticality, known_at, root_value, root_currency
    FROM cases FINAL WHERE completed_at IS NULL AND cancelled_at IS NULL
        AND (journey, case_id) IN suspects
) AS running USING (journey, case_id)
"""

_FAILED_SINCE = f"""
SELECT journey, case_id, step, system, message AS error,
    assumeNotNull(first_failed_at) AS failed_at, generation
FROM steps WHERE generation > {{after:UInt64}} AND deleted = 0 AND {_FAILS}
"""
_OF_CASE = ["journey", "case_id", "root_id", "criticality", "known_at", "generation"]


def steps(telemetry: Telemetry) -> pl.DataFrame:
    """Required open steps with a failure, of open and paused cases.

    Columns: journey, case_id, root_id, criticality, step, system, error (the last failure's
    message), failed_at (the first failure), known_at (of the case), value and currency of the
    contract.
    """
    return telemetry.query(_FAILING)


def steps_of(telemetry: Telemetry, changed: pl.DataFrame, after: int) -> pl.DataFrame:
    """The same of cases derived since the generation `after` only: rows of `deadlines.changed`."""
    ended = pl.any_horizontal(pl.col("completed_at", "cancelled_at").is_not_null())
    running = changed.filter(~ended, pl.col("deleted") == 0).select(
        *_OF_CASE, value="root_value", currency="root_currency"
    )
    # A case and its steps are stored under one generation: older rows of steps are superseded.
    found = telemetry.query(_FAILED_SINCE, {"after": after})
    joined = found.join(running, on=["journey", "case_id", "generation"])
    joined = joined.unique(["journey", "case_id", "step"])
    order = ["journey", "case_id", "root_id", "criticality", "step", "system", "error"]
    return joined.select(*order, "failed_at", "known_at", "value", "currency")
