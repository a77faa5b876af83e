"""The cases whose promises may have something to tell at an instant."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import polars as pl

from threadline.store.telemetry import Telemetry

_PASSED = """
SELECT * EXCEPT (generation, deleted) FROM cases FINAL
WHERE (completed_at IS NULL AND cancelled_at IS NULL
        AND (warn_at <= {now:DateTime64(9, 'UTC')} OR due_at < {now:DateTime64(9, 'UTC')}
            OR current_due_at < {now:DateTime64(9, 'UTC')}))
    OR case_id IN {watched:Array(String)}
"""


def passed(telemetry: Telemetry, now: datetime, watched: Collection[str]) -> pl.DataFrame:
    """Open cases with a warning or deadline behind `now`, and those `watched`, in columns of cases."""
    return telemetry.query(_PASSED, {"now": now, "watched": sorted(watched)})
