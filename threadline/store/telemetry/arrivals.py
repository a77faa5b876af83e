"""When what people have to look into came, minute by minute, of what is still to be looked into."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.contradictions import ORPHANS
from threadline.store.telemetry.tenures import reading

_BY_MINUTE = """
SELECT part, max(received_at) AS at, toInt64(count()) AS count FROM (ROWS)
GROUP BY part, toStartOfMinute(received_at) ORDER BY part, at
"""

_DEAD_LETTERS = """
SELECT source AS part, received_at FROM dead_letters FINAL
WHERE received_at >= {since:DateTime64(9, 'UTC')}
"""

_ORPHANS = f"SELECT source AS part, received_at FROM ({ORPHANS})"

# A tie is as new as the fact that asserts it.
_CONFLICTS = """
SELECT part, received_at FROM (
    SELECT system AS part, fact_id FROM links FINAL WHERE state != 'held') AS ties
INNER JOIN (
    SELECT fact_id, min(facts.received_at) AS received_at FROM facts
    WHERE fact_id IN (SELECT fact_id FROM links FINAL WHERE state != 'held')
    GROUP BY fact_id) AS told USING (fact_id)
WHERE received_at >= {since:DateTime64(9, 'UTC')}
"""


def dead_letters(telemetry: Telemetry, since: datetime) -> pl.DataFrame:
    """Those received from `since` on that were not replayed: part (the source), at, count."""
    return telemetry.query(_BY_MINUTE.replace("ROWS", _DEAD_LETTERS), {"since": since})


def orphans(telemetry: Telemetry, since: datetime) -> pl.DataFrame:
    """Facts received from `since` on that belong to no contract: part (the source), at, count."""
    rows = _ORPHANS.replace("ADRIFT", reading(telemetry).adrift)
    return telemetry.query(_BY_MINUTE.replace("ROWS", rows), {"since": since})


def conflicts(telemetry: Telemetry, since: datetime) -> pl.DataFrame:
    """Ties that do not hold, by when they were received: part (the system), at, count."""
    return telemetry.query(_BY_MINUTE.replace("ROWS", _CONFLICTS), {"since": since})


def sources(telemetry: Telemetry) -> frozenset[str]:
    """All that have ever sent anything."""
    return frozenset(telemetry.query("SELECT DISTINCT source FROM intake_counts")["source"])
