"""The steps that running cases wait for after they have failed."""

from __future__ import annotations

import polars as pl

from threadline.store.telemetry import Telemetry

# All versions are looked through before the few that fail are read as they are now.
_FAILING = """
WITH suspects AS (
    SELECT journey, case_id FROM steps WHERE required AND failures > 0 AND closed_at IS NULL)
SELECT journey, case_id, root_id, criticality, step, system, message AS error,
    assumeNotNull(first_failed_at) AS failed_at, known_at,
    root_value AS value, root_currency AS currency
FROM (
    SELECT * FROM steps FINAL WHERE required AND failures > 0 AND closed_at IS NULL
        AND (journey, case_id) IN suspects
) AS failed
INNER JOIN (
    SELECT journey, case_id, root_id, criticality, known_at, root_value, root_currency
    FROM cases FINAL WHERE completed_at IS NULL AND cancelled_at IS NULL
        AND (journey, case_id) IN suspects
) AS running USING (journey, case_id)
WHERE first_failed_at IS NOT NULL
"""


def steps(telemetry: Telemetry) -> pl.DataFrame:
    """Required open steps with a failure, of open and paused cases.

    Columns: journey, case_id, root_id, criticality, step, system, error (the last failure's
    message), failed_at (the first failure), known_at (of the case), value and currency of the
    contract.
    """
    return telemetry.query(_FAILING)
