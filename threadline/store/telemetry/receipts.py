"""How many facts were received when, and how many of them belong to no contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.tenures import reading

# Versions, not facts: telling versions of one fact apart from other facts would cost ten times as
# much. What is received together is counted together, so that few rows are sorted into windows.
_VERSIONS = """
SELECT source, received_at, toInt64(count()) AS facts, 0 AS shared, 0 AS orphans
FROM facts FINAL GROUP BY source, received_at
"""

_UNATTRIBUTED = """
SELECT source, received_at, 0 AS facts, toInt64(how = 'shared') AS shared,
    toInt64(how = 'none') AS orphans
FROM unattributed FINAL
"""

# A fact is an orphan when as many of its identifiers lead to no root as it has.
_NOT_TIED = """
SELECT any(source) AS source, any(mentions.received_at) AS received_at, 0 AS facts, 0 AS shared,
    1 AS orphans
FROM mentions FINAL
WHERE (object_type, namespace, value) IN (
    SELECT object_type, namespace, value FROM identifiers FINAL WHERE root_id = '') OR ADRIFT
GROUP BY fact_id HAVING count() = any(of)
"""

_COUNTS = f"""
SELECT toUInt32(place) AS window, source, sum(facts) AS facts, sum(shared) AS shared,
    sum(orphans) AS orphans
FROM (
    SELECT source, facts, shared, orphans, toUnixTimestamp64Nano(received_at) AS at, arrayJoin(
        arrayFilter(place -> at >= {{starts:Array(Int64)}}[place + 1]
            AND at < {{ends:Array(Int64)}}[place + 1], range({{windows:UInt32}}))) AS place
    FROM ({_VERSIONS} UNION ALL {_UNATTRIBUTED} UNION ALL {_NOT_TIED}))
GROUP BY place, source ORDER BY place, source
"""


def received(telemetry: Telemetry, windows: Sequence[tuple[datetime, datetime]]) -> pl.DataFrame:
    """Counts of the facts received in each `[start, end)`, by source that sent any.

    Columns: window (its place), source, facts (versions of facts), shared (by several contracts)
    and orphans, as things stand now.
    """
    starts, ends = ([_nanoseconds(window[end]) for window in windows] for end in (0, 1))
    asked = {"starts": starts, "ends": ends, "windows": len(windows)}
    counts = _COUNTS.replace("ADRIFT", reading(telemetry).adrift)
    return telemetry.query(counts, asked)


def _nanoseconds(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1) * 1000
